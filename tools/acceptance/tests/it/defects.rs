//! A store that is out of reach is one thing: what can be done without it is, and the rest may be tried again. A mistake of
//! ours is another: nothing falls back on it, its request is answered 500, and the log says `defect`, which is an alarm.

use domain::{
    error::{Error, StoreName},
    id::EventId,
};
use secrecy::SecretString;
use serde_json::json;
use settings::Config;

use crate::common::TestApp;

/// Something else stands where the key of a hash should.
async fn spoil(evently: &TestApp, key: String) {
    evently.redis_command(&redis::cmd("DEL").arg(&key).clone()).await;
    evently.redis_command(&redis::cmd("SADD").arg(&key).arg("something else").clone()).await;
}

#[tokio::test]
async fn a_key_of_another_type_is_a_defect_and_nothing_falls_back() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    ada.hold(&event, 1).await;
    let id: EventId = event.parse().unwrap();
    spoil(&evently, evently.keys().state(id)).await;
    ada.book(&event, 1).await.assert_problem(500, "internal_error");
    evently.anybody().get(&format!("/events/{event}")).await.assert_problem(500, "internal_error");
    let seen = evently.app.redis.state_seen(id).await;
    assert!(matches!(seen, Err(Error::Internal(_))), "{seen:?}");
}

#[tokio::test]
async fn a_wrong_password_is_a_defect_and_nothing_falls_back() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let (event, url) = (evently.event(10).await, redis.url().replace("redis://", "redis://:wrong@"));
    evently.redis_command(&redis::cmd("CONFIG").arg("SET").arg("requirepass").arg("right").clone()).await;
    let locked_out = evently.another_with(|config| config.redis.url = SecretString::from(url)).await;
    locked_out.user().book(&event, 1).await.assert_problem(500, "internal_error");
    locked_out.anybody().get(&format!("/events/{event}")).await.assert_problem(500, "internal_error");
    assert!(!locked_out.app.redis.is_reachable().await);
}

#[tokio::test]
async fn nobody_is_let_through_uncounted_for_a_mistake_of_ours() {
    let limited = |config: &mut Config| config.rate_limits.writes_per_minute = 5;
    let evently = TestApp::with(limited).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let key = evently.keys().limit("writes", &ada.user_id.unwrap().to_string());
    evently.redis_command(&redis::cmd("SET").arg(&key).arg("no sorted set").clone()).await;
    ada.book(&event, 1).await.assert_problem(500, "internal_error");
    assert_eq!(evently.available(&event).await, 10, "what was held meanwhile was given back");
}

#[tokio::test]
async fn a_redis_that_has_no_room_is_out_of_reach() {
    let (evently, _redis) = TestApp::with_own_redis(|_| {}).await;
    let event = evently.event(10).await;
    for (setting, value) in [("maxmemory-policy", "noeviction"), ("maxmemory", "1")] {
        evently.redis_command(&redis::cmd("CONFIG").arg("SET").arg(setting).arg(value).clone()).await;
    }
    evently.user().book(&event, 1).await.assert_problem(503, "try_again");
    let shown = evently.anybody().get(&format!("/events/{event}")).await;
    assert_eq!((shown.status, &shown.body["available"]), (200, &json!(10)), "from DynamoDB");
    let kept = evently.app.redis.set_janitor_cursor("holds", Some(Default::default())).await;
    assert!(matches!(kept, Err(Error::OutOfReach { store: StoreName::Redis, .. })), "{kept:?}");
}
