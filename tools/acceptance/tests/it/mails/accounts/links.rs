//! Links that verify an address or set a password: who gets one, what it does, and what it does not.

use accounts::mailed_tokens::{MailedClaims, Purpose};
use domain::{delivery::DeliveryStatus, email::Email, id::UserId};
use jiff::{SignedDuration, Timestamp};
use messages::{Outcomes, Report};
use serde_json::json;

use super::{
    ADA, ANOTHER, forgot, is_verified, link_of, register, reset, sign_in, token_of_next, told, verify,
};
use crate::{
    common::{ADMIN_EMAIL, PASSWORD, TestApp, browser::Browser, put_back, registered},
    mails::{Mails, SOON, all_mails_in},
};

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
    let [due] =
        &store.due_deliveries(stores::dynamodb::Queue::Mails, Timestamp::now(), 10).await.unwrap()[..]
    else {
        panic!("one is due")
    };
    let late = domain::delivery::Delivery {
        happened_at: due.happened_at - SignedDuration::from_mins(30),
        ..due.clone()
    };
    assert!(store.change_delivery(due, &late).await.unwrap());
    let report = mails.run().await;
    assert_eq!(report, Report { mails: Outcomes { dropped: 1, ..Outcomes::default() }, ..Report::default() });
    assert_eq!(late.status, DeliveryStatus::Pending);
    assert!(all_mails_in(mails.folder.path()).is_empty());
}

#[tokio::test]
async fn without_mail_accounts_are_made_as_before_and_nothing_is_promised() {
    let evently = TestApp::with(|config| config.sends_mail = false).await;
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
    // Who was killed between counting one and sending it tries it again: that is no further one.
    let store = &mails.evently.app.store;
    let cat = mails.user("cat@example.com").await.user_id.unwrap();
    let may = async |message: &str| store.take_of_day(cat, message, Timestamp::now(), 2).await.unwrap();
    assert_eq!([may("a").await, may("a").await, may("b").await, may("a").await], [true; 4]);
    assert_eq!([may("c").await, may("b").await], [false, true]);
    // What it may know of its account, it hears all the same.
    assert_eq!(forgot(&mails.evently, "bob@example.com").await.status, 202);
    assert_eq!(told(&mails).await.len(), 1);
}
