//! DynamoDB, the truth: users, events, inventory, bookings.
//!
//! One file an entity. Its methods are named access patterns, its keys stand beside them. A failed condition
//! becomes a word of the domain here; AWS types go no further.

mod audit;
mod batch;
mod bookings;
mod creations;
mod deletion;
mod deliveries;
mod delivery_item;
mod ended_tokens;
mod event_bookings;
mod events;
mod history;
mod http_client;
mod images;
mod inventory;
mod layouts;
mod moves;
mod page;
mod pending;
mod people;
mod prices;
mod retries;
mod sales;
mod sales_by_rate;
mod shard_id;
mod surplus;
mod taken;
mod telling;
mod told;
mod tombstones;
mod transaction;
mod user_seats;
mod users;
mod webhooks;
pub mod whole_tables;

use std::{collections::HashMap, time::Duration};
use telemetry::CauseChain;

use aws_config::{
    BehaviorVersion, SdkConfig,
    environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider},
    meta::region::ProvideRegion,
    retry::RetryConfig,
    timeout::TimeoutConfig,
};
pub use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::{
    config::{Credentials, Region, SharedCredentialsProvider},
    error::{ProvideErrorMetadata, SdkError},
    operation::update_item::UpdateItemError,
    types::AttributeValue,
};
use serde::{Serialize, de::DeserializeOwned};

pub use audit::{AuditFilter, is_place_in_audit, place_after_entry};
pub use bookings::{CancelOutcome, CommitOutcome};
pub use creations::Creation;
pub use delivery_item::Queue;
pub use event_bookings::{booking_at, is_place_of_event_bookings, place_after};
pub use events::{Created, EventsFilter, EventsFound, Replaced, is_place_by_start, place_of};
pub use history::{History, HistoryPlace};
pub use images::Change;
pub use moves::{KeptUser, Moved, OtherAddresses};
pub use page::PageLimits;
pub use pending::{DueBooking, Ending};
pub use retries::{Retries, TRANSACTION_TIME_MAX};
pub use sales::{UNMOVED_DAYS, has_hours_to_move};
pub use surplus::has_surplus_shards;
pub use telling::Look;
pub use told::{DeliveriesFilter, Replayed, is_place_of_deliveries};
pub use webhooks::Endpoints;

use domain::error::{Cause, Error, StoreName};
use settings::{Roots, Tables};

/// An item as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// One try of one call. DynamoDB answers in single-digit milliseconds; a second means that the try is lost.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1_500);
/// A call with all its tries; below the functions' timeout of 10 s.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(4);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPTS_MAX: u32 = 3;

/// The tables and a client for them.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    tables: Tables,
    page_limits: PageLimits,
}

/// A table that a function may read, to see whether DynamoDB answers.
#[derive(Clone, Copy, Debug)]
pub enum AskedTable {
    /// Every function but `auth` reads events.
    Events,
    /// Only `auth` reads users; `admin` reads no more of them than an index.
    Users,
}

impl Store {
    /// A store over these tables. Connects to nothing yet.
    pub fn new(client: Client, tables: Tables) -> Self {
        Self { client, tables, page_limits: PageLimits::DEFAULT }
    }

    /// The same store that reads so much for a page. Only tests change it.
    #[must_use]
    pub fn with_page_limits(self, page_limits: PageLimits) -> Self {
        Self { page_limits, ..self }
    }

    /// Whether DynamoDB answers, asked for an item that there is not.
    pub async fn is_reachable(&self, by: AskedTable) -> bool {
        let (table, key) = match by {
            AskedTable::Events => (&self.tables.events, "id"),
            AskedTable::Users => (&self.tables.users, "email"),
        };
        self.client.get_item().table_name(table).key(key, text("health")).send().await.is_ok()
    }
}

/// A client as the AWS SDK finds its settings: region and credentials of the Lambda function, and
/// `AWS_ENDPOINT_URL_DYNAMODB` where it is set.
pub async fn client_from_env() -> Client {
    client(&aws_config::load_defaults(BehaviorVersion::latest()).await)
}

