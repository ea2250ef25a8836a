//! Accounts: what may be registered, and who is let in.

use argon2::{Argon2, PasswordHasher};
use domain::{
    email::Email,
    id::UserId,
    user::{PasswordHash, User},
};
use futures::future::join_all;
use http_api::ClientAddress;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use telemetry::names;

use crate::common::{ADMIN_EMAIL, ADMIN_PASSWORD, Answer, TestApp, erase_me, metrics::Measured, put_back};

const PASSWORD: &str = "correct horse";

fn registration(changes: Value) -> Value {
    let mut registration = json!({ "email": "ada@example.com", "password": PASSWORD });
    for (field, value) in changes.as_object().unwrap() {
        registration[field] = value.clone();
    }
    registration
}

#[tokio::test]
async fn a_registration_is_refused_for_every_bad_field_at_once() {
    let evently = TestApp::start().await;
    for (changes, fields) in [
        (json!({ "email": "ada" }), vec!["email"]),
        (json!({ "email": "" }), vec!["email"]),
        (json!({ "email": "Ada <ada@example.com>" }), vec!["email"]),
        (json!({ "email": format!("{}@example.com", "a".repeat(250)) }), vec!["email"]),
        (json!({ "password": "7 chars" }), vec!["password"]),
        (json!({ "password": "p".repeat(129) }), vec!["password"]),
        (json!({ "password": "Password123" }), vec!["password"]),
        (json!({ "password": "        " }), vec!["password"]),
        (json!({ "password": "ada12345" }), vec!["password"]),
        (json!({ "email": "ada@example.com", "password": "ADA@example.com" }), vec!["password"]),
        (json!({ "name": "n".repeat(101) }), vec!["name"]),
        (
            json!({ "email": "ada", "password": "", "name": "n".repeat(101) }),
            vec!["email", "password", "name"],
        ),
    ] {
        let refused = evently.anybody().post("/register", registration(changes)).await;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), fields, "{}", refused.body);
    }
    let nobody = json!({ "email": "ada@example.com", "password": PASSWORD });
    evently.anybody().post("/login", nobody).await.assert_problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_registration_needs_its_fields_in_their_types_and_no_others() {
    let evently = TestApp::start().await;
    for (body, field) in [
        (json!({ "password": PASSWORD }), "email"),
        (json!({ "email": "ada@example.com" }), "password"),
        (registration(json!({ "email": 7 })), "email"),
        (registration(json!({ "password": null })), "password"),
        (registration(json!({ "name": ["Ada"] })), "name"),
        (registration(json!({ "role": "admin" })), "role"),
    ] {
        let refused = evently.anybody().post("/register", body).await;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), [field], "{}", refused.body);
    }
    let refused = evently.anybody().post("/login", registration(json!({ "remember": true }))).await;
    refused.assert_problem(422, "validation_failed");
    assert_eq!(refused.bad_fields(), ["remember"]);
}

