//! What people are told by mail: by the streams, by the look, and however a server of mail behaves.

mod accounts;
mod booking;
mod changed_events;
mod delivering;
mod looking;
mod sending;
mod server;
mod words;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    delivery::Delivery,
    endpoint_url::Addresses,
    id::UserId,
    message::{Kind, OF_ACCOUNTS},
};
use jiff::{SignedDuration, Timestamp};
use local::teller;
use mail_parser::{MessageParser, MimeHeaders};
use messages::{Limits, Report, Teller, run_within};
use serde_json::{Value, json};
use settings::mail::MailConfig;
use stores::dynamodb::Store;
use tempfile::TempDir;

use crate::common::{
    ADMIN_EMAIL, ADMIN_PASSWORD, PASSWORD, Permissions, Session, TestApp, in_hours, permissions::as_function,
    shared_dynamodb,
};

/// Whatever is slow on a busy machine, this is longer.
const SOON: Duration = Duration::from_secs(30);

/// A mail, as whoever got it sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mail {
    to: String,
    name: Option<String>,
    from: String,
    id: String,
    subject: String,
    text: String,
    html: String,
    calendar: Option<String>,
    headers: String,
}

/// The mails in a folder about bookings and events, in the order in which they were taken.
fn mails_in(folder: &Path) -> Vec<Mail> {
    all_mails_in(folder).into_iter().filter(|mail| !mail.id.starts_with(OF_ACCOUNTS)).collect()
}

/// The same with those about accounts.
fn all_mails_in(folder: &Path) -> Vec<Mail> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "eml")).collect();
    files.sort();
    files.iter().map(|file| read(&std::fs::read(file).unwrap())).collect()
}

fn read(bytes: &[u8]) -> Mail {
    let mail = MessageParser::default().parse(bytes).unwrap();
    let one = |of: Option<&mail_parser::Address<'_>>| {
        let of = of.unwrap();
        assert_eq!(of.iter().count(), 1, "{of:?}");
        of.first().unwrap().clone().into_owned()
    };
    let (to, from) = (one(mail.to()), one(mail.from()));
    let attached = mail.attachments().find(|part| part.attachment_name() == Some("booking.ics"));
    let raw = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    Mail {
        to: to.address().unwrap().to_owned(),
        name: to.name().map(str::to_owned),
        from: from.address().unwrap().to_owned(),
        id: mail.message_id().unwrap().to_owned(),
        subject: mail.subject().unwrap().to_owned(),
        text: mail.body_text(0).unwrap().into_owned(),
        html: mail.body_html(0).unwrap().into_owned(),
        calendar: attached.map(|part| part.text_contents().unwrap().to_owned()),
        headers: raw.split_once("\n\n").unwrap().0.to_owned(),
    }
}

/// An Evently whose mails go somewhere.
struct Mails {
    evently: TestApp,
    teller: Arc<Teller>,
    folder: TempDir,
    config: MailConfig,
}

impl Mails {
    /// One whose mails are files.
    async fn start() -> Self {
        Self::with(|_, _| {}).await
    }

    /// The same, whose settings are changed; the folder is there for a server of mail, too.
    async fn with(change: impl FnOnce(&mut MailConfig, &Path)) -> Self {
        Self::of(TestApp::start().await, change).await
    }

