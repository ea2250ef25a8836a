//! Where addresses must be verified: only a mail tells who has an account, and only those book.

use serde_json::{Value, json};

use super::{ADA, PUBLIC_URL, link_of, register, reset, sign_in, told, verify};
use crate::{
    common::{ADMIN_EMAIL, PASSWORD, TestApp, browser::Browser},
    mails::Mails,
};

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
