//! Mails about accounts: who gets one, what its link does, and what it does not.

use accounts::mailed_tokens::{MailedClaims, Purpose};
use domain::{delivery::DeliveryStatus, email::Email, id::UserId};
use jiff::{SignedDuration, Timestamp};
use messages::Report;
use serde_json::{Value, json};

use super::{Mail, Mails, SOON, all_mails_in};
use crate::common::{
    ADMIN_EMAIL, Answer, PASSWORD, Session, TestApp, browser::Browser, put_back, registered,
};

const ADA: &str = "ada@example.com";
const ANOTHER: &str = "four quiet green bicycles";
const PUBLIC_URL: &str = "https://tickets.example.com";

async fn register(evently: &TestApp, email: &str) -> Answer {
    let account = json!({ "email": email, "password": PASSWORD, "name": "Visit evil.example now" });
    evently.anybody().post("/register", account).await
}

async fn sign_in(evently: &TestApp, email: &str, password: &str) -> Answer {
    evently.anybody().post("/login", json!({ "email": email, "password": password })).await
}

async fn forgot(evently: &TestApp, email: &str) -> Answer {
    evently.anybody().post("/password/forgot", json!({ "email": email })).await
}

async fn verify(evently: &TestApp, token: &str) -> Answer {
    evently.anybody().post("/verify-email", json!({ "token": token })).await
}

async fn reset(evently: &TestApp, token: &str, password: &str) -> Answer {
    evently.anybody().post("/password/reset", json!({ "token": token, "password": password })).await
}

/// The mails about accounts that go out when what is due is told.
async fn told(mails: &Mails) -> Vec<Mail> {
    let before = all_mails_in(mails.folder.path()).len();
    mails.run().await;
    all_mails_in(mails.folder.path()).split_off(before)
}

/// The path of a mail's link, with its token, which text and HTML both have.
fn link_of(mail: &Mail) -> (String, String) {
    let url = mail.text.split_whitespace().find(|word| word.contains("?token=")).unwrap();
    assert!(mail.html.contains(&format!("href=\"{url}\"")), "{mail:#?}");
    let path = url.strip_prefix(PUBLIC_URL).unwrap();
    (path.to_owned(), path.split_once("token=").unwrap().1.to_owned())
}

/// The token of the only mail that goes out.
async fn token_of_next(mails: &Mails) -> String {
    let told = told(mails).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    link_of(&told[0]).1
}

async fn is_verified(session: &Session) -> Value {
    session.get("/me").await.body["user"]["email_verified"].clone()
}