    async fn of(evently: TestApp, change: impl FnOnce(&mut MailConfig, &Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let table = evently.app.config.tables.deliveries.clone().unwrap();
        let mut config = MailConfig::from_lookup(|name| {
            Some(match name {
                "MAIL_URL" => format!("file:{}", folder.path().display()),
                "MAIL_FROM" => "Evently <tickets@evently.example>".to_owned(),
                "MAIL_PER_SECOND" => "0".to_owned(),
                "PUBLIC_URL" => "https://tickets.example.com".to_owned(),
                "DELIVERIES_TABLE" => table.clone(),
                _ => return None,
            })
        })
        .unwrap()
        .unwrap();
        change(&mut config, folder.path());
        let teller = Arc::new(teller_over(&evently, &config).await);
        // The look begins with the first run: what happens from now on is to be told.
        let mails = Self { evently, teller, folder, config };
        mails.run().await;
        mails
    }

    /// Another process that tells the same.
    async fn another(&self) -> Teller {
        teller_over(&self.evently, &self.config).await
    }

    /// Somebody with an account, who is told no more of it.
    async fn user(&self, email: &str) -> Session {
        self.user_called(email, None).await
    }

    async fn user_called(&self, email: &str, name: Option<&str>) -> Session {
        let anybody = self.evently.anybody();
        let account = json!({ "email": email, "password": PASSWORD, "name": name });
        let made = anybody.post("/register", account).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let credentials = json!({ "email": email, "password": PASSWORD });
        let signed_in = self.evently.anybody().post("/login", credentials).await;
        let id: UserId = made.body["user"]["id"].as_str().unwrap().parse().unwrap();
        let mut session = self.evently.anybody().with_token(signed_in.text("access_token"));
        session.user_id = Some(id);
        let made_at: Timestamp = made.body["user"]["created_at"].as_str().unwrap().parse().unwrap();
        self.forget_welcome(id, made_at).await;
        session
    }

    async fn forget_welcome(&self, user: UserId, made_at: Timestamp) {
        let welcome = Delivery::of_account(Kind::AccountVerify, user, 0, made_at);
        stores::dynamodb::client_for_endpoint(shared_dynamodb())
            .delete_item()
            .table_name(self.evently.app.config.tables.deliveries.as_ref().unwrap())
            .key("message_id", AttributeValue::S(welcome.message_id))
            .key("recipient", AttributeValue::S(welcome.recipient))
            .send()
            .await
            .unwrap();
    }

    /// What the function does every minute, as the function.
    async fn run(&self) -> Report {
        self.run_looking_every(SignedDuration::from_hours(1)).await
    }

    async fn run_looking_every(&self, look_every: SignedDuration) -> Report {
        let limits = Limits { look_every, run_time: Duration::from_secs(20) };
        as_function("notifications", run_within(&self.teller, Timestamp::now(), limits)).await.unwrap()
    }

    /// What came of an invocation of the function with these records.
    async fn told(&self, records: Vec<Value>) -> Value {
        let event = json!({ "Records": records });
        as_function("notifications", notifications::handle(&self.teller, event)).await.unwrap()
    }

    fn mails(&self) -> Vec<Mail> {
        mails_in(self.folder.path())
    }

    /// The subjects of what somebody got, in order.
    fn got(&self, email: &str) -> Vec<String> {
        self.mails().into_iter().filter(|mail| mail.to == email).map(|mail| mail.subject).collect()
    }

    /// Waits until so many mails are there.
    async fn await_mails(&self, number: usize) -> Vec<Mail> {
        let started = std::time::Instant::now();
        loop {
            let mails = self.mails();
            if mails.len() >= number || started.elapsed() > SOON {
                assert_eq!(mails.len(), number, "{mails:#?}");
                return mails;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Reads the streams, as a server does.
    async fn reading(&self) -> teller::Telling {
        let dynamodb = stores::dynamodb::client_for_endpoint(shared_dynamodb());
        let streams = teller::streams_of_endpoint(shared_dynamodb());
        let telling =
            teller::start(&self.evently.app, Some(self.config.clone()), dynamodb, streams).await.unwrap();
        // It reads what is new from then on.
        let table = &self.evently.app.config.tables.events;
        let is_read = async || {
            let arn = stream_of(table).await;
            self.evently.app.store.is_stream_known(&arn).await.unwrap()
        };
        let started = std::time::Instant::now();
        while !is_read().await {
            assert!(started.elapsed() < 2 * SOON, "nobody reads the streams");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        telling
    }
}

pub(crate) async fn stream_of(table: &str) -> String {
    let client = stores::dynamodb::client_for_endpoint(shared_dynamodb());
    let described = client.describe_table().table_name(table).send().await.unwrap();
    described.table().unwrap().latest_stream_arn().unwrap().to_owned()
}

/// A teller that may do what the policy of its function permits.
async fn teller_over(evently: &TestApp, config: &MailConfig) -> Teller {
    let client = stores::dynamodb::client_for_endpoint(shared_dynamodb());
    let client = Permissions::default().watched(&client);
    let store = Store::new(client, evently.app.config.tables.clone());
    let tokens = Arc::clone(&evently.app.tokens);
    Teller::open(store, tokens, Some(config.clone()), Addresses::AlsoLoopback).await.unwrap()
}

/// Tells what a stream has and what none told, to an owner and to all who have seats: all that the function's policy is for.
pub(crate) async fn use_all_that_telling_may(permissions: &Permissions) {
    let mut mails = Mails::with(|config, _| config.per_second = Some(1_000)).await;
    let client = stores::dynamodb::client_for_endpoint(shared_dynamodb());
    let store = Store::new(permissions.watched(&client), mails.evently.app.config.tables.clone());
    let tokens = Arc::clone(&mails.evently.app.tokens);
    let teller = Teller::open(store, tokens, Some(mails.config.clone()), Addresses::AlsoLoopback);
    mails.teller = Arc::new(teller.await.unwrap());
    let event = mails.evently.event(10).await;
    let ada = mails.user("ada@example.com").await;
    ada.buy(&event, 1).await;
    mails.told(records_of(&mails.evently.app.config.tables.bookings).await).await;
    let path = format!("/admin/events/{event}");
    let moved = mails.evently.admin().patch(&path, "*", json!({ "starts_at": in_hours(24 * 40) })).await;
    assert_eq!(moved.status, 200, "{}", moved.body);
    // A mail about an account, too.
    let forgotten = json!({ "email": "ada@example.com" });
    assert_eq!(mails.evently.anybody().post("/password/forgot", forgotten).await.status, 202);
    mails.run_looking_every(SignedDuration::ZERO).await;
    changed_events::make_due(&mails).await;
    mails.run().await;
    assert_eq!(mails.mails().len(), 2);
}

/// All records of the table's stream, as Lambda hands them over.
pub(crate) async fn records_of(table: &str) -> Vec<Value> {
    let client = teller::streams_of_endpoint(shared_dynamodb());
    let arn = stream_of(table).await;
    let described = client.describe_stream().stream_arn(&arn).send().await.unwrap();
    let mut records = Vec::new();
    for shard in described.stream_description().unwrap().shards() {
        let kind = aws_sdk_dynamodbstreams::types::ShardIteratorType::TrimHorizon;
        let asked = client.get_shard_iterator().stream_arn(&arn).shard_id(shard.shard_id().unwrap());
        let mut iterator = asked.shard_iterator_type(kind).send().await.unwrap().shard_iterator;
        while let Some(at) = iterator {
            let read = client.get_records().shard_iterator(at).send().await.unwrap();
            records.extend(read.records().iter().map(|record| as_lambda_has_it(&arn, record)));
            iterator = if read.records().is_empty() { None } else { read.next_shard_iterator };
        }
    }
    records
}

fn as_lambda_has_it(arn: &str, record: &aws_sdk_dynamodbstreams::types::Record) -> Value {
    let change = record.dynamodb().unwrap();
    let image = |image: Option<&std::collections::HashMap<_, _>>| {
        image.map(|image| json!(serde_dynamo::Item::from(image.clone())))
    };
    let mut as_json = json!({
        "ApproximateCreationDateTime": change.approximate_creation_date_time().unwrap().secs(),
        "SequenceNumber": change.sequence_number(),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    });
    for (name, image) in [("OldImage", image(change.old_image())), ("NewImage", image(change.new_image()))] {
        if let Some(image) = image {
            as_json[name] = image;
        }
    }
    json!({
        "eventName": record.event_name().unwrap().as_str(),
        "eventSource": "aws:dynamodb",
        "eventSourceARN": arn,
        "dynamodb": as_json,
    })
}

/// One that tells endpoints of this machine, too, for tests of both.
pub(crate) async fn with_webhooks() -> WithWebhooks {
    let evently = TestApp::with(|config| config.webhook_addresses = Addresses::AlsoLoopback).await;
    WithWebhooks(Mails::of(evently, |_, _| {}).await)
}

/// People are told by mail, and endpoints are told.
pub(crate) struct WithWebhooks(Mails);

impl WithWebhooks {
    pub(crate) fn app(&self) -> &http_api::App {
        &self.0.evently.app
    }

    /// The admin who signs in with the settings' password, and so has an account to write to.
    pub(crate) async fn admin_of_settings(&self) -> Session {
        let credentials = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
        let signed_in = self.0.evently.anybody().post("/login", credentials).await;
        assert_eq!(signed_in.status, 200, "{}", signed_in.body);
        self.0.evently.anybody().with_token(signed_in.text("access_token"))
    }

    /// Ada books, and hears of it; the booking's id.
    pub(crate) async fn somebody_books(&self) -> String {
        let event = self.0.evently.event(10).await;
        let booking = self.0.user("ada@example.com").await.buy(&event, 1).await;
        self.0.told(records_of(&self.0.evently.app.config.tables.bookings).await).await;
        booking
    }

    pub(crate) async fn run_now(&self) {
        self.0.run().await;
    }

    pub(crate) fn subjects_to(&self, email: &str) -> Vec<String> {
        self.0.got(email)
    }
}
