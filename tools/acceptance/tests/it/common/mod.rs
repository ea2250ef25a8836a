//! A running Evently for each test, with its own tables and its own Redis keys; and people who use it.

pub(crate) mod between;
pub(crate) mod browser;
pub(crate) mod cluster;
pub(crate) mod contract;
mod counting;
pub(crate) mod many;
pub(crate) mod metrics;
mod people;
pub(crate) mod permissions;
mod session;
mod stores;
pub(crate) mod tls;

use std::sync::Arc;

use ::stores::{dynamodb, redis::keys::Keys};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    email::Email,
    event::{EventDetails, EventStatus},
    id::EventId,
    inventory::InventoryShard,
    time::shown,
    user::{Role, User},
};
use http_api::{App, client_address::PeerAddress};
use iso_currency::Currency;
use jiff::{SignedDuration, Timestamp};
use local::{
    api,
    redis_server::RedisServer,
    serve::{self, Limits},
    stack::table_name,
    tables,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use settings::{Config, RateLimits};
use tokio::net::TcpListener;
use uuid::Uuid;

pub(crate) use counting::Calls;
pub(crate) use people::{PASSWORD, erase_me, registered, sign_in};
pub(crate) use permissions::Permissions;
pub(crate) use session::{Answer, Session, http_client, send};
pub(crate) use stores::own_redis;
pub(crate) use tls::Authority;

pub(crate) const JWT_SECRET: &str = "a secret of at least thirty-two bytes";
pub(crate) const ADMIN_EMAIL: &str = "admin@example.com";
pub(crate) const ADMIN_PASSWORD: &str = "the admin's password";

/// In most tests a few people stand for many, so one may have any number of seats.
const ANY_NUMBER: u32 = 1_000_000;

/// A running Evently.
pub(crate) struct TestApp {
    /// The app behind the service, to look at the stores and to act as a process that crashes.
    pub(crate) app: Arc<App>,
    /// Where it listens.
    pub(crate) url: String,
    http: reqwest::Client,
}

impl TestApp {
    /// Starts one with the usual settings.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts one with some settings changed.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let stores = stores::shared();
        let in_cluster = |config: &mut Config| {
            config.redis.cluster = stores.redis_is_cluster;
            change(config);
        };
        Self::on(&stores.dynamodb, &stores.redis, in_cluster).await
    }

    /// Starts one on a Redis of its own, which the test may kill or empty.
    pub(crate) async fn with_own_redis(change: impl FnOnce(&mut Config)) -> (Self, RedisServer) {
        let redis = stores::own_redis().await;
        (Self::on(&stores::shared().dynamodb, redis.url(), change).await, redis)
    }

    /// Starts one whose calls of DynamoDB are counted.
    pub(crate) async fn counted(calls: &Calls) -> Self {
        Self::start().await.another(calls).await
    }

    /// Another process of the same service, whose calls of DynamoDB are counted.
    pub(crate) async fn another(&self, calls: &Calls) -> Self {
        let client = calls.counted(&client(&stores::shared().dynamodb));
        Self::serve(App::new(self.app.config.clone(), client).unwrap()).await
    }

    /// Another process of the same service, whose use of permissions is known.
    pub(crate) async fn another_permitted(&self, permissions: &Permissions) -> Self {
        let client = permissions.watched(&dynamodb::client_for_endpoint(&stores::shared().dynamodb));
        Self::serve(App::new(self.app.config.clone(), client).unwrap()).await
    }

    /// Another process of the same service, whose calls of DynamoDB meet what a test does `between`.
    pub(crate) async fn another_through<F, R>(&self, between: F) -> Self
    where
        F: Fn(between::Call) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = between::Reply> + Send + 'static,
    {
        let endpoint = between::between(&stores::shared().dynamodb, between).await;
        Self::serve(App::new(self.app.config.clone(), client(&endpoint)).unwrap()).await
    }

    /// Another process of the same service that reads so much for a page.
    pub(crate) async fn another_reading(&self, limits: dynamodb::PageLimits) -> Self {
        let mut app = App::new(self.app.config.clone(), client(&stores::shared().dynamodb)).unwrap();
        let unshared = Arc::get_mut(&mut app).unwrap();
        unshared.store = unshared.store.clone().with_page_limits(limits);
        Self::serve(app).await
    }

    /// Another process of the same service, with some settings changed.
    pub(crate) async fn another_with(&self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::clone(&self.app.config);
        change(&mut config);
        Self::serve(App::new(config, client(&stores::shared().dynamodb)).unwrap()).await
    }

    /// Starts one on these stores.
    pub(crate) async fn on(dynamodb: &str, redis: &str, change: impl FnOnce(&mut Config)) -> Self {
        let config = config(redis, change);
        let client = client(dynamodb);
        let names = config.tables.clone();
        // While others fill the store of all tests with thousands of items, it may take longer than a service waits.
        let mut made = Ok(());
        for _ in 0..5 {
            made = tables::create_missing(&client, |id| table_name(&names, id)).await;
            if made.is_ok() {
                break;
            }
        }
        made.unwrap();
        Self::serve(App::new(config, client).unwrap()).await
    }

    /// Starts one whose DynamoDB is out of reach.
    pub(crate) async fn without_dynamodb() -> Self {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let client = dynamodb::client_for_endpoint(&format!("http://{closed}"));
        Self::serve(App::new(config(&stores::shared().redis, |_| {}), client).unwrap()).await
    }

    /// The same Evently, as a process of it sees things that has lost DynamoDB.
    pub(crate) async fn losing_dynamodb(&self) -> Self {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let client = dynamodb::client_for_endpoint(&format!("http://{closed}"));
        Self::serve(App::new(self.app.config.clone(), client).unwrap()).await
    }

    /// Starts one whose tables were never made.
    pub(crate) async fn without_tables() -> Self {
        let stores = stores::shared();
        let client = dynamodb::client_for_endpoint(&stores.dynamodb);
        Self::serve(App::new(config(&stores.redis, |_| {}), client).unwrap()).await
    }

    /// Serves that app.
    pub(crate) async fn serve(app: Arc<App>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = api::with_peers(permissions::service(&app));
        tokio::spawn(serve::serve(listener, service, Limits::default(), std::future::pending()));
        Self { app, url, http: http_client() }
    }

    /// Somebody who is not signed in.
    pub(crate) fn anybody(&self) -> Session {
        Session::new(self.http.clone(), self.url.clone())
    }

    /// Somebody who is not signed in, from that address.
    pub(crate) async fn from(&self, address: &str) -> Session {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let from = PeerAddress(address.parse().unwrap());
        let service = permissions::service(&self.app).layer(axum::Extension(from));
        tokio::spawn(async move { axum::serve(listener, service).await });
        Session::new(self.http.clone(), url)
    }

    /// A signed-in user, different each time. A token is all that a request needs, so none is registered.
    pub(crate) fn user(&self) -> Session {
        self.signed_in(Role::User)
    }

    /// A signed-in admin.
    pub(crate) fn admin(&self) -> Session {
        self.signed_in(Role::Admin)
    }

    fn signed_in(&self, role: Role) -> Session {
        let email = match role {
            Role::Admin => ADMIN_EMAIL,
            Role::User => "somebody@example.com",
        };
        let user = User { role, ..User::new(Email::parse(email).unwrap(), Timestamp::now()) };
        let token = self.app.tokens.issue_access(&user, Timestamp::now()).unwrap();
        Session { user_id: Some(user.id), ..self.anybody().with_token(token) }
    }

    /// An event on sale with so many seats; answers with its id.
    pub(crate) async fn event(&self, capacity: u32) -> String {
        self.event_with(json!({ "capacity": capacity })).await
    }

    /// An event with some fields changed; answers with its id.
    pub(crate) async fn event_with(&self, changes: Value) -> String {
        let created = self.admin().post("/admin/events", concert(changes)).await;
        assert_eq!(created.status, 201, "{}", created.body);
        created.text("id")
    }

    /// An event as it was created `hours_ago`, so that it may have started by now; answers with its id.
    pub(crate) async fn event_created(
        &self,
        hours_ago: i64,
        change: impl FnOnce(&mut EventDetails),
    ) -> String {
        let created_at = Timestamp::now() - SignedDuration::from_hours(hours_ago);
        let mut details = details(created_at);
        change(&mut details);
        booking::create_event(&self.app.protocol, details, None, created_at).await.unwrap().id.to_string()
    }

    /// The event's shards, as DynamoDB has them.
    pub(crate) async fn inventory(&self, event: &str) -> Vec<InventoryShard> {
        let id: EventId = event.parse().unwrap();
        let event = self.app.store.event(id).await.unwrap().unwrap();
        self.app.store.inventory(id, &event.shards).await.unwrap()
    }

    /// The names of this app's keys in Redis.
    pub(crate) fn keys(&self) -> Keys {
        Keys::new(&self.app.config.redis.key_prefix)
    }

    /// Does something to Redis behind the app's back.
    pub(crate) async fn redis_command(&self, command: &redis::Cmd) {
        self.redis_query::<redis::Value>(command).await;
    }

    /// Asks Redis something that no part of the product asks.
    pub(crate) async fn redis_query<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> T {
        let url = self.app.config.redis.url.expose_secret();
        if self.app.config.redis.cluster {
            let client = redis::cluster::ClusterClient::new([url]).unwrap();
            let mut connection = client.get_async_connection().await.unwrap();
            command.query_async(&mut connection).await.unwrap()
        } else {
            let client = redis::Client::open(url).unwrap();
            let mut connection = client.get_multiplexed_async_connection().await.unwrap();
            command.query_async(&mut connection).await.unwrap()
        }
    }

    /// Seats sold, as DynamoDB has it.
    pub(crate) async fn sold(&self, event: &str) -> u32 {
        self.inventory(event).await.iter().map(|shard| shard.sold).sum()
    }

    /// Seats that can be had, as the API says. A busy store may ask to try again, once or twice.
    pub(crate) async fn available(&self, event: &str) -> u64 {
        let look = async || self.anybody().get(&format!("/events/{event}")).await;
        let mut shown = look().await;
        for _ in 0..2 {
            if shown.status == 503 {
                shown = look().await;
            }
        }
        shown.body["available"].as_u64().unwrap_or_else(|| panic!("{}", shown.body))
    }
}

