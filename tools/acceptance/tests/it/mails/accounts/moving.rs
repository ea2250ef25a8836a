//! An account that is to move to another address: who may ask, what the link does, and what ends it.

use std::collections::HashMap;

use accounts::mailed_tokens::{MailedClaims, Purpose};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::email::Email;
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::json;

use super::{
    ADA, ANOTHER, NEW, NEWER, ask, change_kept, is_verified, kept, link_of, move_to, register, reset,
    sign_in, signed_in, token_of_next, told, verify, wish,
};
use crate::{
    common::{ADMIN_EMAIL, ADMIN_PASSWORD, PASSWORD, TestApp, browser::Browser},
    mails::Mails,
};

#[tokio::test]
async fn an_account_moves_by_a_form_of_the_shop() {
    let mails = Mails::start().await;
    let mut ada = Browser::new(&mails.evently);
    ada.register(ADA).await;
    told(&mails).await;
    let page = ada.get("/shop/account").await;
    assert!(page.html.contains("href=\"/shop/account/email\""), "{}", page.html);
    let page = ada.get("/shop/account/email").await;
    page.says(ADA);
    for (email, password, said) in [
        ("ada <at> example", PASSWORD, "New address must be"),
        (ADA, PASSWORD, "New address must be another"),
        (NEW, "wrong", "The password is wrong."),
        (NEW, "", "Password is missing."),
    ] {
        let refused = ada.submit("/shop/account/email", &[("email", email), ("password", password)]).await;
        assert_eq!(refused.status, 422, "{said}");
        refused.says(said);
        assert!(refused.html.contains("name=\"email\""), "{}", refused.html);
        assert!(!refused.html.contains(PASSWORD), "a password came back");
    }
    let sent = ada.submit("/shop/account/email", &[("email", NEW), ("password", PASSWORD)]).await;
    assert_eq!(sent.leads_to(), Some("/shop/account"));
    ada.follow(sent).await.says("a mail is on its way there");
    let mails_sent = told(&mails).await;
    let [mail] = &mails_sent[..] else { panic!("{mails_sent:#?}") };
    assert_eq!(mail.to, NEW);
    // More than three within an hour.
    for _ in 0..2 {
        ada.get("/shop/account/email").await;
        ada.submit("/shop/account/email", &[("email", NEWER), ("password", PASSWORD)]).await;
    }
    ada.get("/shop/account/email").await;
    let refused = ada.submit("/shop/account/email", &[("email", NEWER), ("password", PASSWORD)]).await;
    assert_eq!(refused.status, 429);
    refused.says("asked for too often");

    let silent = TestApp::with(|config| config.sends_mail = false).await;
    let mut bob = Browser::new(&silent);
    bob.register("bob@example.com").await;
    assert!(!bob.get("/shop/account").await.html.contains("/shop/account/email"));
    bob.get("/shop/account/email").await.says("This service sends no mail.");
}

