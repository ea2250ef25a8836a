//! Signing in when passwords are wrong: it slows down, for whoever guesses and not for the owner.

use std::time::Duration;

use accounts::try_password;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use domain::{email::Email, user::PasswordHash};
use futures::future::join_all;
use http_api::ClientAddress;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use telemetry::names;
use tokio::time::{Instant, sleep};

use crate::common::{ADMIN_EMAIL, ADMIN_PASSWORD, Answer, Session, TestApp, metrics::Measured, put_back};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse";
/// Wrong passwords of an account from one network before the first delay.
const FREE: usize = 5;

async fn register(evently: &TestApp) {
    let registered =
        evently.anybody().post("/register", json!({ "email": EMAIL, "password": PASSWORD })).await;
    assert_eq!(registered.status, 201, "{}", registered.body);
}

async fn sign_in(session: &Session, email: &str, password: &str) -> Answer {
    session.post("/login", json!({ "email": email, "password": password })).await
}

async fn fail(session: &Session, email: &str, times: usize) {
    for _ in 0..times {
        sign_in(session, email, "not the password").await.assert_problem(401, "invalid_credentials");
    }
}

fn wait_seconds(answer: &Answer) -> u64 {
    answer.assert_problem(429, "too_many_attempts");
    answer.header("retry-after").parse().unwrap()
}

/// An address of many.
fn network(n: u8) -> ClientAddress {
    ClientAddress::Known([198, 51, 100, n].into())
}

#[tokio::test]
async fn wrong_passwords_slow_down_and_the_right_one_clears_them() {
    let evently = TestApp::start().await;
    register(&evently).await;
    let anybody = evently.anybody();
    for _ in 0..2 {
        fail(&anybody, EMAIL, FREE - 1).await;
        assert_eq!(sign_in(&anybody, EMAIL, PASSWORD).await.status, 200, "a few mistakes cost nothing");
    }
    fail(&anybody, EMAIL, FREE).await;
    assert_eq!(
        wait_seconds(&sign_in(&anybody, " ADA@example.com", PASSWORD).await),
        1,
        "however it is written"
    );
    sleep(Duration::from_millis(1_050)).await;
    fail(&anybody, EMAIL, 1).await;
    assert_eq!(wait_seconds(&sign_in(&anybody, EMAIL, PASSWORD).await), 2, "the delay doubles");
    sleep(Duration::from_millis(2_050)).await;
    assert_eq!(sign_in(&anybody, EMAIL, PASSWORD).await.status, 200);
    fail(&anybody, EMAIL, FREE - 1).await;
    assert_eq!(sign_in(&anybody, EMAIL, PASSWORD).await.status, 200, "all was forgotten");
}

#[tokio::test]
async fn of_many_wrong_passwords_at_once_only_the_first_few_are_tried() {
    let evently = TestApp::start().await;
    register(&evently).await;
    let answers = join_all((0..30).map(|_| {
        let anybody = evently.anybody();
        async move { sign_in(&anybody, EMAIL, "not the password").await.status }
    }))
    .await;
    let tried = answers.iter().filter(|status| **status == 401).count();
    let slowed = answers.iter().filter(|status| **status == 429).count();
    // The delay of a second may end meanwhile, then the next may try.
    assert!((FREE..=FREE + 3).contains(&tried) && tried + slowed == 30, "{answers:?}");
}

#[tokio::test]
async fn accounts_that_do_not_exist_and_the_admins_slow_down_alike() {
    let evently = TestApp::start().await;
    for email in ["nobody@example.com", ADMIN_EMAIL] {
        fail(&evently.anybody(), email, FREE).await;
        assert_eq!(wait_seconds(&sign_in(&evently.anybody(), email, ADMIN_PASSWORD).await), 1, "{email}");
    }
}

#[tokio::test]
async fn a_strangers_wrong_passwords_do_not_keep_the_owner_out() {
    let evently = TestApp::start().await;
    register(&evently).await;
    let (home, stranger) = (evently.from("192.0.2.1").await, evently.from("203.0.113.9").await);
    assert_eq!(sign_in(&home, EMAIL, PASSWORD).await.status, 200);
    fail(&stranger, EMAIL, FREE).await;
    assert_eq!(wait_seconds(&sign_in(&stranger, EMAIL, PASSWORD).await), 1);
    assert_eq!(sign_in(&home, EMAIL, PASSWORD).await.status, 200);
    let travelling = evently.from("192.0.2.77").await;
    assert_eq!(sign_in(&travelling, EMAIL, PASSWORD).await.status, 200, "nor from a new address");
}