/// Sets a time of an account, as if that had happened then.
pub(crate) async fn put_back(evently: &TestApp, email: &str, what: &str, then: Timestamp) {
    let then = AttributeValue::N(then.as_millisecond().to_string());
    let update = dynamodb::client_for_endpoint(shared_dynamodb())
        .update_item()
        .table_name(&evently.app.config.tables.users)
        .key("email", AttributeValue::S(email.to_owned()))
        .update_expression("SET #what = :then")
        .expression_attribute_names("#what", what)
        .expression_attribute_values(":then", then);
    update.send().await.unwrap();
}

/// Makes Redis forget which tokens ended, and that somebody may just be reading it.
pub(crate) async fn forget_ended_tokens(evently: &TestApp) {
    for key in [evently.keys().ended_tokens(), evently.keys().ended_tokens_turn()] {
        evently.redis_command(redis::cmd("DEL").arg(key)).await;
    }
}

/// A client that lets each function do what its policy permits.
fn client(dynamodb: &str) -> dynamodb::Client {
    Permissions::default().watched(&dynamodb::client_for_endpoint(dynamodb))
}

/// Where the DynamoDB-compatible store is that the tests share.
pub(crate) fn shared_dynamodb() -> &'static str {
    &stores::shared().dynamodb
}

/// What the events are like that tests make past the API.
pub(crate) fn details(created_at: Timestamp) -> EventDetails {
    EventDetails {
        name: "Old concert".to_owned(),
        description: None,
        venue: None,
        starts_at: created_at + SignedDuration::from_hours(1),
        ends_at: None,
        capacity: 100,
        base_price: 2_500,
        currency: Currency::EUR,
        time_zone: None,
        sales_open_at: None,
        sales_close_at: None,
        cancel_until: None,
        max_per_booking: 10,
        max_per_user: ANY_NUMBER,
        status: EventStatus::Published,
        pricing: None,
        rates: Vec::new(),
        areas: Vec::new(),
    }
}