#[tokio::test]
async fn a_new_account_gets_a_link_by_the_stream_that_verifies_its_address_once() {
    let mails = Mails::start().await;
    let _reading = mails.reading().await;
    let made = register(&mails.evently, ADA).await;
    assert_eq!((made.status, &made.body["user"]["email_verified"]), (201, &json!(false)), "{}", made.body);
    let started = std::time::Instant::now();
    let mail = loop {
        match all_mails_in(mails.folder.path()).pop() {
            Some(mail) => break mail,
            None => assert!(started.elapsed() < SOON, "no mail"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!((mail.to.as_str(), mail.name.as_deref()), (ADA, None), "nobody's words go out in our name");
    assert!(mail.subject.contains("verify your address") && mail.text.starts_with("Hello,"), "{mail:#?}");
    assert!(!format!("{mail:?}").contains("evil") && mail.headers.contains("Auto-Submitted"), "{mail:#?}");
    let id = made.body["user"]["id"].as_str().unwrap();
    assert!(mail.id.starts_with(&format!("account.verify.{id}.")), "{}", mail.id);

    let (path, _) = link_of(&mail);
    let mut browser = Browser::new(&mails.evently);
    let ada = mails.evently.anybody().with_token(made.text("access_token"));
    for _ in 0..2 {
        let page = browser.get(&path).await;
        assert_eq!((page.status, page.headers["referrer-policy"].to_str().unwrap()), (200, "no-referrer"));
        assert_eq!(page.headers["cache-control"], "no-store");
        assert_eq!(is_verified(&ada).await, false, "who looks, changes nothing");
    }
    let page = browser.get(&path).await;
    let token = page.field("token").unwrap();
    let done = browser.submit("/verify-email", &[("token", &token)]).await;
    assert!(done.status == 200 && done.html.contains("Your address is verified"), "{}", done.html);
    assert_eq!(is_verified(&ada).await, true);
    let again = browser.submit("/verify-email", &[("token", &token)]).await;
    assert!(again.status == 410 && again.html.contains("does nothing any more"), "{}", again.html);
    verify(&mails.evently, &token).await.assert_problem(410, "token_ended");
    let signed_in = sign_in(&mails.evently, ADA, PASSWORD).await;
    assert_eq!(signed_in.body["user"]["email_verified"], true);
    // Now there is nothing to send any more.
    assert_eq!(ada.post("/verify-email/resend", json!({})).await.status, 202);
    assert_eq!(told(&mails).await, []);
}

#[tokio::test]
async fn a_verification_is_sent_again_three_times_an_hour_and_each_link_is_good() {
    let mails = Mails::start().await;
    let ada = mails.user(ADA).await;
    // Registering was the first.
    for _ in 0..2 {
        assert_eq!(ada.post("/verify-email/resend", json!({})).await.status, 202);
    }
    let refused = ada.post("/verify-email/resend", json!({})).await;
    refused.assert_problem(429, "rate_limited");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((3_000..=3_600).contains(&wait), "{wait}");
    mails.evently.anybody().post("/verify-email/resend", json!({})).await.assert_problem(401, "unauthorized");
    let sent = told(&mails).await;
    assert_eq!(sent.len(), 2);
    assert_eq!(verify(&mails.evently, &link_of(&sent[0]).1).await.status, 204);
    verify(&mails.evently, &link_of(&sent[1]).1).await.assert_problem(410, "token_ended");
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_once_and_ends_all_tokens() {
    let mails = Mails::start().await;
    let ada = mails.user(ADA).await;
    assert_eq!(forgot(&mails.evently, " ADA@example.com ").await.status, 202);
    let sent = told(&mails).await;
    assert_eq!(sent.len(), 1, "{sent:#?}");
    assert_eq!((sent[0].to.as_str(), sent[0].subject.as_str()), (ADA, "Evently: set another password"));
    let (path, token) = link_of(&sent[0]);
    reset(&mails.evently, &token, "short").await.assert_problem(422, "validation_failed");
    reset(&mails.evently, &token, "password1").await.assert_problem(422, "validation_failed");
    let named = reset(&mails.evently, &token, ADA).await;
    assert_eq!(named.bad_fields(), ["password"], "{}", named.body);

    let mut browser = Browser::new(&mails.evently);
    let page = browser.get(&path).await;
    assert!(page.status == 200 && page.html.contains("new-password"), "{}", page.html);
    let refused = browser.submit("/password/reset", &[("token", &token), ("password", "short")]).await;
    assert!(refused.status == 422 && refused.html.contains("role=\"alert\""), "{}", refused.html);
    assert_eq!(refused.field("token").as_deref(), Some(token.as_str()), "it can be sent again");
    let done = browser.submit("/password/reset", &[("token", &token), ("password", ANOTHER)]).await;
    assert!(done.status == 200 && done.html.contains("/shop/sign-in"), "{}", done.html);

    sign_in(&mails.evently, ADA, PASSWORD).await.assert_problem(401, "invalid_credentials");
    let signed_in = sign_in(&mails.evently, ADA, ANOTHER).await;
    assert_eq!(signed_in.body["user"]["email_verified"], true, "its mail came to this address");
    ada.get("/bookings").await.assert_problem(401, "unauthorized");
    reset(&mails.evently, &token, "a third green bicycle").await.assert_problem(410, "token_ended");
    let gone = browser.submit("/password/reset", &[("token", &token), ("password", "a third bicycle")]).await;
    assert!(gone.status == 410 && gone.html.contains("/password/forgot"), "{}", gone.html);
}

#[tokio::test]
async fn of_two_resets_with_one_token_one_counts() {
    let mails = Mails::start().await;
    mails.user(ADA).await;
    forgot(&mails.evently, ADA).await;
    let token = token_of_next(&mails).await;
    let passwords = ["one green bicycle", "two green bicycles", "three green bicycles"];
    let tries = passwords.map(|password| reset(&mails.evently, &token, password));
    let answers = futures::future::join_all(tries).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    let winner = passwords[statuses.iter().position(|status| *status == 204).unwrap()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 410, 410]);
    assert_eq!(sign_in(&mails.evently, ADA, winner).await.status, 200);
}

#[tokio::test]
async fn nobody_learns_who_has_an_account_by_forgetting_a_password() {
    let mails = Mails::start().await;
    mails.user(ADA).await;
    let known = forgot(&mails.evently, ADA).await;
    for email in ["nobody@example.com", ADMIN_EMAIL, "jörg@bücher.example"] {
        let unknown = forgot(&mails.evently, email).await;
        assert_eq!((unknown.status, &unknown.body), (known.status, &known.body), "{email}");
    }
    assert_eq!(told(&mails).await.len(), 1);
    // So many of each address, with an account or without, and the answer stays the same.
    for email in [ADA, "nobody@example.com"] {
        for _ in 0..4 {
            assert_eq!(forgot(&mails.evently, email).await.status, 202, "{email}");
        }
    }
    assert_eq!(told(&mails).await.len(), 2);
    forgot(&mails.evently, "no address").await.assert_problem(422, "validation_failed");
}

#[tokio::test]
async fn a_token_does_what_it_is_for_and_nothing_else() {
    let mails = Mails::start().await;
    let ada = mails.user(ADA).await;
    let tokens = &mails.evently.app.tokens;
    let sealed = |purpose, email: &str, version, ago: SignedDuration| {
        let email = Email::parse(email).unwrap();
        let claims = MailedClaims::new(purpose, ada.user_id.unwrap(), email, version, Timestamp::now() - ago);
        tokens.seal_mailed(purpose, &claims).unwrap()
    };
    let now = SignedDuration::ZERO;
    let signed_in = sign_in(&mails.evently, ADA, PASSWORD).await.text("access_token");
    let not_to_verify = [
        ("for a password", sealed(Purpose::Reset, ADA, 0, now)),
        ("old", sealed(Purpose::Verify, ADA, 0, SignedDuration::from_hours(24))),
        ("another address", sealed(Purpose::Verify, "eve@example.com", 0, now)),
        ("an access token", signed_in.clone()),
        ("none", String::new()),
        ("nonsense", "x".repeat(10_000)),
    ];
    for (what, token) in not_to_verify {
        let refused = verify(&mails.evently, &token).await;
        assert_eq!((refused.status, refused.body["code"].as_str()), (410, Some("token_ended")), "{what}");
    }
    let not_to_reset = [
        ("for an address", sealed(Purpose::Verify, ADA, 0, now)),
        ("old", sealed(Purpose::Reset, ADA, 0, SignedDuration::from_mins(30))),
        ("another address", sealed(Purpose::Reset, "eve@example.com", 0, now)),
        ("another version of the password", sealed(Purpose::Reset, ADA, 1, now)),
        ("an access token", signed_in),
    ];
    for (what, token) in not_to_reset {
        let refused = reset(&mails.evently, &token, ANOTHER).await;
        assert_eq!((refused.status, refused.body["code"].as_str()), (410, Some("token_ended")), "{what}");
    }
    // No mailed token opens anything.
    let with = mails.evently.anybody().with_token(sealed(Purpose::Verify, ADA, 0, now));
    with.get("/me").await.assert_problem(401, "unauthorized");
    // One of a password that was changed since ends with it, and so does one of an account that is gone.
    let before = sealed(Purpose::Reset, ADA, 0, now);
    let change = json!({ "current_password": PASSWORD, "new_password": ANOTHER });
    assert_eq!(ada.post("/password", change).await.status, 204);
    reset(&mails.evently, &before, "a third green bicycle").await.assert_problem(410, "token_ended");
    let erased = registered(&mails.evently, "gone@example.com").await;
    let claims = MailedClaims::new(
        Purpose::Verify,
        UserId::new(),
        Email::parse("gone@example.com").unwrap(),
        0,
        Timestamp::now(),
    );
    let of_another = tokens.seal_mailed(Purpose::Verify, &claims).unwrap();
    verify(&mails.evently, &of_another).await.assert_problem(410, "token_ended");
    assert_eq!(is_verified(&erased).await, false);
}

#[tokio::test]
async fn a_link_that_would_do_nothing_any_more_is_not_sent() {
    let mails = Mails::start().await;
    mails.user(ADA).await;
    forgot(&mails.evently, ADA).await;
    let store = &mails.evently.app.store;
    let [due] = &store.due_deliveries(Timestamp::now(), 10).await.unwrap()[..] else { panic!("one is due") };
    let late = domain::delivery::Delivery {
        happened_at: due.happened_at - SignedDuration::from_mins(30),
        ..due.clone()
    };
    assert!(store.change_delivery(due, &late).await.unwrap());
    let report = mails.run().await;
    assert_eq!(report, Report { dropped: 1, ..Report::default() });
    assert_eq!(late.status, DeliveryStatus::Pending);
    assert!(all_mails_in(mails.folder.path()).is_empty());
}

#[tokio::test]
async fn where_addresses_must_be_verified_only_a_mail_tells_who_has_an_account_and_only_they_book() {
    let evently = TestApp::with(|config| config.require_verified_email = true).await;
    let mails = Mails::of(evently, |_, _| {}).await;
    let evently = &mails.evently;
    let event = evently.event(10).await;
    let new = register(evently, ADA).await;
    assert_eq!((new.status, &new.body), (202, &Value::Null), "{}", new.body);
    let again = register(evently, ADA).await;
    assert_eq!((again.status, &again.body), (202, &Value::Null));
    let first = told(&mails).await;
    assert_eq!(first.len(), 2, "nobody knows yet whose address it is: {first:#?}");
    assert!(first.iter().all(|mail| mail.subject.contains("verify")), "{first:#?}");

    let ada = evently.anybody().with_token(sign_in(evently, ADA, PASSWORD).await.text("access_token"));
    ada.book(&event, 1).await.assert_problem(403, "email_not_verified");
    let mut browser = Browser::new(evently);
    let entered = browser.submit("/shop/sign-in", &[("email", ADA), ("password", PASSWORD)]).await;
    assert_eq!(entered.leads_to(), Some("/"), "{}", entered.html);
    let path = format!("/shop/events/{event}");
    let page = browser.open(&path).await;
    let order = [("quantity", "1"), ("key", &page.field("key").unwrap())];
    let sent = browser.submit(&format!("{path}/book"), &order).await;
    let refused = browser.follow(sent).await;
    assert!(
        refused.html.contains("Verify your address first") || refused.html.contains("Follow the link"),
        "{}",
        refused.html
    );
    assert_eq!(verify(evently, &link_of(&first[0]).1).await.status, 204);
    // With the token of before, and with a new one.
    assert_eq!(ada.book(&event, 1).await.status, 201);
    let token = sign_in(evently, ADA, PASSWORD).await.text("access_token");
    assert_eq!(evently.anybody().with_token(token).book(&event, 1).await.status, 201);
    assert_eq!(evently.admin().book(&event, 1).await.status, 201, "the admin is known");

    let taken = register(evently, ADA).await;
    assert_eq!((taken.status, &taken.body), (202, &Value::Null));
    let told = told(&mails).await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].to.as_str(), told[0].subject.as_str()),
        (ADA, "Evently: you have an account already")
    );
    assert!(told[0].text.contains(&format!("{PUBLIC_URL}/shop/sign-in")), "{}", told[0].text);
    let admins = register(evently, ADMIN_EMAIL).await;
    assert_eq!((admins.status, &admins.body), (202, &Value::Null));

    for email in ["\"a b\"@example.com", "\"ada\"@example.com"] {
        register(evently, email).await.assert_problem(422, "validation_failed");
    }
    let mut stranger = Browser::new(evently);
    stranger.get("/shop/register").await;
    let fields = [("email", "eve@example.com"), ("password", PASSWORD)];
    let sent = stranger.submit("/shop/register", &fields).await;
    let page = stranger.follow(sent).await;
    assert!(page.html.contains("Look into your mail"), "{}", page.html);
}

