//! What a later release keeps in Redis: this one answers that it does not know, and writes nothing to it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::common::TestApp;

#[tokio::test]
async fn a_state_of_a_later_format_is_never_written_to() {
    let evently = TestApp::with(|config| {
        config.seats_per_shard = 5;
        config.confirm_grace_ms = 100;
    })
    .await;
    let (event, keys) = (evently.event(20).await, evently.keys());
    let (ada, ben, admin) = (evently.user(), evently.user(), evently.admin());
    let booking = ada.buy(&event, 2).await;
    let (confirmed, released) = (ada.hold(&event, 1).await, ben.hold(&event, 1).await);
    let id: domain::id::EventId = event.parse().unwrap();
    let state = keys.state(id);
    evently.redis_command(redis::cmd("HSET").arg(&state).arg("format").arg("3")).await;
    let kept = async || {
        let hash = async |key: String| {
            evently.redis_query::<BTreeMap<String, String>>(redis::cmd("HGETALL").arg(key)).await
        };
        let deadlines = evently
            .redis_query::<Vec<String>>(
                redis::cmd("ZRANGE").arg(keys.deadlines(id)).arg(0).arg(-1).arg("WITHSCORES"),
            )
            .await;
        (hash(keys.state(id)).await, hash(keys.holds(id)).await, deadlines)
    };
    let before = kept().await;

    let path = format!("/admin/events/{event}");
    for answer in [
        ben.book(&event, 1).await,
        ada.confirm(&confirmed).await,
        ben.delete(&format!("/reservations/{released}")).await,
        ben.get(&format!("/reservations/{released}")).await,
        admin.patch(&path, "*", json!({ "capacity": 15 })).await,
        admin.patch(&path, "*", json!({ "status": "draft" })).await,
    ] {
        answer.assert_problem(503, "try_again");
    }
    // What DynamoDB alone decides goes on.
    assert_eq!(ada.cancel(&booking).await.status, 200);
    assert_eq!(admin.patch(&path, "*", json!({ "capacity": 25, "name": "Opera" })).await.status, 200);
    assert_eq!(evently.anybody().get(&format!("/events/{event}")).await.status, 200);
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    let report = janitor::run(&evently.app, later).await.unwrap();
    assert!(report.events_failed > 0, "{report:?}");
    assert_eq!(kept().await, before);

    // Once it is one of ours again, the janitor sets right what it missed.
    evently.redis_command(redis::cmd("HDEL").arg(&state).arg("format")).await;
    assert_eq!(ada.confirm(&confirmed).await.status, 201);
    assert_eq!(ben.delete(&format!("/reservations/{released}")).await.status, 204);
    for _ in 0..3 {
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        janitor::run(&evently.app, Timestamp::now()).await.unwrap();
    }
    assert_eq!(evently.available(&event).await, 24);
}