#[tokio::test]
async fn the_shortest_and_the_longest_password_and_name_are_accepted() {
    let evently = TestApp::start().await;
    // Characters count, not bytes.
    for (email, password, name) in
        [("a@example.com", "ß".repeat(8), "ß".repeat(100)), ("b@example.com", "ß".repeat(128), "B".into())]
    {
        let ada = json!({ "email": email, "password": password, "name": name });
        let registered = evently.anybody().post("/register", ada).await;
        assert_eq!(registered.status, 201, "{}", registered.body);
        assert_eq!(registered.body["user"]["name"], name);
        assert_eq!(registered.body["user"]["role"], "user");
        assert_eq!(registered.header("cache-control"), "no-store");
        let signed_in =
            evently.anybody().post("/login", json!({ "email": email, "password": password })).await;
        assert_eq!(signed_in.status, 200, "{}", signed_in.body);
        assert_eq!(signed_in.body["user"], registered.body["user"]);
        assert_eq!(signed_in.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn an_address_is_one_account_however_it_is_written() {
    let evently = TestApp::start().await;
    let anybody = evently.anybody();
    let registered = anybody.post("/register", registration(json!({ "email": "  Ada@Example.COM " }))).await;
    assert_eq!(registered.status, 201, "{}", registered.body);
    assert_eq!(registered.body["user"]["email"], "ada@example.com");

    let again = anybody
        .post("/register", registration(json!({ "email": "ADA@example.com", "password": "another one" })))
        .await;
    again.assert_problem(409, "email_taken");
    let signed_in = anybody.post("/login", registration(json!({ "email": " aDa@example.com" }))).await;
    assert_eq!(signed_in.status, 200, "the first password still counts: {}", signed_in.body);
}

#[tokio::test]
async fn of_ten_registrations_of_an_address_at_once_one_succeeds() {
    let evently = TestApp::start().await;
    let answers = join_all((0..10).map(|n| {
        let anybody = evently.anybody();
        let password = format!("{PASSWORD} {n}");
        let ada = registration(json!({ "name": n.to_string(), "password": password }));
        async move { (anybody.post("/register", ada).await, password) }
    }))
    .await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(answer, _)| answer.status == 201);
    assert_eq!(made.len(), 1, "{made:?}");
    for (answer, _) in &refused {
        // At once only the first few are looked at.
        match answer.status {
            429 => answer.assert_problem(429, "too_many_attempts"),
            _ => answer.assert_problem(409, "email_taken"),
        }
    }
    let (made, password) = &made[0];
    let signed_in = made_from(&evently, "192.0.2.7", registration(json!({ "password": password }))).await;
    assert_eq!(signed_in.body["user"], made.body["user"], "the account is the one that was answered");
}

/// What is answered to a registration from that address.
async fn made_from(evently: &TestApp, address: &str, registration: Value) -> Answer {
    let made = evently.from(address).await.post("/register", registration).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made
}

#[tokio::test]
async fn a_registration_answers_with_a_token() {
    let evently = TestApp::start().await;
    let made = evently.anybody().post("/register", registration(json!({}))).await;
    assert_eq!((made.status, made.text("token_type").as_str()), (201, "Bearer"), "{}", made.body);
    assert_eq!(made.body["expires_in"], 3_600);
    let ada = evently.anybody().with_token(made.text("access_token"));
    assert_eq!(ada.get("/bookings").await.status, 200);
    let claims = evently.app.tokens.verify_access(&made.text("access_token"), Timestamp::now()).unwrap();
    assert_eq!(claims.sub.to_string(), made.body["user"]["id"]);
}

#[tokio::test]
async fn the_same_registration_again_is_answered_alike_for_a_day() {
    let evently = TestApp::start().await;
    let anybody = evently.anybody();
    let first = anybody.post("/register", registration(json!({ "name": "Ada" }))).await;
    for changes in
        [json!({ "name": "Ada" }), json!({ "email": " ADA@example.com" }), json!({ "name": "Bea" })]
    {
        let again = anybody.post("/register", registration(changes)).await;
        assert_eq!(again.status, 201, "{}", again.body);
        assert_eq!(again.body["user"], first.body["user"], "another name changes nothing");
        let ada = anybody.with_token(again.text("access_token"));
        assert_eq!(ada.get("/bookings").await.status, 200);
    }
    put_back(&evently, "ada@example.com", "created_at", Timestamp::now() - SignedDuration::from_hours(24))
        .await;
    anybody.post("/register", registration(json!({}))).await.assert_problem(409, "email_taken");
}

#[tokio::test]
async fn the_same_registrations_at_once_are_answered_alike() {
    let evently = TestApp::start().await;
    // More than passwords are tried at once.
    let answers = join_all((0..20).map(|_| {
        let anybody = evently.anybody();
        async move { anybody.post("/register", registration(json!({ "name": "Ada" }))).await }
    }))
    .await;
    for answer in &answers {
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.body["user"], answers[0].body["user"]);
    }
}

#[tokio::test]
async fn the_same_registration_again_knows_a_password_that_was_changed_since() {
    let evently = TestApp::start().await;
    let anybody = evently.anybody();
    let made = anybody.post("/register", registration(json!({}))).await;
    let new = "four quiet green bicycles";
    let change = json!({ "current_password": PASSWORD, "new_password": new });
    let ada = anybody.with_token(made.text("access_token"));
    assert_eq!(ada.post("/password", change).await.status, 204);
    anybody.post("/register", registration(json!({}))).await.assert_problem(409, "email_taken");
    let again = anybody.post("/register", registration(json!({ "password": new }))).await;
    assert_eq!((again.status, &again.body["user"]), (201, &made.body["user"]));
    assert_eq!(anybody.with_token(again.text("access_token")).get("/bookings").await.status, 200);
}

#[tokio::test]
async fn the_admins_address_cannot_be_registered() {
    let evently = TestApp::start().await;
    for email in [ADMIN_EMAIL.to_owned(), ADMIN_EMAIL.to_uppercase()] {
        let refused = evently.anybody().post("/register", registration(json!({ "email": email }))).await;
        refused.assert_problem(409, "email_taken");
        let taken_over = evently.anybody().post("/login", registration(json!({ "email": email }))).await;
        taken_over.assert_problem(401, "invalid_credentials");
    }
    let admin = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
    assert_eq!(evently.anybody().post("/login", admin).await.status, 200);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let evently = TestApp::start().await;
    let anybody = evently.anybody();
    assert_eq!(anybody.post("/register", registration(json!({}))).await.status, 201);
    let wrong = anybody.post("/login", registration(json!({ "password": "Correct horse" }))).await;
    for email in ["ada@example.com", "bob@example.com", "no address", ADMIN_EMAIL] {
        let refused = anybody.post("/login", json!({ "email": email, "password": "not the password" })).await;
        refused.assert_problem(401, "invalid_credentials");
        assert!(refused.header("www-authenticate").starts_with("Bearer"));
        assert_eq!(refused.body, wrong.body, "the answer does not tell whether {email} has an account");
    }
}

#[tokio::test]
async fn a_name_has_no_control_characters() {
    let evently = TestApp::start().await;
    for name in ["A\0da", "Ada\n", "\tAda", "A\u{7f}da", "A\u{85}da", "\u{1b}[31mAda"] {
        let refused = evently.anybody().post("/register", registration(json!({ "name": name }))).await;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), ["name"], "{name:?}");
    }
    assert_eq!(
        evently.anybody().post("/register", registration(json!({ "name": "Zoë 👩‍🚀" }))).await.status,
        201
    );
}