#[tokio::test]
async fn without_mail_accounts_are_made_as_before_and_nothing_is_promised() {
    let evently = TestApp::with(|config| config.tables.deliveries = None).await;
    let made = register(&evently, ADA).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let ada = evently.anybody().with_token(made.text("access_token"));
    ada.post("/verify-email/resend", json!({})).await.assert_problem(409, "no_mail");
    for email in [ADA, "nobody@example.com"] {
        forgot(&evently, email).await.assert_problem(409, "no_mail");
    }
}

#[tokio::test]
async fn an_account_of_before_is_unverified_and_can_verify_its_address() {
    let mails = Mails::start().await;
    let ada = mails.user(ADA).await;
    put_back(&mails.evently, ADA, "created_at", Timestamp::now() - SignedDuration::from_hours(10_000)).await;
    assert_eq!(is_verified(&ada).await, false);
    assert_eq!(ada.post("/verify-email/resend", json!({})).await.status, 202);
    let token = token_of_next(&mails).await;
    assert_eq!(verify(&mails.evently, &token).await.status, 204);
    assert_eq!(is_verified(&ada).await, true);
}

#[tokio::test]
async fn the_pages_take_nothing_for_html_and_answer_programs_as_the_api_does() {
    let mails = Mails::start().await;
    let mut browser = Browser::new(&mails.evently);
    for path in ["/verify-email", "/password/reset"] {
        let none = browser.get(path).await;
        assert!(none.status == 410, "{path}: {}", none.html);
        let page = browser.get(&format!("{path}?token=%22%3E%3Cscript%3E&utm_source=mail")).await;
        assert!(page.status == 410 && !page.html.contains("<script"), "{path}: {}", page.html);
        assert!(page.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
        let empty = browser.submit(path, &[]).await;
        assert_eq!(empty.status, 410, "{path}: {}", empty.html);
        mails.evently.anybody().post(path, json!({})).await.assert_problem(422, "validation_failed");
    }
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let request = browser.request(reqwest::Method::POST, "/password/forgot").header(name, value);
        let request =
            request.header("content-type", "application/x-www-form-urlencoded").body("email=a%40example.com");
        let foreign = browser.show(request).await;
        assert!(foreign.status == 403 && foreign.html.contains("not sent from here"), "{}", foreign.html);
    }
    let asked = browser.get("/password/forgot").await;
    assert!(asked.status == 200 && asked.html.contains("type=\"email\""), "{}", asked.html);
    let wrong = browser.submit("/password/forgot", &[("email", "no address")]).await;
    assert!(wrong.status == 422 && wrong.html.contains("role=\"alert\""), "{}", wrong.html);
    let sent = browser.submit("/password/forgot", &[("email", ADA)]).await;
    assert!(sent.status == 202 && sent.html.contains("Look into your mail"), "{}", sent.html);
}

