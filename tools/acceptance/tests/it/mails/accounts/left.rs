//! What becomes of an address that an account left: it is kept, it takes the account back, and it goes. Whoever learned a password
//! gains nothing by moving the account away.

use std::collections::HashMap;

use accounts::mailed_tokens::{MailedClaims, Purpose};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::email::Email;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    ADA, ANOTHER, NEW, NEWER, ask, change_kept, forgot, kept, link_of, move_to, register, reset, sign_in,
    signed_in, token_of_next, told, verify, wish,
};
use crate::{
    common::{PASSWORD, browser::Browser, erase_me, put_back},
    mails::Mails,
};

const STRANGERS: &str = "a stranger's own bicycle";

#[tokio::test]
async fn whoever_moved_it_away_gains_nothing_by_it() {
    let mails = Mails::start().await;
    let evently = &mails.evently;
    let ada = mails.user(ADA).await;
    let undo = move_to(&mails, &ada, NEW).await;
    let stranger = signed_in(evently, NEW, PASSWORD).await;
    let change = json!({ "current_password": PASSWORD, "new_password": STRANGERS });
    assert_eq!(stranger.post("/password", change).await.status, 204);
    let stranger = signed_in(evently, NEW, STRANGERS).await;
    assert_eq!(ask(&stranger, NEWER, STRANGERS).await.status, 202);
    let next = token_of_next(&mails).await;

    let mut browser = Browser::new(evently);
    let done = browser.submit("/verify-email", &[("token", &undo)]).await;
    assert!(done.status == 200 && done.html.contains("Your account is back"), "{}", done.html);
    verify(evently, &undo).await.assert_problem(410, "token_ended");
    verify(evently, &next).await.assert_problem(410, "token_ended");
    stranger.get("/bookings").await.assert_problem(401, "unauthorized");
    for email in [ADA, NEW] {
        for password in [PASSWORD, STRANGERS] {
            sign_in(evently, email, password).await.assert_problem(401, "invalid_credentials");
        }
    }
    let item = kept(evently, ADA).await.unwrap();
    assert!(!item.contains_key("previous_password_hash") && !item.contains_key("wanted_email"), "{item:?}");
    assert!(!item.contains_key("previous_emails"), "{item:?}");
    assert!(kept(evently, NEW).await.is_none());
    // What the password of before could prove for a day, it proves no more.
    let change = json!({ "current_password": PASSWORD, "new_password": STRANGERS });
    stranger.post("/password", change).await.assert_problem(401, "unauthorized");

    let sent = told(&mails).await;
    let [mail] = &sent[..] else { panic!("{sent:#?}") };
    assert_eq!(
        (mail.to.as_str(), mail.subject.as_str()),
        (ADA, "Evently: your account is back, set a password")
    );
    assert!(!mail.text.contains("stays as it is"), "{}", mail.text);
    assert_eq!(reset(evently, &link_of(mail).1, ANOTHER).await.status, 204);
    assert_eq!(signed_in(evently, ADA, ANOTHER).await.user_id, ada.user_id);
    assert_eq!(register(evently, NEW).await.status, 201, "the other address is free");
}

/// Whoever moved it away offers to move it back, which looks to its owner like having it again.
#[tokio::test]
async fn an_account_that_was_given_back_is_not_taken_again_by_the_undo_of_that() {
    let mails = Mails::start().await;
    let evently = &mails.evently;
    let ada = mails.user(ADA).await;
    let undo = move_to(&mails, &ada, NEW).await;
    let stranger = signed_in(evently, NEW, PASSWORD).await;
    let change = json!({ "current_password": PASSWORD, "new_password": STRANGERS });
    assert_eq!(stranger.post("/password", change).await.status, 204);
    let stranger = signed_in(evently, NEW, STRANGERS).await;
    assert_eq!(ask(&stranger, ADA, STRANGERS).await.status, 202);
    let back = token_of_next(&mails).await;
    assert_eq!(verify(evently, &back).await.status, 204);
    for password in [PASSWORD, STRANGERS] {
        sign_in(evently, ADA, password).await.assert_problem(401, "invalid_credentials");
    }
    stranger.get("/bookings").await.assert_problem(401, "unauthorized");
    verify(evently, &undo).await.assert_problem(410, "token_ended");
    let sent = told(&mails).await;
    let [mail] = &sent[..] else { panic!("only the owner gets a link: {sent:#?}") };
    assert_eq!(mail.to, ADA);
    assert_eq!(reset(evently, &link_of(mail).1, ANOTHER).await.status, 204);
    let user = evently.app.store.user_by_id(ada.user_id.unwrap()).await.unwrap().unwrap();
    assert_eq!((user.email.as_str(), user.previous_emails.len()), (ADA, 0));
    // Nor by a link that somebody would make for it.
    let claims = MailedClaims::new(Purpose::Undo, user.id, Email::parse(NEW).unwrap(), 2, Timestamp::now());
    let forged = evently.app.tokens.seal_mailed(Purpose::Undo, &claims).unwrap();
    verify(evently, &forged).await.assert_problem(410, "token_ended");
    assert_eq!(signed_in(evently, ADA, ANOTHER).await.user_id, ada.user_id);
}

