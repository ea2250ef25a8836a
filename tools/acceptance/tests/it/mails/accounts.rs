//! Mails about accounts: who gets one, what its link does, and what it does not.

mod left;
mod links;
mod moving;
mod pages;
mod strict;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use super::{Mail, Mails, all_mails_in};
use crate::common::{Answer, PASSWORD, Session, TestApp, shared_dynamodb};

const ADA: &str = "ada@example.com";
const NEW: &str = "ada@example.org";
const NEWER: &str = "ada@example.net";
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

async fn ask(session: &Session, email: &str, password: &str) -> Answer {
    session.post("/me/email", json!({ "email": email, "password": password })).await
}

/// The token of the link that moves the account there.
async fn wish(mails: &Mails, session: &Session, email: &str) -> String {
    let asked = ask(session, email, PASSWORD).await;
    assert_eq!((asked.status, &asked.body), (202, &Value::Null), "{}", asked.body);
    token_of_next(mails).await
}

/// Moves the account there. Answers with the token of the link that undoes it.
async fn move_to(mails: &Mails, session: &Session, email: &str) -> String {
    let token = wish(mails, session, email).await;
    assert_eq!(verify(&mails.evently, &token).await.status, 204);
    token_of_next(mails).await
}

async fn signed_in(evently: &TestApp, email: &str, password: &str) -> Session {
    let answer = sign_in(evently, email, password).await;
    assert_eq!(answer.status, 200, "{email}: {}", answer.body);
    let mut session = evently.anybody().with_token(answer.text("access_token"));
    session.user_id = answer.body["user"]["id"].as_str().unwrap().parse().ok();
    session
}

/// What is kept under an address.
async fn kept(evently: &TestApp, email: &str) -> Option<HashMap<String, AttributeValue>> {
    let client = stores::dynamodb::client_for_endpoint(shared_dynamodb());
    let get = client.get_item().table_name(&evently.app.config.tables.users);
    get.key("email", AttributeValue::S(email.to_owned())).consistent_read(true).send().await.unwrap().item
}

/// Changes what is kept of an account past the API.
async fn change_kept(evently: &TestApp, email: &str, change: &str, value: AttributeValue) {
    let client = stores::dynamodb::client_for_endpoint(shared_dynamodb());
    let update = client.update_item().table_name(&evently.app.config.tables.users);
    let update = update.key("email", AttributeValue::S(email.to_owned())).update_expression(change);
    update.expression_attribute_values(":value", value).send().await.unwrap();
}
