//! What was done is done once, and is told right: also if DynamoDB's replies get lost for longer than the SDK tries by
//! itself, and if it refuses for a reason that is none.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::json;

use crate::common::{
    TestApp,
    between::{Call, LostReplies, Reply},
    concert,
};

/// The SDK sends a call three times by itself.
const PAST_THE_SDK: usize = 4;
const CONDITION: &str = "ConditionalCheckFailed";
const CONFLICT: &str = "TransactionConflict";

#[tokio::test]
async fn what_was_done_before_its_replies_got_lost_is_done_once_and_told_so() {
    for instead in [Reply::internal_error(), Reply::broken_off(), Reply::in_progress()] {
        all_is_done_once(instead).await;
    }
}

async fn all_is_done_once(instead: Reply) {
    let evently = TestApp::start().await;
    let lost = LostReplies::of_each(PAST_THE_SDK, instead);
    let between = lost.clone();
    let through = evently.another_through(move |call| between.clone().serve(call)).await;
    let (admin, ada) = (through.admin(), through.user());

    let created = admin.post("/admin/events", concert(json!({ "capacity": 10 }))).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let all = evently.admin().get("/admin/events").await;
    assert_eq!(all.body["items"].as_array().unwrap().len(), 1, "{}", all.body);
    let event = created.text("id");
    assert_eq!(lost.take_tries().await, [PAST_THE_SDK + 1], "one transaction, and one token");

    let path = format!("/admin/events/{event}");
    for (capacity, version) in [(12, "\"1\""), (8, "\"2\"")] {
        let changed = admin.put(&path, version, concert(json!({ "capacity": capacity }))).await;
        assert_eq!(changed.status, 200, "to {capacity}: {}", changed.body);
        assert_eq!(changed.body["available"], capacity);
        assert_eq!(lost.take_tries().await, [PAST_THE_SDK + 1]);
    }

    let reservation = ada.hold(&event, 3).await;
    let confirmed = ada.confirm(&reservation).await;
    assert_eq!(confirmed.status, 201, "{}", confirmed.body);
    assert_eq!((evently.sold(&event).await, evently.available(&event).await), (3, 5));
    assert_eq!(lost.take_tries().await, [PAST_THE_SDK + 1]);

    let cancelled = ada.cancel(&reservation).await;
    assert_eq!((cancelled.status, &cancelled.body["booking"]["version"]), (200, &json!(2)), "{cancelled:?}");
    assert_eq!((evently.sold(&event).await, evently.available(&event).await), (0, 8));
    assert_eq!(lost.take_tries().await, [PAST_THE_SDK + 1]);
}

#[tokio::test]
async fn two_transactions_have_two_tokens() {
    let evently = TestApp::start().await;
    let lost = LostReplies::of_each(0, Reply::internal_error());
    let between = lost.clone();
    let through = evently.another_through(move |call| between.clone().serve(call)).await;
    let event = through.event(10).await;
    for _ in 0..3 {
        through.user().buy(&event, 1).await;
    }
    assert_eq!(lost.take_tries().await, [1; 4]);
}

/// Refuses the first transactions, so many, for those reasons, and does nothing of them.
async fn refusing(
    evently: &TestApp,
    times: usize,
    reasons: HashMap<usize, &'static str>,
) -> (TestApp, Arc<AtomicUsize>) {
    let met = Arc::new(AtomicUsize::new(0));
    let (counted, reasons) = (Arc::clone(&met), Arc::new(reasons));
    let between = move |call: Call| {
        let (met, reasons) = (Arc::clone(&counted), Arc::clone(&reasons));
        async move {
            let refused = call.is_transaction() && met.fetch_add(1, Ordering::SeqCst) < times;
            if refused { call.cancelled(&reasons) } else { call.done().await }
        }
    };
    (evently.another_through(between).await, met)
}