fn named(name: &str) -> Value {
    registration(json!({ "email": format!("{name}@example.com") }))
}

async fn with_registrations(registrations: u64) -> TestApp {
    TestApp::with(|config| config.rate_limits.registrations_per_hour = registrations).await
}

#[track_caller]
fn assert_too_many(answer: &Answer) {
    answer.assert_problem(429, "too_many_registrations");
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=3_600).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_network_makes_so_many_accounts_an_hour() {
    let evently = with_registrations(2).await;
    let measured = Measured::start();
    let here = evently.from("192.0.2.1").await;
    let register = async |name: &str| here.post("/register", named(name)).await;
    for name in ["ada", "ada", "bob", "ada", "bob"] {
        assert_eq!(register(name).await.status, 201, "the same again makes none: {name}");
    }
    for name in ["eve", "eve", "mallory"] {
        assert_too_many(&register(name).await);
    }
    let refused = measured.take().into_iter().find(|(name, _)| name == names::REGISTRATIONS_LIMITED);
    assert_eq!(refused.unwrap().1, 3.0);
    // Nothing else is refused by it: what makes no account is answered as ever.
    assert_eq!(register("ada").await.status, 201);
    let wrong = registration(json!({ "email": "bob@example.com", "password": "not the password" }));
    here.post("/register", wrong).await.assert_problem(409, "email_taken");
    let admins = registration(json!({ "email": ADMIN_EMAIL }));
    here.post("/register", admins).await.assert_problem(409, "email_taken");
    assert_eq!(here.post("/login", named("ada")).await.status, 200);
    assert_eq!(evently.from("192.0.2.2").await.post("/register", named("eve")).await.status, 201);
}