#[tokio::test]
async fn an_account_moves_when_the_link_to_the_new_address_is_used_once() {
    let mails = Mails::start().await;
    let (ada, event) = (mails.user(ADA).await, mails.evently.event(10).await);
    let booking = ada.buy(&event, 1).await;
    assert_eq!(ask(&ada, " ADA@Example.org ", PASSWORD).await.status, 202);
    let sent = told(&mails).await;
    let [mail] = &sent[..] else { panic!("{sent:#?}") };
    assert_eq!((mail.to.as_str(), mail.name.as_deref()), (NEW, None));
    assert!(mail.subject.contains("move your account") && !format!("{mail:?}").contains(ADA), "{mail:#?}");

    let (path, token) = link_of(mail);
    let mut browser = Browser::new(&mails.evently);
    for _ in 0..2 {
        let page = browser.get(&path).await;
        assert!(page.status == 200 && page.html.contains(NEW), "{}", page.html);
        assert!(page.html.contains("Move my account here"), "{}", page.html);
    }
    assert_eq!(ada.get("/me").await.body["user"]["email"], ADA, "who looks, changes nothing");
    let done = browser.submit("/verify-email", &[("token", &token)]).await;
    assert!(done.status == 200 && done.html.contains("Your account has moved"), "{}", done.html);
    let again = browser.submit("/verify-email", &[("token", &token)]).await;
    assert!(again.status == 410 && again.html.contains("does nothing any more"), "{}", again.html);
    verify(&mails.evently, &token).await.assert_problem(410, "token_ended");

    ada.get("/bookings").await.assert_problem(401, "unauthorized");
    sign_in(&mails.evently, ADA, PASSWORD).await.assert_problem(401, "invalid_credentials");
    let moved = signed_in(&mails.evently, NEW, PASSWORD).await;
    assert_eq!(moved.user_id, ada.user_id);
    assert_eq!(moved.get("/bookings").await.body["items"][0]["id"], booking);
    assert_eq!(moved.get("/me").await.body["user"]["email"], NEW);
    assert_eq!(is_verified(&moved).await, true, "its link came there");

    let sent = told(&mails).await;
    let [mail] = &sent[..] else { panic!("{sent:#?}") };
    assert_eq!(mail.to, ADA);
    assert!(mail.subject.contains("has moved") && !format!("{mail:?}").contains(NEW), "{mail:#?}");
    let page = browser.get(&link_of(mail).0).await;
    assert!(page.status == 200 && page.html.contains("Bring it back"), "{}", page.html);
}

#[tokio::test]
async fn an_account_may_go_back_by_itself() {
    let mails = Mails::start().await;
    let ada = mails.user(ADA).await;
    let undo = move_to(&mails, &ada, NEW).await;
    let moved = signed_in(&mails.evently, NEW, PASSWORD).await;
    let back = wish(&mails, &moved, ADA).await;
    let mut browser = Browser::new(&mails.evently);
    browser.get(&format!("/verify-email?token={back}")).await.says("the password does not count any more");
    let done = browser.submit("/verify-email", &[("token", &back)]).await;
    assert_eq!(done.status, 200);
    done.says("Its link sets another password");
    verify(&mails.evently, &back).await.assert_problem(410, "token_ended");
    verify(&mails.evently, &undo).await.assert_problem(410, "token_ended");
    let sent = told(&mails).await;
    let [mail] = &sent[..] else { panic!("{sent:#?}") };
    assert_eq!((mail.to.as_str(), mail.subject.contains("your account is back")), (ADA, true), "{mail:#?}");
    assert_eq!(reset(&mails.evently, &link_of(mail).1, ANOTHER).await.status, 204);
    signed_in(&mails.evently, ADA, ANOTHER).await;
    // As if it had never left: the address that it tried is nobody's, and takes nothing back.
    assert!(!kept(&mails.evently, ADA).await.unwrap().contains_key("previous_emails"));
    assert!(kept(&mails.evently, NEW).await.is_none());
    assert_eq!(register(&mails.evently, NEW).await.status, 201);
}

#[tokio::test]
async fn another_wish_or_another_password_ends_a_wish() {
    let mails = Mails::start().await;
    let evently = &mails.evently;
    let ada = mails.user(ADA).await;
    let first = wish(&mails, &ada, NEW).await;
    let second = wish(&mails, &ada, NEWER).await;
    verify(evently, &first).await.assert_problem(410, "token_ended");
    let change = json!({ "current_password": PASSWORD, "new_password": ANOTHER });
    assert_eq!(ada.post("/password", change).await.status, 204);
    verify(evently, &second).await.assert_problem(410, "token_ended");
    let ada = signed_in(evently, ADA, ANOTHER).await;
    assert_eq!(ask(&ada, NEW, ANOTHER).await.status, 202);
    // A wish that is refused leaves the one before as it is.
    ask(&ada, NEWER, ANOTHER).await.assert_problem(429, "rate_limited");
    let third = token_of_next(&mails).await;
    assert_eq!(verify(evently, &third).await.status, 204);
}

