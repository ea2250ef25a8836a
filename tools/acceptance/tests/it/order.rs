//! What is read before a transaction and what after it: Redis loses an event and it is loaded anew between the moment when
//! DynamoDB has a change and the moment when whoever made it hears of that. What was loaded has the change in it already.

use std::sync::Arc;

use domain::id::EventId;
use serde_json::json;
use tokio::sync::OnceCell;

use crate::common::{Session, TestApp, between::Call, concert};

/// An event of so many seats, with Redis' state of it; and a process that learns of the next transaction only when that
/// state is another one, which has what the transaction did.
async fn overtaken(evently: &TestApp, event: &str) -> TestApp {
    let (id, app) = (event.parse::<EventId>().unwrap(), Arc::clone(&evently.app));
    let keys = evently.keys();
    let (url, loaded) = (evently.app.config.redis.url().to_owned(), Arc::new(OnceCell::new()));
    let between = move |call: Call| {
        let (app, url, loaded) = (Arc::clone(&app), url.clone(), Arc::clone(&loaded));
        let lost = [keys.state(id), keys.deadlines(id), keys.holds(id)];
        async move {
            let reply = call.done().await;
            if call.is_transaction() {
                let load_anew = || async {
                    let client = redis::Client::open(url).unwrap();
                    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
                    redis::cmd("DEL").arg(&lost).query_async::<()>(&mut connection).await.unwrap();
                    let event = app.store.event(id).await.unwrap().unwrap();
                    catalogue::load(&app.catalogue, &event, 0).await.unwrap();
                };
                loaded.get_or_init(load_anew).await;
            }
            reply
        }
    };
    evently.another_through(between).await
}

/// Redis and DynamoDB agree that so many seats are free, and that many can be held, not one more.
async fn assert_free(evently: &TestApp, event: &str, free: u32, what: &str) {
    let seen =
        evently.app.redis.inventory(event.parse::<domain::id::EventId>().unwrap()).await.unwrap().unwrap();
    let inventory = evently.inventory(event).await;
    for shard in &inventory {
        let redis = seen.shard(shard.shard);
        let seats = redis.free + redis.held + i64::from(shard.sold);
        assert_eq!(seats, i64::from(shard.capacity), "{what}: {shard:?} {redis:?}");
        assert_eq!(redis.applied, shard.version, "{what}: {shard:?} {redis:?}");
    }
    assert_eq!(evently.available(event).await, u64::from(free), "{what}");
    let buyer = evently.user();
    for _ in 0..free {
        buyer.hold(event, 1).await;
    }
    assert_eq!(buyer.book(event, 1).await.status, 409, "{what}");
}

async fn hall() -> (TestApp, local::redis_server::RedisServer, String, Session) {
    let (evently, redis) = TestApp::with_own_redis(|config| config.seats_per_shard = 4).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    ada.hold(&event, 1).await;
    (evently, redis, event, ada)
}

fn at(through: &TestApp, who: &Session) -> Session {
    through.anybody().with_token(who.token.clone().unwrap())
}

#[tokio::test]
async fn a_cancel_that_is_in_what_was_loaded_frees_its_seats_once() {
    let (evently, _redis, event, ada) = hall().await;
    let booking = ada.buy(&event, 3).await;
    let through = overtaken(&evently, &event).await;
    assert_eq!(at(&through, &ada).cancel(&booking).await.status, 200);
    assert_free(&evently, &event, 10, "a cancel").await;
}

#[tokio::test]
async fn a_raise_that_is_in_what_was_loaded_adds_its_seats_once() {
    for capacity in [12, 40] {
        let (evently, _redis, event, _) = hall().await;
        let through = overtaken(&evently, &event).await;
        let change = concert(json!({ "capacity": capacity }));
        let raised = through.admin().put(&format!("/admin/events/{event}"), "*", change).await;
        assert_eq!(raised.body["capacity"], capacity, "{}", raised.body);
        assert_free(&evently, &event, capacity, "a raise").await;
    }
}

#[tokio::test]
async fn a_lowered_capacity_that_is_in_what_was_loaded_takes_its_seats_once() {
    let (evently, _redis, event, _) = hall().await;
    let through = overtaken(&evently, &event).await;
    let change = concert(json!({ "capacity": 6 }));
    let lowered = through.admin().put(&format!("/admin/events/{event}"), "*", change).await;
    assert_eq!(lowered.body["capacity"], 6, "{}", lowered.body);
    assert_free(&evently, &event, 6, "a lowered capacity").await;
}

#[tokio::test]
async fn a_confirm_that_is_in_what_was_loaded_takes_its_seats_once() {
    let (evently, _redis, event, ada) = hall().await;
    let reservation = ada.hold(&event, 3).await;
    let through = overtaken(&evently, &event).await;
    let confirmed = at(&through, &ada).confirm(&reservation).await;
    assert_eq!(confirmed.status, 201, "{}", confirmed.body);
    assert_free(&evently, &event, 7, "a confirm").await;
}