#[tokio::test]
async fn each_address_that_was_left_hears_of_it_and_the_first_takes_all_back() {
    let mails = Mails::start().await;
    let evently = &mails.evently;
    let ada = mails.user(ADA).await;
    let first = move_to(&mails, &ada, NEW).await;
    let moved = signed_in(evently, NEW, PASSWORD).await;
    let token = wish(&mails, &moved, NEWER).await;
    assert_eq!(verify(evently, &token).await.status, 204);
    let sent = told(&mails).await;
    assert_eq!(sent.len(), 1, "{sent:#?}");
    assert_eq!(sent[0].to, NEW);
    let second = link_of(&sent[0]).1;
    assert_eq!(verify(evently, &first).await.status, 204);
    assert!(kept(evently, NEW).await.is_none() && kept(evently, NEWER).await.is_none());
    verify(evently, &second).await.assert_problem(410, "token_ended");
    assert_eq!(
        evently.app.store.user_by_id(ada.user_id.unwrap()).await.unwrap().unwrap().email.as_str(),
        ADA
    );
}

#[tokio::test]
async fn an_address_that_was_left_is_nobodys_until_its_time_is_over() {
    let mails = Mails::start().await;
    let evently = &mails.evently;
    let (ada, bob) = (mails.user(ADA).await, mails.user("bob@example.com").await);
    move_to(&mails, &ada, NEW).await;
    register(evently, ADA).await.assert_problem(409, "email_taken");
    assert_eq!(forgot(evently, ADA).await.status, 202);
    assert_eq!(told(&mails).await, [], "there is no account");
    let token = wish(&mails, &bob, ADA).await;
    verify(evently, &token).await.assert_problem(409, "email_taken");

    put_back(evently, ADA, "moved_until", Timestamp::now() - SignedDuration::from_secs(1)).await;
    assert_eq!(verify(evently, &token).await.status, 204);
    let bob = signed_in(evently, ADA, PASSWORD).await;
    // The account that left it is erased without it.
    let moved = signed_in(evently, NEW, PASSWORD).await;
    assert_eq!(erase_me(&moved, PASSWORD).await.status, 204);
    assert_eq!(bob.get("/me").await.body["user"]["email"], ADA);
}

#[tokio::test]
async fn an_address_is_free_for_a_registration_when_its_time_is_over() {
    let mails = Mails::start().await;
    let ada = mails.user(ADA).await;
    move_to(&mails, &ada, NEW).await;
    let over = Timestamp::now() - SignedDuration::from_secs(1);
    put_back(&mails.evently, ADA, "moved_until", over).await;
    assert_eq!(register(&mails.evently, ADA).await.status, 201);
    assert_ne!(signed_in(&mails.evently, ADA, PASSWORD).await.user_id, ada.user_id);
    // The account forgets what it left at the first sign-in after that.
    let over = AttributeValue::N(over.as_millisecond().to_string());
    let left =
        HashMap::from([("email".to_owned(), AttributeValue::S(ADA.to_owned())), ("until".to_owned(), over)]);
    let left = AttributeValue::L(vec![AttributeValue::M(left)]);
    change_kept(&mails.evently, NEW, "SET previous_emails = :value", left).await;
    signed_in(&mails.evently, NEW, PASSWORD).await;
    assert!(!kept(&mails.evently, NEW).await.unwrap().contains_key("previous_emails"));
}

#[tokio::test]
async fn a_link_that_undoes_a_move_is_good_for_seven_days() {
    let mails = Mails::start().await;
    let ada = mails.user(ADA).await;
    move_to(&mails, &ada, NEW).await;
    let seven_days = SignedDuration::from_hours(7 * 24);
    for ago in [seven_days, SignedDuration::from_hours(1)] {
        let (email, then) = (Email::parse(ADA).unwrap(), Timestamp::now() - ago);
        let claims = MailedClaims::new(Purpose::Undo, ada.user_id.unwrap(), email, 1, then);
        let token = mails.evently.app.tokens.seal_mailed(Purpose::Undo, &claims).unwrap();
        verify(&mails.evently, &token).await.assert_problem(410, "token_ended");
    }
    signed_in(&mails.evently, NEW, PASSWORD).await;
}

#[tokio::test]
async fn who_is_erased_leaves_nothing_at_any_address() {
    let mails = Mails::start().await;
    let evently = &mails.evently;
    let ada = mails.user(ADA).await;
    let undo = move_to(&mails, &ada, NEW).await;
    let moved = signed_in(evently, NEW, PASSWORD).await;
    assert_eq!(erase_me(&ada, PASSWORD).await.status, 401, "a token of before the move");
    assert_eq!(ask(&moved, NEWER, PASSWORD).await.status, 202);
    assert_eq!(erase_me(&moved, PASSWORD).await.status, 204);
    for email in [ADA, NEW, NEWER] {
        assert!(kept(evently, email).await.is_none(), "{email}");
    }
    assert_eq!(told(&mails).await, [], "nobody is told any more");
    verify(evently, &undo).await.assert_problem(410, "token_ended");
    assert_eq!(register(evently, ADA).await.status, 201);
}