#[tokio::test]
async fn guesses_from_many_networks_slow_down_all_but_those_the_owner_was_seen_at() {
    let evently = TestApp::start().await;
    register(&evently).await;
    let home = evently.from("192.0.2.1").await;
    assert_eq!(sign_in(&home, EMAIL, PASSWORD).await.status, 200);
    let email = Email::parse(EMAIL).unwrap();
    for n in 0..100 {
        assert!(try_password(&evently.app.accounts, &email, network(n / 4)).await.is_ok(), "{n}");
    }
    assert!(
        try_password(&evently.app.accounts, &email, network(99)).await.is_err(),
        "any other network must wait"
    );
    assert!(wait_seconds(&sign_in(&evently.from("192.0.2.2").await, EMAIL, PASSWORD).await) >= 1);
    assert_eq!(sign_in(&home, EMAIL, PASSWORD).await.status, 200, "the owner's does not");
    let other = Email::parse("bob@example.com").unwrap();
    assert!(try_password(&evently.app.accounts, &other, network(99)).await.is_ok(), "nor do other accounts");
}

#[tokio::test]
async fn one_network_that_tries_many_accounts_slows_down_whatever_the_account() {
    let evently = TestApp::start().await;
    register(&evently).await;
    let guesser = "198.51.100.200";
    let from = ClientAddress::Known(guesser.parse().unwrap());
    for n in 0..50 {
        let email = Email::parse(&format!("somebody-{n}@example.com")).unwrap();
        let attempt = try_password(&evently.app.accounts, &email, from).await.unwrap();
        // Every other knows the password: those do not count, nor do they clear the others.
        if n % 2 == 1 {
            attempt.succeeded().await;
        }
    }
    for n in 50..75 {
        let email = Email::parse(&format!("somebody-{n}@example.com")).unwrap();
        assert!(try_password(&evently.app.accounts, &email, from).await.is_ok(), "{n}");
    }
    assert_eq!(wait_seconds(&sign_in(&evently.from(guesser).await, EMAIL, PASSWORD).await), 1);
    assert_eq!(sign_in(&evently.anybody(), EMAIL, PASSWORD).await.status, 200, "others do not wait");
}

#[tokio::test]
async fn the_many_networks_of_one_customer_of_ipv6_slow_down_together() {
    let evently = TestApp::start().await;
    let accounts = &evently.app.accounts;
    let of = |site: u16, n: u16| ClientAddress::Known([0x2001, 0xdb8, site, n, 0, 0, 0, 0].into());
    let email = |n: u16| Email::parse(&format!("somebody-{n}@example.com")).unwrap();
    let owner = Email::parse(EMAIL).unwrap();
    try_password(accounts, &owner, of(1, 9)).await.unwrap().succeeded().await;
    for n in 0..500 {
        // Those who know theirs neither count nor clear the others.
        try_password(accounts, &email(1_000 + n % 40), of(1, 600 + n)).await.unwrap().succeeded().await;
        assert!(try_password(accounts, &email(n), of(1, n)).await.is_ok(), "{n}");
    }
    assert!(try_password(accounts, &email(600), of(1, 1_200)).await.is_err(), "whatever network and account");
    assert!(try_password(accounts, &email(600), of(2, 1_200)).await.is_ok(), "another customer");
    let at_home = try_password(accounts, &owner, of(1, 9)).await;
    assert!(at_home.is_ok(), "nobody is kept out of where they signed in before");
}

