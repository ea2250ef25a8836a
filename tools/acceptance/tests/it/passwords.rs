//! Changing a password, and what becomes of older tokens.

use std::time::Duration;

use domain::{email::Email, user::User};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::common::{
    ADMIN_EMAIL, ADMIN_PASSWORD, Answer, Calls, PASSWORD as OLD, Session, TestApp, put_back, registered,
    sign_in,
};

const NEW: &str = "four quiet green bicycles";
/// How long an old token may be good elsewhere, and a little for the machine.
const BOUND: Duration = Duration::from_millis(5_500);

async fn change(session: &Session, current: &str, new: &str) -> Answer {
    session.post("/password", json!({ "current_password": current, "new_password": new })).await
}

async fn account(evently: &TestApp, email: &str) -> User {
    evently.app.store.user_by_email(&Email::parse(email).unwrap()).await.unwrap().unwrap()
}

async fn status(at: &TestApp, session: &Session) -> u16 {
    at.anybody().with_token(session.token.clone().unwrap()).get("/bookings").await.status
}

#[tokio::test]
async fn a_changed_password_is_the_only_one_that_signs_in() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    let changed = change(&ada, OLD, NEW).await;
    assert_eq!((changed.status, &changed.body), (204, &serde_json::Value::Null));
    assert_eq!(changed.header("cache-control"), "no-store");

    let old = evently.anybody().post("/login", json!({ "email": "ada@example.com", "password": OLD })).await;
    old.assert_problem(401, "invalid_credentials");
    let again = sign_in(&evently, "ada@example.com", NEW).await;
    assert_eq!(again.get("/bookings").await.status, 200);
    assert_eq!(change(&again, NEW, OLD).await.status, 204, "and again");
    assert_eq!(again.get("/bookings").await.status, 401);
    let last = sign_in(&evently, "ada@example.com", OLD).await;
    assert_eq!(last.get("/bookings").await.status, 200);
}

#[tokio::test]
async fn a_changed_password_ends_older_tokens_in_every_process_within_seconds_and_nobody_elses() {
    let calls = Calls::default();
    let evently = TestApp::start().await;
    let others = [evently.another(&calls).await, evently.another(&calls).await];
    let ada = registered(&evently, "ada@example.com").await;
    let phone = sign_in(&evently, "ada@example.com", OLD).await;
    let bob = registered(&evently, "bob@example.com").await;
    for other in &others {
        assert_eq!((status(other, &ada).await, status(other, &bob).await), (200, 200));
    }

    assert_eq!(change(&ada, OLD, NEW).await.status, 204);
    let changed_at = Instant::now();
    for old in [&ada, &phone] {
        let refused = old.get("/bookings").await;
        refused.assert_problem(401, "unauthorized");
        assert!(
            refused.header("www-authenticate").contains("invalid_token"),
            "where it was changed, at once"
        );
    }
    let new = sign_in(&evently, "ada@example.com", NEW).await;
    for other in &others {
        while status(other, &phone).await != 401 {
            assert!(changed_at.elapsed() < BOUND, "the old token is still good");
            assert_eq!(status(other, &new).await, 200, "the new one is good meanwhile");
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(status(other, &ada).await, 401);
        assert_eq!((status(other, &new).await, status(other, &bob).await), (200, 200));
    }
    assert!(!calls.take().keys().any(|call| call.ends_with(" users")), "the users table was not asked");
    let late = evently.another(&calls).await;
    assert_eq!(
        (status(&late, &ada).await, status(&late, &new).await),
        (401, 200),
        "a new process knows at once"
    );
}

#[tokio::test]
async fn a_wrong_current_password_changes_nothing_and_counts_as_a_failed_sign_in() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    for _ in 0..5 {
        change(&ada, NEW, NEW).await.assert_problem(401, "invalid_credentials");
    }
    let slowed = change(&ada, OLD, NEW).await;
    slowed.assert_problem(429, "too_many_attempts");
    assert_eq!(slowed.header("retry-after"), "1");
    let credentials = json!({ "email": "ada@example.com", "password": OLD });
    evently.anybody().post("/login", credentials).await.assert_problem(429, "too_many_attempts");
    assert_eq!(ada.get("/bookings").await.status, 200, "the token is still good");
    sleep(Duration::from_millis(1_050)).await;
    assert_eq!(change(&ada, OLD, NEW).await.status, 204);
}

#[tokio::test]
async fn a_bad_new_password_is_refused_and_says_why() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    for new in ["7 chars", "        ", "password1", "ada@example.com", "ada2024!", &"p".repeat(129)] {
        let refused = change(&ada, OLD, new).await;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), ["new_password"], "{}", refused.body);
    }
    assert_eq!(ada.get("/bookings").await.status, 200);
}