/// Beside a conflict a failed condition says little: the other transaction may be half applied.
#[tokio::test]
async fn a_failed_condition_beside_a_conflict_is_not_believed() {
    let evently = TestApp::start().await;
    // A confirm writes a booking, a shard and the count of its user's seats.
    for (failed, conflicting) in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] {
        let what = format!("item {failed} beside {conflicting}");
        let (event, ada) = (evently.event(10).await, evently.user());
        let reservation = ada.hold(&event, 3).await;
        let reasons = HashMap::from([(failed, CONDITION), (conflicting, CONFLICT)]);
        let (through, met) = refusing(&evently, 2, reasons.clone()).await;
        let confirmed = through.anybody().with_token(ada.token.clone().unwrap()).confirm(&reservation).await;
        assert_eq!(confirmed.status, 201, "{what}: {}", confirmed.body);
        assert_eq!(met.load(Ordering::SeqCst), 3, "{what}");
        assert_eq!((evently.sold(&event).await, evently.available(&event).await), (3, 7), "{what}");

        let (through, _) = refusing(&evently, 2, reasons).await;
        let cancelled = through.anybody().with_token(ada.token.unwrap()).cancel(&reservation).await;
        assert_eq!(cancelled.body["booking"]["version"], 2, "{what}: {}", cancelled.body);
        assert_eq!((evently.sold(&event).await, evently.available(&event).await), (0, 10), "{what}");
    }
    // A change of capacity writes the event and a shard.
    for (capacity, failed, conflicting) in [(12, 0, 1), (12, 1, 0), (8, 0, 1), (8, 1, 0)] {
        let (through, met) =
            refusing(&evently, 2, HashMap::from([(failed, CONDITION), (conflicting, CONFLICT)])).await;
        let event = evently.event(10).await;
        let change = concert(json!({ "capacity": capacity }));
        let changed = through.admin().put(&format!("/admin/events/{event}"), "\"1\"", change).await;
        assert_eq!(changed.status, 200, "{capacity}, {failed} beside {conflicting}: {}", changed.body);
        assert_eq!((&changed.body["version"], &changed.body["available"]), (&json!(2), &json!(capacity)));
        assert_eq!(met.load(Ordering::SeqCst), 3);
    }
}

#[tokio::test]
async fn a_failed_condition_alone_is_believed_at_once() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let (through, met) = refusing(&evently, usize::MAX, HashMap::from([(0, CONDITION)])).await;
    let change = concert(json!({ "capacity": 10, "name": "Another name" }));
    let refused = through.admin().put(&format!("/admin/events/{event}"), "*", change).await;
    refused.assert_problem(412, "stale_version");
    assert_eq!(met.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_conflicts_for_good_is_given_up_and_may_be_repeated() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let reservation = ada.hold(&event, 3).await;
    let (through, met) = refusing(&evently, usize::MAX, HashMap::from([(1, CONFLICT)])).await;
    let began = std::time::Instant::now();
    let unknown = through.anybody().with_token(ada.token.clone().unwrap()).confirm(&reservation).await;
    unknown.assert_problem(503, "try_again");
    let (tries, spent) = (met.load(Ordering::SeqCst), began.elapsed().as_millis());
    assert!(tries > 5 && (3_000..6_000).contains(&spent), "{tries} tries in {spent} ms");
    assert_eq!(ada.confirm(&reservation).await.status, 201);
    assert_eq!((evently.sold(&event).await, evently.available(&event).await), (3, 7));
}

#[tokio::test]
async fn replies_lost_for_good_leave_a_confirm_that_is_found_by_its_id() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let reservation = ada.hold(&event, 3).await;
    let lose = |call: Call| async move {
        let reply = call.done().await;
        if call.is_transaction() { Reply::internal_error() } else { reply }
    };
    let through = evently.another_through(lose).await;
    let confirmed = through.anybody().with_token(ada.token.clone().unwrap()).confirm(&reservation).await;
    assert_eq!(confirmed.status, 200, "it was asked by its id: {}", confirmed.body);
    assert_eq!((evently.sold(&event).await, evently.available(&event).await), (3, 7));
}
