//! Webhooks: endpoints of others, which are told what happened, however they behave.

mod behaving;
mod console;
mod deliveries;
mod endpoints;
mod telling;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use domain::endpoint_url::Addresses;
use jiff::{SignedDuration, Timestamp};
use local::teller;
use messages::{Limits, Report, Teller, run_within};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use stores::dynamodb::{DeliveriesFilter, Store};
use tokio::net::TcpListener;

use crate::{
    common::{Permissions, TestApp, browser::Browser, permissions::as_function, shared_dynamodb},
    mails::{records_of, stream_of},
};

/// Whatever is slow on a busy machine, this is longer.
const SOON: Duration = Duration::from_secs(30);

/// What a receiver got.
#[derive(Clone, Debug)]
struct Got {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Its type, and the id of what it is about.
    fn said(&self) -> (String, String) {
        let body = self.json();
        (
            body["type"].as_str().unwrap().to_owned(),
            body["data"]["id"].as_str().unwrap_or_default().to_owned(),
        )
    }

    /// Whether a library that others wrote takes it for ours.
    fn is_signed_by(&self, secret: &str) -> bool {
        Webhook::new(secret).unwrap().verify(&self.body, &self.headers).is_ok()
    }
}

type Answers = Arc<dyn Fn(&Got) -> Response + Send + Sync>;

/// Somebody's receiver, on this machine.
#[derive(Clone)]
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
    answers: Answers,
}

impl Receiver {
    /// One that takes all.
    async fn start() -> Self {
        Self::that(|_| "ok".into_response()).await
    }

