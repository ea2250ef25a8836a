//! People with accounts.

use reqwest::Method;
use serde_json::json;

use super::{Answer, Session, TestApp, send};

/// What people register with.
pub(crate) const PASSWORD: &str = "correct horse";

/// Somebody who registered, and signed in.
pub(crate) async fn registered(evently: &TestApp, email: &str) -> Session {
    let made = evently.anybody().post("/register", json!({ "email": email, "password": PASSWORD })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    sign_in(evently, email, PASSWORD).await
}

/// Somebody with an account, signed in.
pub(crate) async fn sign_in(evently: &TestApp, email: &str, password: &str) -> Session {
    let signed_in = evently.anybody().post("/login", json!({ "email": email, "password": password })).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);
    evently.anybody().with_token(signed_in.text("access_token"))
}

/// Asks to be erased.
pub(crate) async fn erase_me(session: &Session, password: &str) -> Answer {
    send(session.request(Method::DELETE, "/me").json(&json!({ "password": password }))).await
}
