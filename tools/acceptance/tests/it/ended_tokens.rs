//! Tokens that a changed password ended stay ended, whatever Redis lost.

use std::time::Duration;

use domain::{
    email::Email,
    user::{PasswordHash, User},
};
use futures::future::join_all;
use http_api::App;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::common::{Calls, Session, TestApp, forget_ended_tokens, shared_dynamodb};

const EMAIL: &str = "ada@example.com";
const OLD: &str = "correct horse";
const NEW: &str = "four quiet green bicycles";
const READS: &str = "Query bookings";

async fn registered(evently: &TestApp) -> Session {
    let made = evently.anybody().post("/register", json!({ "email": EMAIL, "password": OLD })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    evently.anybody().with_token(made.text("access_token"))
}

async fn change(session: &Session) {
    let change = json!({ "current_password": OLD, "new_password": NEW });
    assert_eq!(session.post("/password", change).await.status, 204);
}

async fn account(evently: &TestApp) -> User {
    evently.app.store.user_by_email(&Email::parse(EMAIL).unwrap()).await.unwrap().unwrap()
}

/// What an Evently says to a request for a booking that there is not, which asks no table for a list.
async fn status(at: &TestApp, session: &Session) -> u16 {
    let somebody = at.anybody().with_token(session.token.clone().unwrap());
    somebody.get(&format!("/bookings/{}", Uuid::now_v7())).await.status
}

fn reads(calls: &Calls) -> usize {
    calls.take().get(READS).copied().unwrap_or(0)
}

#[tokio::test]
async fn an_ended_token_stays_ended_after_redis_lost_its_data() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let ada = registered(&evently).await;
    change(&ada).await;
    evently.redis_command(&redis::cmd("FLUSHALL")).await;
    let (calls, later_calls) = (Calls::default(), Calls::default());
    let other = evently.another(&calls).await;
    assert_eq!(status(&other, &ada).await, 401);
    assert_eq!(reads(&calls), 1);
    let later = evently.another(&later_calls).await;
    assert_eq!(status(&later, &ada).await, 401);
    assert_eq!(reads(&later_calls), 0, "Redis has them again");
    drop(redis);
}

#[tokio::test]
async fn an_ended_token_stays_ended_in_a_running_process_that_never_heard_of_it() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let ada = registered(&evently).await;
    let other = evently.another(&Calls::default()).await;
    assert_eq!(status(&other, &ada).await, 404, "it is good, and known to be");
    change(&ada).await;
    evently.redis_command(&redis::cmd("FLUSHALL")).await;
    let changed_at = Instant::now();
    while status(&other, &ada).await != 401 {
        assert!(changed_at.elapsed() < Duration::from_millis(5_500), "the old token is still good");
        sleep(Duration::from_millis(100)).await;
    }
    drop(redis);
}

#[tokio::test]
async fn without_redis_an_ended_token_is_refused_by_every_process() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let ada = registered(&evently).await;
    redis.kill().unwrap();
    redis.wait_dead().await;
    // Not even a note in Redis.
    change(&ada).await;
    let calls = Calls::default();
    let other = evently.another(&calls).await;
    assert_eq!(status(&other, &ada).await, 401);
    for _ in 0..20 {
        status(&other, &ada).await;
    }
    assert!(reads(&calls) <= 2, "not with each request");
    let anew = evently.anybody().post("/login", json!({ "email": EMAIL, "password": NEW })).await;
    let anew = evently.anybody().with_token(anew.text("access_token"));
    assert_eq!(status(&other, &anew).await, 404, "the new token is good");
}

#[tokio::test]
async fn a_note_that_redis_lost_alone_or_never_got_is_found_within_a_minute() {
    let evently = TestApp::start().await;
    let ada = registered(&evently).await;
    assert_eq!(status(&evently, &ada).await, 404);
    change(&ada).await;
    let key = evently.keys().ended_tokens();
    let note = format!("{} 1", account(&evently).await.id);
    evently.redis_command(redis::cmd("ZREM").arg(&key).arg(note)).await;
    // The mark as it is after 61 s: it counts for four minutes more, but is to be made anew.
    let until = Timestamp::now() + SignedDuration::from_secs(4 * 60 - 1);
    evently.redis_command(redis::cmd("ZADD").arg(&key).arg(until.as_millisecond()).arg("all")).await;
    evently.redis_command(redis::cmd("DEL").arg(evently.keys().ended_tokens_turn())).await;
    let calls = Calls::default();
    assert_eq!(status(&evently.another(&calls).await, &ada).await, 401);
    assert_eq!(reads(&calls), 1);
    for _ in 0..3 {
        assert_eq!(status(&evently.another(&calls).await, &ada).await, 401);
    }
    assert_eq!(reads(&calls), 0, "once for all");
}