    /// One that answers so.
    async fn that(answers: impl Fn(&Got) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let receiver = Self { url, got: Arc::default(), answers: Arc::new(answers) };
        let router = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// All that it got, in the order of their words.
    fn said(&self) -> Vec<(String, String)> {
        let mut said: Vec<_> = self.got().iter().map(Got::said).collect();
        said.sort();
        said
    }

    /// Waits until it got so many.
    async fn await_got(&self, number: usize) -> Vec<Got> {
        let started = std::time::Instant::now();
        loop {
            let got = self.got();
            if got.len() >= number || started.elapsed() > SOON {
                assert_eq!(got.len(), number, "{got:#?}");
                return got;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn take(State(receiver): State<Receiver>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let got = Got { path: uri.path().to_owned(), headers, body };
    let answer = (receiver.answers)(&got);
    receiver.got.lock().unwrap().push(got);
    answer
}

/// An Evently that tells endpoints, on this machine, too, and nobody by mail.
struct Hooks {
    evently: TestApp,
    teller: Arc<Teller>,
}

impl Hooks {
    async fn start() -> Self {
        let evently = TestApp::with(|config| config.webhook_addresses = Addresses::AlsoLoopback).await;
        let teller = Arc::new(teller_over(&evently, &Permissions::default()).await);
        let hooks = Self { evently, teller };
        // What happens from now on is to be told.
        hooks.run().await;
        hooks
    }

    /// An endpoint of all that happens; its id and its secret.
    async fn endpoint(&self, url: &str) -> (String, String) {
        self.endpoint_with(json!({ "url": url })).await
    }

    async fn endpoint_with(&self, hook: Value) -> (String, String) {
        let created = self.evently.admin().post("/admin/webhooks", hook).await;
        assert_eq!(created.status, 201, "{}", created.body);
        (created.text("id").to_owned(), created.text("secret").to_owned())
    }

    /// What the function does every minute, as the function.
    async fn run(&self) -> Report {
        self.run_looking_every(SignedDuration::from_hours(1)).await
    }

    async fn run_looking_every(&self, look_every: SignedDuration) -> Report {
        let limits = Limits { look_every, run_time: Duration::from_secs(20) };
        as_function("notifications", async {
            let report = run_within(&self.teller, Timestamp::now(), limits).await.unwrap();
            self.teller.settle().await;
            report
        })
        .await
    }

    /// Hands over all that the table's stream has, as Lambda does.
    async fn tell(&self, table: &str) {
        let event = json!({ "Records": records_of(table).await });
        let answer = as_function("notifications", notifications::handle(&self.teller, event)).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    }

    async fn tell_bookings(&self) {
        self.tell(&self.evently.app.config.tables.bookings).await;
    }

    async fn tell_events(&self) {
        self.tell(&self.evently.app.config.tables.events).await;
    }

    /// Hands over what was asked for.
    async fn tell_asked(&self) {
        self.tell(self.evently.app.config.tables.deliveries.as_ref().unwrap()).await;
    }

    /// Somebody books; the booking's id.
    async fn book(&self) -> String {
        let event = self.evently.event(10).await;
        self.evently.user().buy(&event, 1).await
    }

    /// Makes all that fails due now.
    async fn make_due(&self) {
        let store = &self.evently.app.store;
        for delivery in store.deliveries(&DeliveriesFilter::default(), 100, None).await.unwrap().items {
            if delivery.due_at.is_some() {
                let now = domain::delivery::Delivery { due_at: Some(Timestamp::now()), ..delivery.clone() };
                assert!(store.change_delivery(&delivery, &now).await.unwrap());
            }
        }
    }

    /// The deliveries that the API shows.
    async fn deliveries(&self, query: &str) -> Vec<Value> {
        let listed = self.evently.admin().get(&format!("/admin/deliveries{query}")).await;
        assert_eq!(listed.status, 200, "{}", listed.body);
        listed.body["items"].as_array().unwrap().clone()
    }

    /// Reads the streams, as a server does.
    async fn reading(&self) -> teller::Telling {
        let dynamodb = stores::dynamodb::client_for_endpoint(shared_dynamodb());
        let streams = teller::streams_of_endpoint(shared_dynamodb());
        let telling = teller::start(&self.evently.app, None, dynamodb, streams).await.unwrap();
        let arn = stream_of(&self.evently.app.config.tables.events).await;
        let started = std::time::Instant::now();
        while !self.evently.app.store.is_stream_known(&arn).await.unwrap() {
            assert!(started.elapsed() < 2 * SOON, "nobody reads the streams");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        telling
    }
}

/// A teller that may do what the policy of its function permits.
async fn teller_over(evently: &TestApp, permissions: &Permissions) -> Teller {
    let client = permissions.watched(&stores::dynamodb::client_for_endpoint(shared_dynamodb()));
    let store = Store::new(client, evently.app.config.tables.clone());
    let addresses = evently.app.config.webhook_addresses;
    Teller::open(store, Arc::clone(&evently.app.tokens), None, addresses).await.unwrap()
}

/// Makes, changes, tries and removes endpoints, and tells one that works, fails, works again, and is gone: all that the policies of
/// `admin` and `notifications` are for.
pub(crate) async fn use_all_that_webhooks_may(permissions: &Permissions) {
    let base = TestApp::with(|config| config.webhook_addresses = Addresses::AlsoLoopback).await;
    let evently = base.another_permitted(permissions).await;
    let teller = Arc::new(teller_over(&evently, permissions).await);
    let hooks = Hooks { evently, teller };
    hooks.run().await;
    let answers: Arc<Mutex<Vec<StatusCode>>> = Arc::default();
    let receiver = {
        let answers = Arc::clone(&answers);
        Receiver::that(move |_| answers.lock().unwrap().pop().unwrap_or(StatusCode::OK).into_response()).await
    };
    let admin = hooks.evently.admin();
    let (id, _) = hooks.endpoint(&receiver.url).await;
    for (what, status) in [("rotate", 200), ("test", 202)] {
        assert_eq!(admin.post(&format!("/admin/webhooks/{id}/{what}"), json!({})).await.status, status);
    }
    for path in
        ["/admin/webhooks".to_owned(), format!("/admin/webhooks/{id}"), "/admin/deliveries".to_owned()]
    {
        assert_eq!(admin.get(&path).await.status, 200, "{path}");
    }
    for answer in [StatusCode::BAD_GATEWAY, StatusCode::OK] {
        answers.lock().unwrap().push(answer);
        hooks.make_due().await;
        hooks.run().await;
    }
    let booking = hooks.book().await;
    hooks.tell_bookings().await;
    let message = format!("booking_confirmed_{booking}_1");
    let told = hooks.deliveries(&format!("?message_id={message}")).await;
    let replay = format!("/admin/deliveries/{}/replay", told[0]["id"].as_str().unwrap());
    assert_eq!(admin.post(&replay, json!({})).await.status, 202);
    answers.lock().unwrap().push(StatusCode::GONE);
    hooks.run_looking_every(SignedDuration::ZERO).await;
    let put = admin.put(&format!("/admin/webhooks/{id}"), "*", json!({ "url": receiver.url })).await;
    assert_eq!(put.status, 200, "{}", put.body);
    assert_eq!(admin.delete(&format!("/admin/webhooks/{id}")).await.status, 204);
}

/// The same in the console.
pub(crate) async fn use_the_console(admin: &mut Browser) {
    let made = admin.submit("/console/webhooks", &[("url", "https://till.example/hook")]).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let id = made.html.split("/console/webhooks/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    for action in ["test", "disable", "enable", "rotate"] {
        let done = admin.submit(&format!("/console/webhooks/{id}/{action}"), &[]).await;
        assert!(done.status < 400, "{action}: {}", done.text());
    }
    let told = admin.get("/console/deliveries").await;
    told.says("ping https://till.example/hook On its way");
    let (message, recipient) = (
        told.html.split("ping_").nth(1).map(|rest| rest.split('"').next().unwrap()),
        format!("webhook.{id}"),
    );
    let message = format!("ping_{}", message.unwrap_or_default());
    let again =
        admin.submit("/console/deliveries/replay", &[("message", &message), ("recipient", &recipient)]).await;
    assert_eq!(again.leads_to(), Some("/console/deliveries"));
    let removed = admin.submit(&format!("/console/webhooks/{id}/remove"), &[]).await;
    assert_eq!(removed.leads_to(), Some("/console/webhooks"));
}