#[tokio::test]
async fn an_address_that_nobody_verified_gets_five_other_mails_a_day() {
    let mails = Mails::start().await;
    let (ada, bob) = (mails.user(ADA).await, mails.user("bob@example.com").await);
    mails
        .evently
        .app
        .store
        .verify_email(&Email::parse(ADA).unwrap(), ada.user_id.unwrap(), 0, Timestamp::now())
        .await
        .unwrap();
    let event = mails.evently.event(100).await;
    for user in [&ada, &bob] {
        for _ in 0..7 {
            user.buy(&event, 1).await;
        }
    }
    mails.run_looking_every(SignedDuration::ZERO).await;
    assert_eq!((mails.got(ADA).len(), mails.got("bob@example.com").len()), (7, 5));
    // What it may know of its account, it hears all the same.
    assert_eq!(forgot(&mails.evently, "bob@example.com").await.status, 202);
    assert_eq!(told(&mails).await.len(), 1);
}

#[tokio::test]
async fn an_account_that_a_stranger_began_with_their_own_password_becomes_the_owners() {
    let evently = TestApp::with(|config| config.require_verified_email = true).await;
    let mails = Mails::of(evently, |_, _| {}).await;
    let evently = &mails.evently;
    let event = evently.event(10).await;
    let begin = async |password: &str| {
        let account = json!({ "email": ADA, "password": password });
        assert_eq!(evently.anybody().post("/register", account).await.status, 202);
        let told = told(&mails).await;
        assert_eq!(told.len(), 1, "{told:#?}");
        (told[0].subject.clone(), link_of(&told[0]).1)
    };
    const STRANGERS: &str = "a stranger's own bicycle";
    let (_, strangers_link) = begin(STRANGERS).await;
    let token = sign_in(evently, ADA, STRANGERS).await.text("access_token");
    let stranger = evently.anybody().with_token(token);
    let (subject, owners_link) = begin(PASSWORD).await;
    assert_eq!(subject, "Evently: finish your account");
    verify(evently, &strangers_link).await.assert_problem(410, "token_ended");
    for password in [STRANGERS, PASSWORD] {
        sign_in(evently, ADA, password).await.assert_problem(401, "invalid_credentials");
    }
    // Once more, which takes nothing from the owner but the older link.
    let (_, newest_link) = begin(STRANGERS).await;
    reset(evently, &owners_link, PASSWORD).await.assert_problem(410, "token_ended");
    assert_eq!(reset(evently, &newest_link, PASSWORD).await.status, 204);
    sign_in(evently, ADA, STRANGERS).await.assert_problem(401, "invalid_credentials");
    stranger.book(&event, 1).await.assert_problem(401, "unauthorized");
    let owner = sign_in(evently, ADA, PASSWORD).await;
    assert_eq!(owner.body["user"]["email_verified"], true);
    assert_eq!(evently.anybody().with_token(owner.text("access_token")).book(&event, 1).await.status, 201);
}