/// An event as an admin would write it, with some fields changed; `null` takes one away.
pub(crate) fn concert(changes: Value) -> Value {
    let mut event = json!({
        "name": "Concert",
        "venue": "Town Hall",
        "starts_at": in_hours(24 * 30),
        "capacity": 100,
        "base_price": 2_500,
        "currency": "EUR",
        "max_per_user": ANY_NUMBER,
    });
    for (field, value) in changes.as_object().unwrap() {
        if value.is_null() {
            event.as_object_mut().unwrap().remove(field);
        } else {
            event[field] = value.clone();
        }
    }
    event
}

/// An instant from now, in whole seconds, as answers show it.
pub(crate) fn in_hours(hours: i64) -> String {
    let then = Timestamp::now() + SignedDuration::from_hours(hours);
    shown(Timestamp::from_second(then.as_second()).unwrap())
}

fn config(redis: &str, change: impl FnOnce(&mut Config)) -> Config {
    let name = Uuid::now_v7().simple().to_string();
    let mut config = Config::from_lookup(|setting| {
        let value = match setting {
            "USERS_TABLE" => format!("{name}-users"),
            "EVENTS_TABLE" => format!("{name}-events"),
            "INVENTORY_TABLE" => format!("{name}-inventory"),
            "BOOKINGS_TABLE" => format!("{name}-bookings"),
            "DELIVERIES_TABLE" => format!("{name}-deliveries"),
            "WEBHOOKS_TABLE" => format!("{name}-webhooks"),
            "MAIL_FROM" => "tickets@evently.example".to_owned(),
            "AUDIT_TABLE" => format!("{name}-audit"),
            "REDIS_URL" => redis.to_owned(),
            "JWT_SECRET" => JWT_SECRET.to_owned(),
            "ADMIN_EMAIL" => ADMIN_EMAIL.to_owned(),
            "ADMIN_EMAIL_PASSWORD" => ADMIN_PASSWORD.to_owned(),
            _ => return None,
        };
        Some(value)
    })
    .unwrap();
    config.redis.key_prefix = format!("{name}:");
    // Most tests do more in a minute than a client may.
    config.rate_limits = RateLimits::default();
    config.unbought_ttls_max = 0;
    config.network_places_max = Some(0);
    change(&mut config);
    config
}