#[tokio::test]
async fn networks_of_ipv6_count_by_themselves_and_all_together_as_ten() {
    let evently = with_registrations(1).await;
    let register = async |address: String, name: String| {
        evently.from(&address).await.post("/register", named(&name)).await
    };
    for n in 0..10 {
        let (here, beside) = (format!("2001:db8:1:{n}::1"), format!("2001:db8:1:{n}::2"));
        assert_eq!(register(here, format!("ada-{n}")).await.status, 201);
        assert_too_many(&register(beside, format!("bob-{n}")).await);
    }
    assert_too_many(&register("2001:db8:1:ff::1".to_owned(), "eve".to_owned()).await);
    assert_eq!(register("2001:db8:2:ff::1".to_owned(), "eve".to_owned()).await.status, 201);
}

#[tokio::test]
async fn equal_registrations_at_once_count_as_the_one_account_that_they_make() {
    const MOST: usize = 20;
    let evently = with_registrations(MOST as u64).await;
    let anybody = evently.anybody();
    let equal = join_all((0..MOST).map(|_| anybody.post("/register", named("ada")))).await;
    assert!(equal.iter().all(|answer| answer.status == 201), "{equal:?}");
    for n in 1..MOST {
        let made = anybody.post("/register", named(&format!("ada-{n}"))).await;
        assert_eq!(made.status, 201, "{n}: {}", made.body);
    }
    assert_too_many(&anybody.post("/register", named("eve")).await);
}

#[tokio::test]
async fn without_redis_each_process_counts_registrations_by_itself() {
    let (evently, redis) =
        TestApp::with_own_redis(|config| config.rate_limits.registrations_per_hour = 2).await;
    redis.kill().unwrap();
    redis.wait_dead().await;
    for (name, status) in [("ada", 201), ("ada", 201), ("bob", 201), ("eve", 429), ("ada", 201)] {
        assert_eq!(evently.anybody().post("/register", named(name)).await.status, status, "{name}");
    }
    // Nobody knows whose they are.
    for _ in 0..4 {
        assert!(evently.app.count_registration(ClientAddress::Unknown).await.is_ok());
    }
}

/// An account as a release before kept it: under the address in lower case, whatever else could be the same.
async fn kept_before(evently: &TestApp, key: &str, password: &str) -> User {
    let made = json!({ "email": "hashed@example.com", "password": PASSWORD });
    assert_eq!(evently.anybody().post("/register", made).await.status, 201);
    let hash = Argon2::default().hash_password(password.as_bytes()).unwrap().to_string();
    let hashed = Email::parse("hashed@example.com").unwrap();
    let like = evently.app.store.user_by_email(&hashed).await.unwrap().unwrap();
    let email: Email = serde_json::from_value(json!(key)).unwrap();
    let created_at = Timestamp::now() - SignedDuration::from_hours(48);
    let user =
        User { email, id: UserId::new(), password_hash: Some(PasswordHash::new(hash)), created_at, ..like };
    evently.app.store.create_user(&user).await.unwrap();
    user
}