#[tokio::test]
async fn a_hundred_processes_at_once_read_dynamodb_once() {
    let evently = TestApp::start().await;
    let ada = registered(&evently).await;
    change(&ada).await;
    let user = account(&evently).await.id;
    let calls = Calls::default();
    let mut processes = Vec::new();
    for _ in 0..100 {
        let client = calls.counted(&stores::dynamodb::client_for_endpoint(shared_dynamodb()));
        let process = App::new(evently.app.config.clone(), client).unwrap();
        assert!(process.redis.is_reachable().await);
        processes.push(process);
    }
    forget_ended_tokens(&evently).await;
    let asked = processes.iter().flat_map(|process| [process; 3]);
    let ended = join_all(asked.map(|process| process.ended_tokens.has_ended(user, 0))).await;
    assert!(ended.iter().all(|has_ended| *has_ended), "none is let through meanwhile");
    assert_eq!(reads(&calls), 1);
    assert!(!processes[7].ended_tokens.has_ended(user, 1).await, "the new one is good");
}

#[tokio::test]
async fn a_note_counts_until_the_last_older_token_has_expired_and_is_read_no_more() {
    let evently = TestApp::start().await;
    registered(&evently).await;
    let user = account(&evently).await;
    let hash = PasswordHash::new("$argon2id$another".to_owned());
    let now = Timestamp::now();
    let forget_at = now + SignedDuration::from_secs(1);
    let change = || evently.app.store.change_password(&user, &hash, now, forget_at);
    assert!(change().await.unwrap());
    let noted = evently.app.store.ended_tokens(now).await.unwrap();
    assert_eq!(noted.len(), 1);
    assert_eq!((noted[0].user, noted[0].good_from), (user.id, 1));
    assert!(change().await.unwrap(), "tried again after a lost reply");
    assert_eq!(evently.app.store.ended_tokens(now).await.unwrap(), noted, "it is there once");
    assert_eq!(evently.app.store.ended_tokens(forget_at).await.unwrap(), []);
    sleep(Duration::from_millis(1_100)).await;
    assert!(!evently.app.ended_tokens.has_ended(user.id, 0).await, "nobody has to know any more");
}

#[tokio::test]
async fn a_change_that_dynamodb_refuses_leaves_no_note() {
    let evently = TestApp::start().await;
    registered(&evently).await;
    let read = account(&evently).await;
    let (one, other) = ("$argon2id$one".to_owned(), "$argon2id$other".to_owned());
    let now = Timestamp::now();
    let forget_at = now + SignedDuration::from_hours(1);
    let change = async |hash: String, forget_at| {
        let hash = PasswordHash::new(hash);
        evently.app.store.change_password(&read, &hash, now, forget_at).await.unwrap()
    };
    assert!(change(one, forget_at).await);
    assert!(!change(other, forget_at + SignedDuration::from_secs(7)).await, "it is based on an old password");
    assert_eq!(evently.app.store.ended_tokens(now).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_by_the_release_before_ends_older_tokens_as_it_did() {
    let evently = TestApp::start().await;
    let ada = registered(&evently).await;
    assert_eq!(status(&evently, &ada).await, 404);
    // It leaves a note in Redis alone, and passes over the mark.
    let user = account(&evently).await.id;
    evently.app.redis.end_tokens(user, 1, Duration::from_secs(3_600)).await.unwrap();
    let calls = Calls::default();
    assert_eq!(status(&evently.another(&calls).await, &ada).await, 401);
    assert_eq!(reads(&calls), 0);
}

#[tokio::test]
async fn without_any_notes_nothing_is_read_from_dynamodb_but_once() {
    let evently = TestApp::start().await;
    let calls = Calls::default();
    for round in 0..3 {
        let process = evently.another(&calls).await;
        assert_eq!(status(&process, &process.user()).await, 404);
        assert_eq!(reads(&calls), usize::from(round == 0));
    }
}

#[tokio::test]
async fn a_booking_has_no_attribute_that_the_table_would_forget_it_by() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let booking = ada.buy(&event, 1).await;
    ada.cancel(&booking).await;
    registered(&evently).await;
    let user = account(&evently).await;
    let hash = PasswordHash::new("$argon2id$another".to_owned());
    let now = Timestamp::now();
    assert!(evently.app.store.change_password(&user, &hash, now, now).await.unwrap());

    let table = &evently.app.config.tables.bookings;
    let client = stores::dynamodb::client_for_endpoint(shared_dynamodb());
    let mut items = client.scan().table_name(table).send().await.unwrap().items.unwrap();
    items.sort_by_key(|item| item.contains_key("forget_at"));
    let kinds: Vec<_> = items
        .iter()
        .map(|item| (item["id"].as_s().unwrap() == &booking, item.contains_key("forget_at")))
        .collect();
    assert_eq!(kinds, [(true, false), (false, true)]);
}
