//! Telling people, in one process: what Lambda does with the streams and the schedule of `notifications`.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use aws_sdk_dynamodbstreams::{
    Client as Streams,
    config::{BehaviorVersion, Credentials, Region},
};
use domain::{error::Error, id::UserId};
use futures::FutureExt;
use http_api::App;
use jiff::{SignedDuration, Timestamp};
use jobs::Budget;
use messages::{MailerError, Teller};
use settings::mail::MailConfig;
use stores::dynamodb;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::streams::{Begins, Followers, Stream};

/// How long nothing new may lie in a stream.
const READ_EVERY: Duration = Duration::from_secs(1);
/// After a failure of a store.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Of several processes one reads. It says so often enough that nobody takes over while it lives.
const LEASE: SignedDuration = SignedDuration::from_secs(15);
const RENEWED_EVERY: Duration = Duration::from_secs(5);
const STREAMS: &str = "streams";
/// A stop waits no longer, twice.
const STOPPED_WITHIN: Duration = Duration::from_secs(3);
const BATCH_TIME_MAX: Duration = Duration::from_secs(10);

/// A client of the streams, where the environment says that DynamoDB is.
pub async fn streams_from_env() -> Streams {
    let sdk = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let config = aws_sdk_dynamodbstreams::config::Builder::from(&sdk);
    // A store of one's own has the streams beside the tables.
    let own = std::env::var("AWS_ENDPOINT_URL_DYNAMODB").ok().filter(|url| !url.is_empty());
    let is_said = std::env::var_os("AWS_ENDPOINT_URL_DYNAMODB_STREAMS").is_some();
    match own.filter(|_| !is_said) {
        Some(endpoint) => Streams::from_conf(config.endpoint_url(endpoint).build()),
        None => Streams::from_conf(config.build()),
    }
}

/// A client of the streams of a DynamoDB-compatible store on this machine, which takes any credentials.
pub fn streams_of_endpoint(endpoint: &str) -> Streams {
    let config = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("local"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(endpoint);
    Streams::from_conf(config.build())
}

/// What tells people, as long as it lives.
#[derive(Debug)]
pub struct Telling {
    /// Does what is due, whenever the schedule says so.
    pub teller: Arc<Teller>,
    /// Who reads, among several.
    me: String,
    _reading: JoinSet<()>,
}

impl Telling {
    /// Waits for what is under way, and leaves the streams to others.
    pub async fn stop(&self) {
        if timeout(STOPPED_WITHIN, self.teller.finish()).await.is_err() {
            tracing::warn!("some mails are still under way: they may go twice");
        }
        let given_up = self.teller.store().give_up_lease(STREAMS, &self.me);
        if let Ok(Err(error)) = timeout(STOPPED_WITHIN, given_up).await {
            tracing::warn!(%error, "the streams are left to others once the lease is over");
        }
    }
}

/// Starts telling people: the streams are read from now on.
///
/// # Errors
/// When a setting of mail can't be used.
pub async fn start(
    app: &Arc<App>,
    mail: Option<MailConfig>,
    dynamodb: dynamodb::Client,
    streams: Streams,
) -> Result<Telling, MailerError> {
    let (store, tokens, addresses) =
        (app.store.clone(), Arc::clone(&app.tokens), app.config.webhook_addresses);
    let teller = Arc::new(Teller::open(store, tokens, mail, addresses).await?);
    let tables = &app.config.tables;
    let mut streams_of =
        vec![(tables.bookings.clone(), Begins::AtItsPlace), (tables.events.clone(), Begins::AtItsPlace)];
    streams_of.extend(tables.deliveries.clone().map(|table| (table, Begins::Now)));
    // Nobody else is called so.
    let me = UserId::new().to_string();
    let mut reading = JoinSet::new();
    reading.spawn(read(Arc::clone(&teller), Arc::clone(app), dynamodb, streams, streams_of, me.clone()));
    Ok(Telling { teller, me, _reading: reading })
}

async fn read(
    teller: Arc<Teller>,
    app: Arc<App>,
    dynamodb: dynamodb::Client,
    client: Streams,
    tables: Vec<(String, Begins)>,
    me: String,
) {
    let mut reader = Reader {
        teller,
        app,
        dynamodb,
        client,
        tables,
        me,
        streams: Vec::new(),
        is_mine: false,
        asked_at: None,
    };
    loop {
        let wait = match AssertUnwindSafe(reader.read_once()).catch_unwind().await {
            Ok(Ok(0)) => READ_EVERY,
            Ok(Ok(_)) => Duration::ZERO,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the streams can't be read for now");
                reader.streams.clear();
                READ_AGAIN_AFTER
            }
            Err(_) => {
                tracing::error!("reading the streams panicked; it begins anew");
                reader.streams.clear();
                READ_AGAIN_AFTER
            }
        };
        telemetry::flush_metrics();
        sleep(wait).await;
    }
}

struct Reader {
    teller: Arc<Teller>,
    app: Arc<App>,
    dynamodb: dynamodb::Client,
    client: Streams,
    tables: Vec<(String, Begins)>,
    me: String,
    streams: Vec<Stream>,
    is_mine: bool,
    asked_at: Option<Instant>,
}

impl Reader {
    async fn read_once(&mut self) -> Result<usize, Error> {
        if self.asked_at.is_none_or(|at| at.elapsed() >= RENEWED_EVERY) {
            let is_mine = self.teller.store().take_lease(STREAMS, &self.me, Timestamp::now(), LEASE).await?;
            self.asked_at = Some(Instant::now());
            if is_mine != self.is_mine {
                self.is_mine = is_mine;
                // Others have read on since.
                self.streams.clear();
                tracing::info!(is_mine, "who reads the streams has changed");
            }
        }
        if !self.is_mine {
            return Ok(0);
        }
        if self.streams.is_empty() {
            for (table, begins) in &self.tables {
                match Stream::of(&self.client, &self.dynamodb, table, *begins).await? {
                    Some(stream) => self.streams.push(stream),
                    None => tracing::error!(
                        table,
                        "the table has no stream: people are told by the hourly look alone"
                    ),
                }
            }
        }
        let mut told = 0;
        for stream in &mut self.streams {
            let to = Followers { teller: &self.teller, app: &self.app };
            told += stream.tell_new(to, Budget::of(BATCH_TIME_MAX)).await?;
        }
        Ok(told)
    }
}