#[tokio::test]
async fn without_redis_a_process_counts_by_itself() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    register(&evently).await;
    drop(redis);
    fail(&evently.anybody(), EMAIL, FREE).await;
    assert_eq!(wait_seconds(&sign_in(&evently.anybody(), EMAIL, PASSWORD).await), 1);
    sleep(Duration::from_millis(1_050)).await;
    assert_eq!(sign_in(&evently.anybody(), EMAIL, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn redis_learns_neither_email_addresses_nor_networks() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    register(&evently).await;
    let home = evently.from("192.0.2.1").await;
    assert_eq!(sign_in(&home, EMAIL, PASSWORD).await.status, 200);
    fail(&home, EMAIL, 1).await;

    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    keys.retain(|key| key.contains("{sign-in}"));
    assert_eq!(keys.len(), 4, "{keys:?}");
    let by_ipv6 = evently.from("2001:db8:aa:bb::1").await;
    fail(&by_ipv6, EMAIL, 1).await;
    let keys: Vec<String> = redis::cmd("KEYS").arg("*{sign-in}*").query_async(&mut connection).await.unwrap();
    assert_eq!(keys.len(), 7, "its pair, its network and the wider one: {keys:?}");
    for key in &keys {
        let dump: Vec<u8> = redis::cmd("DUMP").arg(key).query_async(&mut connection).await.unwrap();
        let all = format!("{key} {}", String::from_utf8_lossy(&dump));
        assert!(!all.contains("ada") && !all.contains("example.com") && !all.contains("192.0.2"), "{all}");
        assert!(!all.contains("2001:db8"), "{all}");
        let ttl: i64 = redis::cmd("PTTL").arg(key).query_async(&mut connection).await.unwrap();
        assert!(ttl > 0, "{key} stays for ever");
    }
}

#[tokio::test]
async fn a_sign_in_costs_one_hash_whoever_tries_it() {
    let evently = TestApp::start().await;
    register(&evently).await;
    let measured = Measured::start();
    for (email, password, status) in [
        (EMAIL, PASSWORD, 200),
        (EMAIL, "not the password", 401),
        ("nobody@example.com", PASSWORD, 401),
        (ADMIN_EMAIL, "not the password", 401),
        (ADMIN_EMAIL, ADMIN_PASSWORD, 200),
    ] {
        assert_eq!(sign_in(&evently.anybody(), email, password).await.status, status);
        let seen = measured.take();
        let hashed = seen.iter().find(|(name, _)| name == names::PASSWORDS_HASHED).map(|(_, count)| *count);
        assert_eq!(hashed, Some(1.0), "{email}: {seen:?}");
    }
}

async fn try_to_register(session: &Session, email: &str, password: &str) -> Answer {
    session.post("/register", json!({ "email": email, "password": password })).await
}

#[tokio::test]
async fn a_password_is_guessed_no_faster_by_registering() {
    let evently = TestApp::start().await;
    register(&evently).await;
    let old = "old@example.com";
    assert_eq!(try_to_register(&evently.anybody(), old, PASSWORD).await.status, 201);
    put_back(&evently, old, "created_at", Timestamp::now() - SignedDuration::from_hours(48)).await;
    let started = Instant::now();
    // Half by one, half by the other: they are counted together, whatever the account.
    for email in [EMAIL, old, ADMIN_EMAIL] {
        fail(&evently.anybody(), email, 2).await;
        for _ in 2..FREE {
            let refused = try_to_register(&evently.anybody(), email, "not the password").await;
            refused.assert_problem(409, "email_taken");
        }
        assert_eq!(wait_seconds(&sign_in(&evently.anybody(), email, PASSWORD).await), 1, "{email}");
    }
    let new = try_to_register(&evently.anybody(), "bob@example.com", PASSWORD).await;
    assert_eq!(new.status, 201, "an address that is free does not wait: {}", new.body);
    // A registration waits for its turn, but no turn comes sooner than at a sign-in; and it does not wait for long.
    join_all([EMAIL, old, ADMIN_EMAIL].map(|email| {
        let anybody = evently.anybody();
        async move {
            let crowd = (0..6).map(|_| try_to_register(&anybody, email, "not the password"));
            let answers = join_all(crowd).await;
            let (judged, slowed): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 409);
            // After a second, two more, four more.
            let turns = (1..10).take_while(|turn| started.elapsed().as_secs() >= (1 << turn) - 1).count();
            assert!((1..=turns).contains(&judged.len()), "{email}: {} of {turns} turns", judged.len());
            for answer in slowed {
                assert!(wait_seconds(answer) >= 1, "{email}");
            }
        }
    }))
    .await;
    sleep(Duration::from_secs(4)).await;
    assert_eq!(try_to_register(&evently.anybody(), EMAIL, PASSWORD).await.status, 201);
    fail(&evently.anybody(), EMAIL, FREE - 1).await;
    assert_eq!(sign_in(&evently.anybody(), EMAIL, PASSWORD).await.status, 200, "all was forgotten");
}

