//! An account that its owner erases: what is refused, what is left, and what else may happen at the same moment.

use std::time::Duration;

use domain::{email::Email, id::UserId};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::common::{
    ADMIN_EMAIL, ADMIN_PASSWORD, Calls, PASSWORD, Session, TestApp, erase_me, forget_ended_tokens,
    registered, send, sign_in,
};

const OTHER: &str = "four quiet green bicycles";
/// How long a token may be good elsewhere, and a little for the machine.
const BOUND: Duration = Duration::from_millis(5_500);

async fn id_of(session: &Session) -> UserId {
    session.get("/me").await.body["user"]["id"].as_str().unwrap().parse().unwrap()
}

async fn status(at: &TestApp, session: &Session) -> u16 {
    at.anybody().with_token(session.token.clone().unwrap()).get("/bookings").await.status
}

#[tokio::test]
async fn an_erased_person_is_gone_and_the_address_free_for_another_account() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    let (id, event) = (id_of(&ada).await, evently.event(10).await);
    let booking = ada.buy(&event, 2).await;
    assert_eq!(ada.cancel(&booking).await.status, 200);
    let erased = erase_me(&ada, PASSWORD).await;
    assert_eq!((erased.status, &erased.body), (204, &Value::Null));
    assert_eq!(erased.header("cache-control"), "no-store");

    ada.get("/me").await.assert_problem(401, "unauthorized");
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    evently.anybody().post("/login", credentials).await.assert_problem(401, "invalid_credentials");
    assert!(evently.app.store.user_by_id(id).await.unwrap().is_none());
    let kept = evently.app.store.booking(id, booking.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(kept.quantity, 2, "the booking's numbers stay");

    let again = registered(&evently, "ada@example.com").await;
    assert_ne!(id_of(&again).await, id);
    assert_eq!(again.get("/bookings").await.body["items"], json!([]), "it is another person's");
    ada.get("/me").await.assert_problem(401, "unauthorized");
}

#[tokio::test]
async fn the_same_erasure_again_is_answered_alike_and_erases_nobody_else() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    let unaware = evently.another(&Calls::default()).await;
    assert_eq!(status(&unaware, &ada).await, 200);
    assert_eq!(erase_me(&ada, PASSWORD).await.status, 204);
    let elsewhere = unaware.anybody().with_token(ada.token.clone().unwrap());
    assert_eq!(
        erase_me(&elsewhere, PASSWORD).await.status,
        204,
        "where the token is not known to have ended"
    );
    assert_eq!(erase_me(&ada, PASSWORD).await.status, 204);

    let again = registered(&evently, "ada@example.com").await;
    for session in [&ada, &elsewhere] {
        assert_eq!(erase_me(session, PASSWORD).await.status, 204);
    }
    assert_eq!(again.get("/me").await.status, 200, "another account of the same address stays");
    sign_in(&evently, "ada@example.com", PASSWORD).await;
}

#[tokio::test]
async fn a_wrong_password_erases_nothing_and_counts_as_a_failed_sign_in() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    for _ in 0..5 {
        erase_me(&ada, OTHER).await.assert_problem(401, "invalid_credentials");
    }
    erase_me(&ada, PASSWORD).await.assert_problem(429, "too_many_attempts");
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    evently.anybody().post("/login", credentials).await.assert_problem(429, "too_many_attempts");
    assert_eq!(ada.get("/me").await.status, 200);
    sleep(Duration::from_millis(1_050)).await;
    assert_eq!(erase_me(&ada, PASSWORD).await.status, 204);
}

#[tokio::test]
async fn nobody_is_erased_without_a_token_a_password_and_an_account() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    erase_me(&evently.anybody(), PASSWORD).await.assert_problem(401, "unauthorized");
    for (body, field) in [(json!({}), "password"), (json!({ "password": PASSWORD, "sure": true }), "sure")] {
        let refused = send(ada.request(Method::DELETE, "/me").json(&body)).await;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), [field]);
    }
    registered(&evently, "somebody@example.com").await;
    // Signed in with this address, but another id.
    erase_me(&evently.user(), PASSWORD).await.assert_problem(401, "invalid_credentials");
    sign_in(&evently, "somebody@example.com", PASSWORD).await;

    let change = json!({ "current_password": PASSWORD, "new_password": OTHER });
    assert_eq!(ada.post("/password", change).await.status, 204);
    for password in [PASSWORD, OTHER] {
        erase_me(&ada, password).await.assert_problem(401, "unauthorized");
    }
    sign_in(&evently, "ada@example.com", OTHER).await;
}