#[tokio::test]
async fn where_only_a_mail_tells_who_has_an_account_a_limit_does_not_tell_it_either() {
    let evently = TestApp::with(|config| {
        config.require_verified_email = true;
        config.rate_limits.registrations_per_hour = 3;
    })
    .await;
    let network = evently.from("198.51.100.7").await;
    let register = async |email: &str| {
        network.post("/register", json!({ "email": email, "password": PASSWORD })).await.status
    };
    assert_eq!([register(ADA).await, register(ADA).await, register(ADMIN_EMAIL).await], [202, 202, 202]);
    let after = [register(ADA).await, register("new@example.com").await, register(ADMIN_EMAIL).await];
    assert_eq!(after, [429, 429, 429]);
}

#[tokio::test]
async fn a_form_that_is_one_too_many_is_answered_by_a_page() {
    let evently = TestApp::with(|config| config.rate_limits.auth_per_minute = 1).await;
    let mut browser = Browser::new(&evently);
    assert_eq!(browser.submit("/password/forgot", &[("email", ADA)]).await.status, 202);
    for path in ["/password/forgot", "/password/reset", "/verify-email"] {
        let refused = browser.submit(path, &[("email", ADA)]).await;
        assert!(
            refused.status == 429 && refused.html.contains("A little slower"),
            "{path}: {}",
            refused.html
        );
        assert!(refused.headers.contains_key("ratelimit"), "{path}");
    }
    evently
        .anybody()
        .post("/password/forgot", json!({ "email": ADA }))
        .await
        .assert_problem(429, "rate_limited");
}