#[tokio::test]
async fn the_admins_password_is_a_setting() {
    let evently = TestApp::start().await;
    let admin = sign_in(&evently, ADMIN_EMAIL, ADMIN_PASSWORD).await;
    change(&admin, ADMIN_PASSWORD, NEW).await.assert_problem(409, "password_is_a_setting");
    assert_eq!(admin.get("/admin/events").await.status, 200);
}

#[tokio::test]
async fn a_token_of_another_account_with_the_same_address_changes_nothing() {
    let evently = TestApp::start().await;
    registered(&evently, "somebody@example.com").await;
    // Signed in with this address, but another id.
    change(&evently.user(), OLD, NEW).await.assert_problem(401, "invalid_credentials");
    sign_in(&evently, "somebody@example.com", OLD).await;
}

#[tokio::test]
async fn of_two_changes_at_once_one_wins() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    let (one, other) = tokio::join!(change(&ada, OLD, NEW), change(&ada, OLD, "seven slow blue trains"));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);
    let winner = if one.status == 204 { NEW } else { "seven slow blue trains" };
    let again = sign_in(&evently, "ada@example.com", winner).await;
    assert_eq!(again.get("/bookings").await.status, 200);
}

#[tokio::test]
async fn the_same_change_again_is_answered_alike_though_it_ended_its_own_token() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    assert_eq!(change(&ada, OLD, NEW).await.status, 204);
    let account = account(&evently, "ada@example.com").await;
    let other = evently.another(&Calls::default()).await;
    for at in [&evently, &other, &evently] {
        let ada = at.anybody().with_token(ada.token.clone().unwrap());
        let again = change(&ada, OLD, NEW).await;
        assert_eq!(again.status, 204, "{}", again.body);
        ada.get("/bookings").await.assert_problem(401, "unauthorized");
    }
    let signed_in = sign_in(&evently, "ada@example.com", NEW).await;
    assert_eq!(change(&signed_in, OLD, NEW).await.status, 204, "with a new token, too");
    assert_eq!(signed_in.get("/bookings").await.status, 200, "it changes nothing");
    let after = self::account(&evently, "ada@example.com").await;
    assert_eq!(after.password_version, account.password_version);
    assert!(after.password_hash == account.password_hash);
}

#[tokio::test]
async fn the_same_change_twice_at_once_is_made_once_and_answered_alike() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    let answers = join_all((0..3).map(|_| change(&ada, OLD, NEW))).await;
    assert!(answers.iter().all(|answer| answer.status == 204), "{answers:?}");
    assert_eq!(account(&evently, "ada@example.com").await.password_version, 1);
}

#[tokio::test]
async fn an_ended_token_changes_nothing_and_learns_nothing_else() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    assert_eq!(change(&ada, OLD, NEW).await.status, 204);
    // The right password, the right one before, neither; and what was asked, but for one of both.
    for (current, new) in [
        (NEW, "seven slow blue trains"),
        (OLD, "seven slow blue trains"),
        ("seven slow blue trains", NEW),
        (NEW, OLD),
    ] {
        change(&ada, current, new).await.assert_problem(401, "unauthorized");
    }
    assert_eq!(account(&evently, "ada@example.com").await.password_version, 1);
    change(&ada, NEW, NEW).await.assert_problem(401, "unauthorized");
    change(&ada, OLD, NEW).await.assert_problem(429, "too_many_attempts");
    let credentials = json!({ "email": "ada@example.com", "password": NEW });
    let slowed = evently.anybody().post("/login", credentials).await;
    slowed.assert_problem(429, "too_many_attempts");
}

#[tokio::test]
async fn the_password_before_counts_for_a_day_and_is_forgotten_with_the_next_sign_in() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    assert_eq!(change(&ada, OLD, NEW).await.status, 204);
    sign_in(&evently, "ada@example.com", NEW).await;
    assert!(account(&evently, "ada@example.com").await.previous_password_hash.is_some(), "it is of use yet");

    let day_ago = Timestamp::now() - SignedDuration::from_hours(24);
    put_back(&evently, "ada@example.com", "password_changed_at", day_ago).await;
    change(&ada, OLD, NEW).await.assert_problem(401, "unauthorized");
    assert!(account(&evently, "ada@example.com").await.previous_password_hash.is_some());
    sign_in(&evently, "ada@example.com", NEW).await;
    assert!(account(&evently, "ada@example.com").await.previous_password_hash.is_none());
    sign_in(&evently, "ada@example.com", NEW).await;
}

#[tokio::test]
async fn the_same_change_again_finds_a_change_whose_answer_and_note_in_redis_were_lost() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let ada = registered(&evently, "ada@example.com").await;
    redis.kill().unwrap();
    redis.wait_dead().await;
    assert_eq!(change(&ada, OLD, NEW).await.status, 204);
    assert_eq!(change(&ada, OLD, NEW).await.status, 204);
}