#[tokio::test]
async fn the_admin_of_the_settings_is_not_erased() {
    let evently = TestApp::start().await;
    let admin = sign_in(&evently, ADMIN_EMAIL, ADMIN_PASSWORD).await;
    erase_me(&admin, ADMIN_PASSWORD).await.assert_problem(409, "password_is_a_setting");
    assert_eq!(admin.get("/admin/events").await.status, 200);
}

#[tokio::test]
async fn whoever_has_seats_to_use_is_told_which() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    let (event, other) = (evently.event(10).await, evently.event(10).await);
    let (bought, off) = (ada.buy(&event, 2).await, ada.buy(&other, 1).await);
    let held = ada.hold(&event, 1).await;
    let refused = erase_me(&ada, PASSWORD).await;
    refused.assert_problem(409, "still_open");
    assert_eq!(refused.body["reservations"], json!([held]));
    let mut bookings: Vec<_> = refused.body["bookings"].as_array().unwrap().clone();
    bookings.sort_by_key(ToString::to_string);
    assert_eq!(bookings, [json!(bought), json!(off)]);

    let cancelled =
        evently.admin().patch(&format!("/admin/events/{other}"), "*", json!({ "status": "cancelled" })).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    assert_eq!(ada.delete(&format!("/reservations/{held}")).await.status, 204);
    let refused = erase_me(&ada, PASSWORD).await;
    refused.assert_problem(409, "still_open");
    assert_eq!((&refused.body["bookings"], &refused.body["reservations"]), (&json!([bought]), &json!([])));
    assert_eq!(ada.get("/me").await.status, 200);
    assert_eq!(ada.cancel(&bought).await.status, 200);
    assert_eq!(erase_me(&ada, PASSWORD).await.status, 204, "nobody goes to an event that is cancelled");
    assert_eq!(evently.sold(&other).await, 1, "what was not cancelled stays sold");
}

#[tokio::test]
async fn a_booking_is_open_until_its_event_is_over() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    let starts_at = Timestamp::now() + SignedDuration::from_secs(3);
    let short = evently.event_created(0, |details| details.starts_at = starts_at).await;
    let long = evently
        .event_created(0, |details| {
            details.starts_at = starts_at;
            details.ends_at = Some(starts_at + SignedDuration::from_secs(2));
        })
        .await;
    let (short, long) = (ada.buy(&short, 1).await, ada.buy(&long, 1).await);
    let open = erase_me(&ada, PASSWORD).await;
    assert_eq!(open.body["bookings"].as_array().unwrap().len(), 2, "{}", open.body);
    sleep(Duration::try_from(starts_at.duration_since(Timestamp::now())).unwrap()).await;
    let open = erase_me(&ada, PASSWORD).await;
    assert_eq!(open.body["bookings"], json!([long]), "without {short}");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(erase_me(&ada, PASSWORD).await.status, 204);
}

#[tokio::test]
async fn an_erased_persons_tokens_end_in_every_process_within_seconds() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    let (phone, bob) =
        (sign_in(&evently, "ada@example.com", PASSWORD).await, registered(&evently, "bob@example.com").await);
    let other = evently.another(&Calls::default()).await;
    assert_eq!(status(&other, &phone).await, 200);
    assert_eq!(erase_me(&ada, PASSWORD).await.status, 204);
    let erased_at = Instant::now();
    assert_eq!(status(&evently, &phone).await, 401, "where it was erased, at once");
    while status(&other, &phone).await != 401 {
        assert!(erased_at.elapsed() < BOUND, "the token is still good");
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(status(&other, &bob).await, 200);
    forget_ended_tokens(&evently).await;
    let late = evently.another(&Calls::default()).await;
    assert_eq!((status(&late, &phone).await, status(&late, &bob).await), (401, 200), "whatever Redis forgot");
}

#[tokio::test]
async fn erasures_at_once_are_all_answered_alike() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    let other = evently.another(&Calls::default()).await;
    let elsewhere = other.anybody().with_token(ada.token.clone().unwrap());
    let answers = join_all([&ada, &elsewhere, &ada, &elsewhere].map(|ada| erase_me(ada, PASSWORD))).await;
    assert!(answers.iter().all(|answer| answer.status == 204), "{answers:?}");
}

#[tokio::test]
async fn a_registration_at_the_same_moment_comes_before_or_after() {
    let evently = TestApp::start().await;
    for n in 0..6 {
        let email = format!("ada{n}@example.com");
        let ada = registered(&evently, &email).await;
        let before = id_of(&ada).await;
        let account = json!({ "email": email, "password": OTHER });
        let anybody = evently.anybody();
        let late = async {
            sleep(Duration::from_millis(20 * n)).await;
            anybody.post("/register", account).await
        };
        let (erased, made) = tokio::join!(erase_me(&ada, PASSWORD), late);
        assert_eq!(erased.status, 204, "{}", erased.body);
        let now = evently.app.store.user_by_email(&Email::parse(&email).unwrap()).await.unwrap();
        match made.status {
            201 => {
                let id = made.body["user"]["id"].as_str().unwrap().to_owned();
                assert_eq!(now.unwrap().id.to_string(), id);
                assert_ne!(id, before.to_string());
                let token = evently.anybody().with_token(made.text("access_token"));
                assert_eq!(token.get("/me").await.status, 200);
            }
            409 => assert!(now.is_none(), "{now:?}"),
            other => panic!("{other}: {}", made.body),
        }
    }
}