#[tokio::test]
async fn an_account_of_before_is_found_by_every_spelling_and_nobody_takes_its_address() {
    for (key, spellings) in [
        ("straße@example.com", vec!["straße@example.com", "STRAẞE@example.com", "Straße@Example.com"]),
        (
            "ada@xn--bcher-kva.example",
            vec![
                "ada@xn--bcher-kva.example",
                "ada@bücher.example",
                "ADA@BÜCHER.example",
                "ada@bu\u{308}cher.example",
            ],
        ),
        (
            "ada@bücher.example",
            vec!["ada@bücher.example", "ada@xn--bcher-kva.example", "ａｄａ@BÜCHER.example"],
        ),
    ] {
        let evently = TestApp::start().await;
        let user = kept_before(&evently, key, PASSWORD).await;
        for email in &spellings {
            let signed_in =
                evently.anybody().post("/login", json!({ "email": email, "password": PASSWORD })).await;
            assert_eq!(signed_in.status, 200, "{key} as {email}: {}", signed_in.body);
            assert_eq!(signed_in.body["user"]["id"], user.id.to_string());
            let taken = json!({ "email": email, "password": "four quiet green bicycles" });
            evently.anybody().post("/register", taken).await.assert_problem(409, "email_taken");
        }
        let ada =
            evently.anybody().post("/login", json!({ "email": spellings[0], "password": PASSWORD })).await;
        let ada = evently.anybody().with_token(ada.text("access_token"));
        assert_eq!(ada.get("/me").await.body["user"]["email"], key);
        let new = "four quiet green bicycles";
        let change = json!({ "current_password": PASSWORD, "new_password": new });
        assert_eq!(ada.post("/password", change).await.status, 204);
        let ada = evently.anybody().post("/login", json!({ "email": spellings[1], "password": new })).await;
        let ada = evently.anybody().with_token(ada.text("access_token"));
        assert_eq!(erase_me(&ada, new).await.status, 204);
        // The address is free again, and gets the key of now.
        let again =
            evently.anybody().post("/register", json!({ "email": spellings[0], "password": new })).await;
        assert_eq!(again.status, 201, "{}", again.body);
        let expected = Email::parse(spellings[0]).unwrap();
        assert_eq!(again.body["user"]["email"], expected.as_str());
    }
}

#[tokio::test]
async fn spellings_of_one_address_registered_at_once_are_one_account() {
    let spellings = [
        "Zoé@bücher.example",
        "zoe\u{301}@bücher.example",
        "ZOÉ@xn--bcher-kva.example",
        "ｚｏé@BÜCHER.example",
    ];
    let evently = TestApp::start().await;
    let answers = join_all(spellings.iter().cycle().take(12).map(|email| {
        let anybody = evently.anybody();
        let zoe = registration(json!({ "email": email }));
        async move { anybody.post("/register", zoe).await }
    }))
    .await;
    for answer in &answers {
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.body["user"], answers[0].body["user"]);
    }
    assert_eq!(answers[0].body["user"]["email"], "zoé@bücher.example");
}

#[tokio::test]
async fn a_registration_beside_one_of_a_release_before_makes_no_second_account() {
    let evently = TestApp::start().await;
    let made = async |n: usize| {
        let evently = &evently;
        let (local, email) = (format!("straße-{n}"), format!("Straße-{n}@example.com"));
        let old = User::new(
            serde_json::from_value(json!(format!("{local}@example.com"))).unwrap(),
            Timestamp::now(),
        );
        evently.app.store.create_user(&old).await.unwrap();
        let anybody = evently.anybody();
        let taken = anybody.post("/register", registration(json!({ "email": email }))).await;
        taken.assert_problem(409, "email_taken");
        let now: Email = Email::parse(&email).unwrap();
        assert!(evently.app.store.user_by_email(&now).await.unwrap().is_none());
    };
    for n in 0..3 {
        made(n).await;
    }
}

#[tokio::test]
async fn two_accounts_of_before_go_on_though_their_addresses_are_one_now() {
    let evently = TestApp::start().await;
    let sharp = kept_before(&evently, "straße@example.com", "the sharp one's words").await;
    let plain = registration(json!({ "email": "strasse@example.com", "password": "the plain one's words" }));
    let plain = evently.anybody().post("/register", plain).await;
    assert_eq!(plain.status, 201, "nothing tells that they are one: {}", plain.body);
    for (email, password, id) in [
        ("straße@example.com", "the sharp one's words", sharp.id.to_string()),
        (
            "strasse@example.com",
            "the plain one's words",
            plain.body["user"]["id"].as_str().unwrap().to_owned(),
        ),
    ] {
        let signed_in =
            evently.anybody().post("/login", json!({ "email": email, "password": password })).await;
        assert_eq!((signed_in.status, &signed_in.body["user"]["id"]), (200, &json!(id)), "{email}");
    }
}