#[tokio::test]
async fn a_wish_that_another_one_followed_is_not_mailed() {
    let mails = Mails::start().await;
    let ada = mails.user(ADA).await;
    for email in [NEW, NEWER] {
        assert_eq!(ask(&ada, email, PASSWORD).await.status, 202);
    }
    let sent = told(&mails).await;
    assert_eq!(sent.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), [NEWER]);
}

#[tokio::test]
async fn nobody_learns_who_has_an_account_by_wanting_its_address() {
    let mails = Mails::start().await;
    let evently = &mails.evently;
    let (ada, _) = (mails.user(ADA).await, mails.user("bob@example.com").await);
    let before = wish(&mails, &ada, NEW).await;
    let free = ask(&ada, NEWER, PASSWORD).await;
    told(&mails).await;
    let taken = ask(&ada, "bob@example.com", PASSWORD).await;
    assert_eq!((free.status, &free.body), (taken.status, &taken.body));
    let sent = told(&mails).await;
    let [mail] = &sent[..] else { panic!("{sent:#?}") };
    assert_eq!(
        (mail.to.as_str(), mail.subject.as_str()),
        ("bob@example.com", "Evently: you have an account already")
    );
    verify(evently, &before).await.assert_problem(410, "token_ended");
    let eve = mails.user("eve@example.com").await;
    assert_eq!(ask(&eve, ADMIN_EMAIL, PASSWORD).await.status, 202);
    assert_eq!(told(&mails).await, [], "the admin's address is nobody's to have");
}

#[tokio::test]
async fn an_address_that_somebody_took_meanwhile_is_said_to_be_taken() {
    let mails = Mails::start().await;
    let evently = &mails.evently;
    let ada = mails.user(ADA).await;
    let token = wish(&mails, &ada, NEW).await;
    mails.user(NEW).await;
    verify(evently, &token).await.assert_problem(409, "email_taken");
    let page = Browser::new(evently).submit("/verify-email", &[("token", &token)]).await;
    assert!(page.status == 409 && page.html.contains("has an account"), "{}", page.html);
    assert_eq!(ada.get("/me").await.body["user"]["email"], ADA);
    assert_eq!(ada.get("/bookings").await.status, 200, "its tokens are good");
}

#[tokio::test]
async fn of_those_who_use_one_link_at_once_one_moves_it_and_one_takes_it_back() {
    let mails = Mails::start().await;
    let evently = &mails.evently;
    let ada = mails.user(ADA).await;
    let token = wish(&mails, &ada, NEW).await;
    let at_once = async |token: &str| {
        let answers = join_all((0..3).map(|_| verify(evently, token))).await;
        let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        statuses
    };
    assert_eq!(at_once(&token).await, [204, 410, 410]);
    let undo = token_of_next(&mails).await;
    assert_eq!(at_once(&undo).await, [204, 410, 410]);
    assert!(kept(evently, ADA).await.is_some() && kept(evently, NEW).await.is_none());
}

#[tokio::test]
async fn a_move_needs_a_token_the_password_and_another_address() {
    let mails = Mails::start().await;
    let evently = &mails.evently;
    let ada = mails.user(ADA).await;
    ask(&evently.anybody(), NEW, PASSWORD).await.assert_problem(401, "unauthorized");
    for email in ["no address", "\"a b\"@example.org", "", ADA, " ADA@example.com "] {
        let refused = ask(&ada, email, PASSWORD).await;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), ["email"], "{email}");
    }
    assert_eq!(ada.post("/me/email", json!({ "email": NEW })).await.bad_fields(), ["password"]);
    let admin = signed_in(evently, ADMIN_EMAIL, ADMIN_PASSWORD).await;
    ask(&admin, NEW, ADMIN_PASSWORD).await.assert_problem(409, "password_is_a_setting");
    for _ in 0..5 {
        ask(&ada, NEW, ANOTHER).await.assert_problem(401, "invalid_credentials");
    }
    ask(&ada, NEW, PASSWORD).await.assert_problem(429, "too_many_attempts");
    sign_in(evently, ADA, PASSWORD).await.assert_problem(429, "too_many_attempts");
    assert_eq!(told(&mails).await, []);
}