#[tokio::test]
async fn a_changed_password_at_the_same_moment_comes_before_or_after() {
    let evently = TestApp::start().await;
    for n in 0..4 {
        let email = format!("ada{n}@example.com");
        let ada = registered(&evently, &email).await;
        let change = json!({ "current_password": PASSWORD, "new_password": OTHER });
        let (erased, changed) = tokio::join!(erase_me(&ada, PASSWORD), ada.post("/password", change));
        let now = evently.app.store.user_by_email(&Email::parse(&email).unwrap()).await.unwrap();
        match (erased.status, changed.status) {
            (204, 401) => assert!(now.is_none()),
            (401, 204) => assert_eq!(now.unwrap().password_version, 1),
            other => panic!("{other:?}: {} {}", erased.body, changed.body),
        }
    }
}

#[tokio::test]
async fn a_confirm_under_way_keeps_its_buyer_from_being_erased() {
    let evently = TestApp::start().await;
    let event = evently.event(100).await;
    for n in 0..6 {
        let ada = registered(&evently, &format!("ada{n}@example.com")).await;
        let held = ada.hold(&event, 1).await;
        let late = async {
            // A password takes some tens of milliseconds.
            sleep(Duration::from_millis(15 * n)).await;
            ada.confirm(&held).await
        };
        let (refused, confirmed) = tokio::join!(erase_me(&ada, PASSWORD), late);
        assert_eq!(confirmed.status, 201, "{}", confirmed.body);
        refused.assert_problem(409, "still_open");
        assert_eq!(ada.get("/me").await.status, 200);
    }
}

#[tokio::test]
async fn who_books_while_being_erased_leaves_a_booking_without_a_name() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let ada = registered(&evently, "ada@example.com").await;
    let unaware = evently.another(&Calls::default()).await;
    let elsewhere = unaware.anybody().with_token(ada.token.clone().unwrap());
    assert_eq!(status(&unaware, &elsewhere).await, 200);
    assert_eq!(erase_me(&ada, PASSWORD).await.status, 204);
    let booking = elsewhere.buy(&event, 1).await;
    let list = evently.admin().get(&format!("/admin/events/{event}/bookings")).await;
    assert_eq!(list.body["items"][0]["id"], booking);
    assert_eq!(list.body["items"][0]["user"], Value::Null);
    assert_eq!(evently.sold(&event).await, 1);
}

#[tokio::test]
async fn redis_never_learns_an_address_or_a_name() {
    let (evently, _redis) = TestApp::with_own_redis(|config| {
        config.rate_limits = settings::RateLimits {
            reads_per_minute: 1_000,
            writes_per_minute: 1_000,
            auth_per_minute: 1_000,
            registrations_per_hour: 1_000,
        };
    })
    .await;
    let event = evently.event(10).await;
    let account = json!({ "email": "ada.lovelace@example.com", "password": PASSWORD, "name": "Augusta" });
    let made = evently.anybody().post("/register", account).await;
    let ada = evently.anybody().with_token(made.text("access_token"));
    erase_me(&ada, OTHER).await.assert_problem(401, "invalid_credentials");
    let booking = ada.buy(&event, 1).await;
    assert_eq!(ada.cancel(&booking).await.status, 200);
    evently.admin().get(&format!("/admin/events/{event}/bookings")).await;
    assert_eq!(erase_me(&ada, PASSWORD).await.status, 204);

    // So that values are dumped as they are.
    let plain = redis::cmd("CONFIG").arg("SET").arg("rdbcompression").arg("no").to_owned();
    evently.redis_command(&plain).await;
    let keys: Vec<Vec<u8>> = evently.redis_query(redis::cmd("KEYS").arg("*")).await;
    assert!(keys.len() > 5, "{} keys", keys.len());
    let mut all = Vec::new();
    for key in keys {
        let dumped: Option<Vec<u8>> = evently.redis_query(redis::cmd("DUMP").arg(&key)).await;
        all.extend(key);
        all.extend(dumped.unwrap_or_default());
    }
    let has = |text: &str| all.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has(&event), "what is there is seen");
    for text in ["lovelace", "Augusta", "example.com"] {
        assert!(!has(text), "{text}");
    }
}