/// The same for a Lambda function, which starts often. Lambda gives it region and credentials in its environment. The SDK's own
/// loader would have clients in it for all other places to find them in, a twentieth of the program. Where Amazon's own roots
/// suffice, nothing reads the system's.
pub async fn client_of_function(roots: Roots) -> Client {
    let said = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let is_on = |name| said(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let mut sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(EnvironmentVariableRegionProvider::new().region().await)
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .use_fips(is_on("AWS_USE_FIPS_ENDPOINT"))
        .use_dual_stack(is_on("AWS_USE_DUALSTACK_ENDPOINT"));
    sdk.set_endpoint_url(said("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| said("AWS_ENDPOINT_URL")));
    if roots == Roots::Amazons {
        sdk.set_http_client(Some(http_client::trusting_amazon_only()));
    }
    client(&sdk.build())
}

/// A client for a DynamoDB-compatible store on this machine, which takes any credentials.
pub fn client_for_endpoint(endpoint: &str) -> Client {
    let credentials = Credentials::new("local", "local", None, None, "local");
    let mut config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("local"))
        .credentials_provider(credentials)
        .endpoint_url(endpoint)
        .retry_config(retries())
        .timeout_config(timeouts());
    if endpoint.starts_with("http://") {
        config = config.http_client(http_client::past_any_proxy());
    }
    Client::from_conf(config.build())
}

fn client(sdk: &SdkConfig) -> Client {
    let config = aws_sdk_dynamodb::config::Builder::from(sdk)
        .retry_config(retries())
        .timeout_config(timeouts())
        .build();
    Client::from_conf(config)
}

/// The SDK's standard retries: exponential backoff with full jitter.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX).with_initial_backoff(Duration::from_millis(50))
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

/// What DynamoDB says while it can't serve, or not so much.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>
const OUT_OF_SERVICE: &[&str] = &[
    "InternalServerError",
    "InternalFailure",
    "ServiceUnavailable",
    "ThrottlingException",
    "ThrottlingError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "TransactionConflictException",
    "TransactionInProgressException",
    // The credentials of a function are renewed in time, unless it slept.
    "ExpiredTokenException",
];

/// The store is out of reach, or overloaded.
fn out_of_reach(source: impl Into<Cause>) -> Error {
    Error::OutOfReach { store: StoreName::DynamoDb, source: source.into() }
}

/// What remains of an SDK error once the outcomes that mean something were taken out: the store is out of
/// reach or overloaded, or we asked something wrong.
fn failed<E, R>(error: SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let is_out_of_reach = match (&error, error.code()) {
        (SdkError::ConstructionFailure(_), _) => false,
        (SdkError::ServiceError(_), Some(code)) => OUT_OF_SERVICE.contains(&code),
        // No answer, none in time, or one that is not DynamoDB's.
        _ => true,
    };
    if is_out_of_reach {
        return out_of_reach(error);
    }
    tracing::error!(defect = true, cause = %CauseChain(&error), "DynamoDB refuses what is asked of it");
    Error::Internal(Box::new(error))
}

/// Whether an update's condition was true, so that it was written.
fn was_written<T>(updated: Result<T, SdkError<UpdateItemError>>) -> Result<bool, Error> {
    match updated {
        Ok(_) => Ok(true),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(failed(error)),
        },
    }
}

fn to_item<T: Serialize>(value: &T) -> Result<Item, Error> {
    serde_dynamo::to_item(value).map_err(|error| Error::Internal(Box::new(error)))
}

fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, Error> {
    serde_dynamo::from_item(item).map_err(|error| Error::Internal(Box::new(error)))
}

/// An item of a list. One that can't be read, as another release may have written it, is logged and left out, so that the
/// others can be had.
fn readable<T: DeserializeOwned>(item: Item) -> Option<T> {
    let key = names(&item);
    from_item(item)
        .inspect_err(|error| tracing::error!(item = key, %error, "an item of a list can't be read"))
        .ok()
}

/// What an item is called where it is kept, for the log. Users are in no list: their key is for nobody to see.
fn names(item: &Item) -> String {
    let parts = ["id", "shard_id"].into_iter().filter_map(|name| item.get(name)?.as_s().ok());
    parts.map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