#[tokio::test]
async fn an_account_asks_three_times_an_hour_and_so_is_an_address_asked() {
    let mails = Mails::start().await;
    let (ada, bob) = (mails.user(ADA).await, mails.user("bob@example.com").await);
    for email in [NEW, NEW, NEW] {
        assert_eq!(ask(&ada, email, PASSWORD).await.status, 202);
    }
    for (session, email) in [(&ada, NEWER), (&bob, NEW)] {
        let refused = ask(session, email, PASSWORD).await;
        refused.assert_problem(429, "rate_limited");
        assert!(refused.header("retry-after").parse::<u64>().unwrap() > 3_000);
    }
    // Only the last one is still wanted.
    assert_eq!(told(&mails).await.len(), 1);
}

#[tokio::test]
async fn without_mail_no_account_moves() {
    let evently = TestApp::with(|config| config.sends_mail = false).await;
    assert_eq!(register(&evently, ADA).await.status, 201);
    let ada = signed_in(&evently, ADA, PASSWORD).await;
    ask(&ada, NEW, PASSWORD).await.assert_problem(409, "no_mail");
}

#[tokio::test]
async fn no_other_link_moves_an_account() {
    let mails = Mails::start().await;
    let ada = mails.user(ADA).await;
    wish(&mails, &ada, NEW).await;
    let tokens = &mails.evently.app.tokens;
    let sealed = |purpose, email: &str, version| {
        let email = Email::parse(email).unwrap();
        let claims = MailedClaims::new(purpose, ada.user_id.unwrap(), email, version, Timestamp::now());
        tokens.seal_mailed(purpose, &claims).unwrap()
    };
    for (what, token) in [
        ("for a password", sealed(Purpose::Reset, NEW, 0)),
        ("for the address of an account", sealed(Purpose::Verify, NEW, 0)),
        ("to undo what was not done", sealed(Purpose::Undo, NEW, 0)),
        ("to undo what is as it was", sealed(Purpose::Undo, ADA, 0)),
        ("to another address", sealed(Purpose::Move, NEWER, 0)),
        ("of another password", sealed(Purpose::Move, NEW, 1)),
    ] {
        let refused = verify(&mails.evently, &token).await;
        assert_eq!((refused.status, refused.body["code"].as_str()), (410, Some("token_ended")), "{what}");
    }
    for purpose in [Purpose::Move, Purpose::Undo] {
        let refused = reset(&mails.evently, &sealed(purpose, ADA, 0), ANOTHER).await;
        refused.assert_problem(410, "token_ended");
    }
    assert_eq!(ada.get("/me").await.body["user"]["email"], ADA);
}

#[tokio::test]
async fn an_account_of_before_moves_with_all_that_it_has() {
    let mails = Mails::start().await;
    let evently = &mails.evently;
    let ada = mails.user(ADA).await;
    let change = "SET of_a_later_release = :value REMOVE password_version, password_changed_at";
    let word = AttributeValue::M(HashMap::from([("a".to_owned(), AttributeValue::S("word".to_owned()))]));
    change_kept(evently, ADA, change, word.clone()).await;
    let undo = move_to(&mails, &ada, NEW).await;
    assert_eq!(kept(evently, NEW).await.unwrap()["of_a_later_release"], word);
    assert_eq!(verify(evently, &undo).await.status, 204);
    assert_eq!(kept(evently, ADA).await.unwrap()["of_a_later_release"], word);
    // To a release before, what is left at an address is an account without a password.
    let reset_link = token_of_next(&mails).await;
    assert_eq!(reset(evently, &reset_link, PASSWORD).await.status, 204);
    move_to(&mails, &signed_in(evently, ADA, PASSWORD).await, NEW).await;
    let left: domain::user::User = serde_dynamo::from_item(kept(evently, ADA).await.unwrap()).unwrap();
    assert!(left.password_hash.is_none() && Some(left.id) != ada.user_id);
}