#[tokio::test]
async fn wrong_passwords_of_all_spellings_of_an_address_count_together() {
    let evently = TestApp::start().await;
    kept_before(&evently, "straße@example.com", PASSWORD).await;
    for email in [
        "straße@example.com",
        "STRASSE@example.com",
        "Straße@example.com",
        "strasse@example.com",
        "straße@example.com",
    ] {
        let wrong = json!({ "email": email, "password": "not the password" });
        evently.anybody().post("/login", wrong).await.assert_problem(401, "invalid_credentials");
    }
    let next = json!({ "email": "STRAẞE@example.com", "password": PASSWORD });
    evently.anybody().post("/login", next).await.assert_problem(429, "too_many_attempts");
}

#[tokio::test]
async fn the_admin_of_the_settings_signs_in_with_every_spelling_and_keeps_an_account_of_before() {
    let evently = TestApp::with(|config| {
        config.admin.as_mut().unwrap().email = Email::parse("Größe@bücher.example").unwrap();
    })
    .await;
    let old = kept_before(&evently, "größe@bücher.example", "of no use").await;
    for email in ["größe@bücher.example", "Größe@xn--bcher-kva.example", "Gro\u{308}ße@BÜCHER.example"]
    {
        let signed_in =
            evently.anybody().post("/login", json!({ "email": email, "password": ADMIN_PASSWORD })).await;
        assert_eq!(signed_in.status, 200, "{email}: {}", signed_in.body);
        assert_eq!(signed_in.body["user"]["role"], "admin");
        assert_eq!(signed_in.body["user"]["id"], old.id.to_string());
        let admin = evently.anybody().with_token(signed_in.text("access_token"));
        assert_eq!(admin.get("/admin/events").await.status, 200);
        assert_eq!(admin.get("/me").await.body["user"]["id"], old.id.to_string());
        let change =
            json!({ "current_password": ADMIN_PASSWORD, "new_password": "four quiet green bicycles" });
        admin.post("/password", change).await.assert_problem(409, "password_is_a_setting");
    }
    for email in ["größe@bücher.example", "grösse@bücher.example"] {
        let taken = registration(json!({ "email": email }));
        evently.anybody().post("/register", taken).await.assert_problem(409, "email_taken");
    }
}

#[tokio::test]
async fn a_password_is_the_same_from_every_keyboard_and_has_no_control_characters() {
    let evently = TestApp::start().await;
    let anybody = evently.anybody();
    let apart = "Zoe\u{301} und\u{a0}das Meer";
    assert_eq!(anybody.post("/register", registration(json!({ "password": apart }))).await.status, 201);
    for password in [apart, "Zoé und das Meer", "Zoé und\u{3000}das Meer"] {
        let signed_in = anybody.post("/login", registration(json!({ "password": password }))).await;
        assert_eq!(signed_in.status, 200, "{password}: {}", signed_in.body);
    }
    for password in [
        "\0".repeat(12),
        "correct\0horse".to_owned(),
        "correct\thorse".to_owned(),
        "correct\u{378}horse".to_owned(),
    ] {
        let refused = anybody
            .post("/register", registration(json!({ "email": "b@example.com", "password": password })))
            .await;
        assert_eq!((refused.status, refused.bad_fields()), (422, vec!["password"]), "{password:?}");
        assert_eq!(refused.body["errors"][0]["code"], "not_a_password");
    }
    // What a release before took still opens its account.
    for (n, password) in ["\0".repeat(12), apart.to_owned()].into_iter().enumerate() {
        let evently = TestApp::start().await;
        let email = format!("old-{n}@example.com");
        kept_before(&evently, &email, &password).await;
        let credentials = json!({ "email": email, "password": password });
        assert_eq!(evently.anybody().post("/login", credentials).await.status, 200, "{password:?}");
    }
}
