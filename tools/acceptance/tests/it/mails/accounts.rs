//! Mails about accounts: who gets one, what its link does, and what it does not.

mod links;
mod moving;
mod pages;
mod strict;

use serde_json::{Value, json};

use super::{Mail, Mails, all_mails_in};
use crate::common::{Answer, PASSWORD, Session, TestApp};

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