#[tokio::test]
async fn an_address_that_is_taken_costs_the_same_hashes_whoever_has_it() {
    let evently = TestApp::start().await;
    let measured = Measured::start();
    register(&evently).await;
    let hashes = || {
        let seen = measured.take();
        seen.iter().find(|(name, _)| name == names::PASSWORDS_HASHED).map(|(_, count)| *count)
    };
    assert_eq!(hashes(), Some(1.0), "a registration costs one");
    let old = "old@example.com";
    assert_eq!(try_to_register(&evently.anybody(), old, PASSWORD).await.status, 201);
    put_back(&evently, old, "created_at", Timestamp::now() - SignedDuration::from_hours(48)).await;
    hashes();
    for (email, password, status) in [
        (EMAIL, PASSWORD, 201),
        (EMAIL, "not the password", 409),
        (old, PASSWORD, 409),
        (old, "not the password", 409),
        (ADMIN_EMAIL, ADMIN_PASSWORD, 409),
        (ADMIN_EMAIL, "not the password", 409),
    ] {
        assert_eq!(try_to_register(&evently.anybody(), email, password).await.status, status, "{email}");
        assert_eq!(hashes(), Some(2.0), "{email}");
    }
}

#[tokio::test]
async fn many_sign_ins_at_once_are_answered_and_leave_the_service_responsive() {
    let evently = TestApp::start().await;
    register(&evently).await;
    let crowd = join_all((0..40).map(|n| {
        let anybody = evently.anybody();
        async move { sign_in(&anybody, &format!("somebody-{n}@example.com"), PASSWORD).await.status }
    }));
    let browse = async {
        let started = Instant::now();
        let status = evently.anybody().get("/health").await.status;
        (status, started.elapsed())
    };
    let (statuses, (status, took)) = tokio::join!(crowd, browse);
    assert!(statuses.iter().all(|status| matches!(status, 401 | 503)), "{statuses:?}");
    assert!(status == 200 && took < Duration::from_secs(2), "{status} after {took:?}");
}

#[tokio::test]
async fn a_hash_made_with_less_is_replaced_at_the_next_sign_in() {
    let evently = TestApp::start().await;
    register(&evently).await;
    let email = Email::parse(EMAIL).unwrap();
    let user = evently.app.store.user_by_email(&email).await.unwrap().unwrap();
    let less = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8_192, 1, 1, None).unwrap());
    let weak = PasswordHash::new(less.hash_password(PASSWORD.as_bytes()).unwrap().to_string());
    assert!(evently.app.store.strengthen_password(&user, &weak).await.unwrap());

    fail(&evently.anybody(), EMAIL, 1).await;
    let hash = || async {
        let user = evently.app.store.user_by_email(&email).await.unwrap().unwrap();
        user.password_hash.unwrap()
    };
    assert!(hash().await == weak, "who does not know the password changes nothing");
    let signed_in = sign_in(&evently.anybody(), EMAIL, PASSWORD).await;
    let strong = hash().await;
    assert!(strong.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_eq!(sign_in(&evently.anybody(), EMAIL, PASSWORD).await.status, 200);
    assert!(hash().await == strong, "once");
    let ada = evently.anybody().with_token(signed_in.text("access_token"));
    assert_eq!(ada.get("/bookings").await.status, 200, "the password is the same, so the token is good");
}

#[tokio::test]
async fn a_failure_of_ours_counts_against_nobody() {
    let evently = TestApp::start().await;
    register(&evently).await;
    // The same service, whose DynamoDB is out of reach: it can't look at any password.
    let nowhere = stores::dynamodb::client_for_endpoint("http://127.0.0.1:9");
    let cut_off = TestApp::serve(http_api::App::new(evently.app.config.clone(), nowhere).unwrap()).await;
    for _ in 0..FREE + 2 {
        sign_in(&cut_off.anybody(), EMAIL, PASSWORD).await.assert_problem(503, "try_again");
    }
    fail(&evently.anybody(), EMAIL, FREE - 1).await;
    assert_eq!(sign_in(&evently.anybody(), EMAIL, PASSWORD).await.status, 200);
}
