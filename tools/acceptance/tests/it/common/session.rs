//! Somebody who uses Evently over HTTP.

use std::time::Duration;

use domain::id::UserId;
use reqwest::{Body, Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};
use uuid::Uuid;

use super::contract::CONTRACT;

/// Somebody, signed in or not.
#[derive(Clone)]
pub(crate) struct Session {
    pub(super) http: reqwest::Client,
    pub(super) url: String,
    pub(crate) token: Option<String>,
    /// Whose token it is, where that is known.
    pub(crate) user_id: Option<UserId>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body as JSON; null if it is none.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) bytes: Vec<u8>,
}

/// A client of servers on this machine: a proxy of the environment could not reach them.
pub(crate) fn http_client() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    builder.timeout(Duration::from_secs(60)).build().unwrap()
}

impl Session {
    pub(crate) fn new(http: reqwest::Client, url: String) -> Self {
        Self { http, url, token: None, user_id: None }
    }

    /// Somebody who is not signed in, at an Evently of another process.
    pub(crate) fn at(url: String) -> Self {
        Self::new(http_client(), url)
    }

    /// The same person with another token.
    pub(crate) fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// That user, from where this one is.
    pub(crate) fn signed_in_as(&self, user: &Self) -> Self {
        Self { token: user.token.clone(), user_id: user.user_id, ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    /// Posts a body that is perhaps no JSON.
    pub(crate) async fn post_bytes(&self, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        send(self.request(Method::POST, path).header("content-type", content_type).body(body)).await
    }

    /// Gets with one more header.
    pub(crate) async fn get_with(&self, path: &str, header: &str, value: &str) -> Answer {
        send(self.request(Method::GET, path).header(header, value)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn put(&self, path: &str, if_match: &str, body: Value) -> Answer {
        send(self.request(Method::PUT, path).header("if-match", if_match).json(&body)).await
    }

    /// Changes a part of an event, by a JSON merge patch.
    pub(crate) async fn patch(&self, path: &str, if_match: &str, patch: Value) -> Answer {
        let request = self.request(Method::PATCH, path).header("if-match", if_match);
        send(request.header("content-type", "application/merge-patch+json").body(patch.to_string())).await
    }

    /// Deletes what is at that version.
    pub(crate) async fn delete_version(&self, path: &str, if_match: &str) -> Answer {
        send(self.request(Method::DELETE, path).header("if-match", if_match)).await
    }

    /// Holds seats, with a new idempotency key.
    pub(crate) async fn book(&self, event: &str, quantity: u32) -> Answer {
        self.book_with_key(event, quantity, &Uuid::now_v7().to_string()).await
    }

    /// A request of any shape, under a key of its own.
    pub(crate) async fn book_with(&self, event: &str, wanted: Value) -> Answer {
        let request = self.request(Method::POST, &format!("/events/{event}/book"));
        send(request.header("Idempotency-Key", Uuid::now_v7().to_string()).json(&wanted)).await
    }

    pub(crate) async fn book_with_key(&self, event: &str, quantity: u32, key: &str) -> Answer {
        let request = self.request(Method::POST, &format!("/events/{event}/book"));
        send(request.header("idempotency-key", key).json(&json!({ "quantity": quantity }))).await
    }

    /// Holds seats that must be there; answers with the reservation's id.
    pub(crate) async fn hold(&self, event: &str, quantity: u32) -> String {
        let held = self.book(event, quantity).await;
        assert_eq!(held.status, 201, "{}", held.body);
        held.body["reservation"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn confirm(&self, reservation: &str) -> Answer {
        self.post(&format!("/reservations/{reservation}/confirm"), json!({})).await
    }

    /// Holds and confirms seats that must be there; answers with the booking's id.
    pub(crate) async fn buy(&self, event: &str, quantity: u32) -> String {
        let reservation = self.hold(event, quantity).await;
        let confirmed = self.confirm(&reservation).await;
        assert_eq!(confirmed.status, 201, "{}", confirmed.body);
        reservation
    }

    /// Buys seats of which so many are at these rates.
    pub(crate) async fn buy_at(&self, event: &str, quantity: u32, rates: Value) -> String {
        let request = self.request(Method::POST, &format!("/events/{event}/book"));
        let request = request.header("idempotency-key", Uuid::now_v7().to_string());
        let held = send(request.json(&json!({ "quantity": quantity, "rates": rates }))).await;
        assert_eq!(held.status, 201, "{}", held.body);
        let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
        assert_eq!(self.confirm(&id).await.status, 201);
        id
    }

    pub(crate) async fn cancel(&self, booking: &str) -> Answer {
        self.post(&format!("/bookings/{booking}/cancel"), json!({})).await
    }

    /// A request to be changed further and sent with [`send`].
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

/// Sends a request and reads the answer, which must be one that the API document knows.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let (http, request) = request.build_split();
    let request = request.unwrap();
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    let response = http.execute(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap().to_vec();
    if let Some(complaint) = CONTRACT.complaint(&method, &path, status, &headers, &bytes) {
        panic!("not as the API document says: {complaint}");
    }
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer { status, headers, body, bytes }
}

impl Answer {
    /// A text member of the body.
    pub(crate) fn text(&self, member: &str) -> String {
        self.body[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.body)).to_owned()
    }

    /// A header, which must be there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).to_str().unwrap()
    }

    /// Asserts that this is a well-formed problem with that status and code.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["type"], format!("/problems/{code}"));
        assert_eq!(self.body["status"], status);
        assert!(self.body["title"].is_string());
    }

    /// The fields that the answer complains about.
    pub(crate) fn bad_fields(&self) -> Vec<&str> {
        self.body["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect()
    }
}
