//! Signing in, sessions, and what keeps others out.

use accounts::{sessions::Session, tokens::Tokens};
use axum::Extension;
use domain::{email::Email, id::UserId, user::User};
use http_api::client_address::ByTls;
use jiff::{SignedDuration, Timestamp};
use local::serve::{self, Limits};
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::common::{ADMIN_EMAIL, ADMIN_PASSWORD, JWT_SECRET, PASSWORD, TestApp, permissions};

#[tokio::test]
async fn forms_from_elsewhere_and_of_other_sessions_do_nothing() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let (mut ada, mut ben) = (Browser::new(&evently), Browser::new(&evently));
    ada.register("ada@example.com").await;
    ben.register("ben@example.com").await;
    let page = ada.get(&format!("/shop/events/{event}")).await;
    let of_ben = ben.get("/").await;
    let (token, key) = (page.field("form_token").unwrap(), page.field("key").unwrap());
    let path = format!("/shop/events/{event}/book");
    let own = format!("http://{}", ada.host);
    let with = |token: &str| format!("quantity=1&key={key}&form_token={token}");
    for (headers, body) in [
        (vec![("origin", "https://evil.example")], with(&token)),
        (vec![("origin", "null")], with(&token)),
        (vec![("sec-fetch-site", "cross-site")], with(&token)),
        (vec![], with(&token)),
        (vec![("origin", own.as_str())], with(&of_ben.field("form_token").unwrap())),
        (vec![("origin", own.as_str())], with("")),
        (vec![("origin", own.as_str())], format!("quantity=1&key={key}")),
    ] {
        let mut request = ada.request(Method::POST, &path);
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.clone());
        let refused = ada.show(request).await;
        assert_eq!(refused.status, 403, "{headers:?} {body}");
        assert!(refused.html.starts_with("<!DOCTYPE html>"), "{}", refused.html);
    }
    // Nobody is signed in by another site, either.
    let mut eve = Browser::new(&evently);
    let fields = format!("email=ada%40example.com&password={}", PASSWORD.replace(' ', "+"));
    let request = eve.request(Method::POST, "/shop/sign-in").header("origin", "https://evil.example");
    let refused =
        eve.show(request.header("content-type", "application/x-www-form-urlencoded").body(fields)).await;
    assert_eq!((refused.status, eve.cookies.len()), (403, 0));
    assert_eq!(available(&ada.get(&format!("/shop/events/{event}")).await), "10");
    ada.get("/shop/holds").await.says("You hold no places right now.");
}

#[tokio::test]
async fn the_cookie_opens_no_api_and_a_token_opens_no_page() {
    let evently = TestApp::start().await;
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let api = ada.show(ada.request(Method::GET, "/bookings")).await;
    assert_eq!(api.status, 401, "{}", api.html);
    let session = ada.cookies["evently"].clone();
    let api = ada.show(ada.request(Method::GET, "/bookings").bearer_auth(&session)).await;
    assert_eq!(api.status, 401, "{}", api.html);

    let token = evently.user().token.unwrap();
    let mut anybody = Browser::new(&evently);
    let page = anybody.show(anybody.request(Method::GET, "/shop/bookings").bearer_auth(&token)).await;
    assert_eq!(page.leads_to(), Some("/shop/sign-in?next=%2Fshop%2Fbookings"));
    // Nor is an access token a session.
    anybody.cookies.insert("evently".to_owned(), token);
    assert_eq!(anybody.get("/shop/bookings").await.status, 303);
}

#[tokio::test]
async fn over_tls_the_cookie_is_bound_to_the_host_and_over_plain_http_nobody_signs_in_from_elsewhere() {
    let evently = TestApp::start().await;
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    let mut here = Browser::new(&evently);
    let signed_in = here.submit("/shop/sign-in", &fields).await;
    let [cookie] = signed_in.cookies_set()[..] else { panic!("{:?}", signed_in.cookies_set()) };
    assert!(
        cookie.starts_with("evently=") && cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=43200"),
        "{cookie}"
    );

    let by_tls = permissions::service(&evently.app).layer(Extension(ByTls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = local::api::with_peers(by_tls);
    tokio::spawn(serve::serve(listener, service, Limits::default(), std::future::pending()));
    let mut there = Browser::at(&format!("http://{address}"));
    there.host = "shop.example".to_owned();
    let signed_in = there.submit("/shop/sign-in", &fields).await;
    let [cookie] = signed_in.cookies_set()[..] else { panic!("{:?}", signed_in.cookies_set()) };
    assert!(cookie.starts_with("__Host-evently=") && cookie.contains("; Secure; "), "{cookie}");
    assert_eq!(there.get("/shop/bookings").await.status, 200);

    let mut overheard = Browser::new(&evently);
    overheard.host = "shop.example".to_owned();
    let refused = overheard.submit("/shop/sign-in", &fields).await;
    assert_eq!((refused.status, refused.cookies_set().len()), (403, 0));
    refused.says("This page came over plain HTTP");
}

/// The cookie of a session whose access token was got so many minutes ago.
fn session_of(user: &User, minutes_ago: i64, hours_old: i64) -> String {
    let tokens = Tokens::new(&JWT_SECRET.into(), None);
    let now = Timestamp::now();
    let token = tokens.issue_access(user, now - SignedDuration::from_mins(minutes_ago)).unwrap();
    tokens.seal_session(&Session::new(token, now - SignedDuration::from_hours(hours_old))).unwrap()
}

#[tokio::test]
async fn a_session_is_renewed_while_it_is_used_unless_the_account_changed_and_ends_after_half_a_day() {
    let evently = TestApp::start().await;
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let email = Email::parse("ada@example.com").unwrap();
    let user = evently.app.store.user_by_email(&email).await.unwrap().unwrap();

    ada.cookies.insert("evently".to_owned(), session_of(&user, 29, 1));
    assert!(ada.get("/").await.cookies_set().is_empty(), "renewed too early");
    ada.cookies.insert("evently".to_owned(), session_of(&user, 31, 1));
    let renewed = ada.get("/").await;
    let [cookie] = renewed.cookies_set()[..] else { panic!("{:?}", renewed.cookies_set()) };
    let seconds: i64 = cookie.rsplit_once('=').unwrap().1.parse().unwrap();
    assert!((39_590..=39_600).contains(&seconds), "{cookie}");
    assert!(ada.get("/").await.cookies_set().is_empty());
    assert_eq!(ada.get("/shop/bookings").await.status, 200);

    // After half a day it is over, however lately it was used; and so it is after an hour without use.
    for (minutes_ago, hours_old) in [(1, 12), (61, 2)] {
        ada.cookies.insert("evently".to_owned(), session_of(&user, minutes_ago, hours_old));
        assert_eq!(ada.get("/shop/bookings").await.status, 303, "{minutes_ago} {hours_old}");
    }

    // Of an account with another password by now, nothing is renewed; nor of one that is gone.
    let older = User { password_version: 0, ..user.clone() };
    let newer = User { password_version: 1, ..user };
    ada.cookies.insert("evently".to_owned(), session_of(&older, 0, 0));
    ada.get("/shop/account").await;
    let fields = [("current_password", PASSWORD), ("new_password", "battery horse correct")];
    let changed = ada.submit("/shop/account/password", &fields).await;
    assert_eq!(changed.leads_to(), Some("/shop/sign-in"), "{}", changed.html);
    assert!(!ada.cookies.contains_key("evently"));
    ada.cookies.insert("evently".to_owned(), session_of(&older, 31, 1));
    assert!(ada.get("/").await.cookies_set().iter().all(|cookie| !cookie.starts_with("evently=")));
    let ended = ada.get("/shop/bookings").await;
    assert_eq!(ended.status, 303);
    assert!(!ada.cookies.contains_key("evently"), "the ended session is forgotten");
    ada.cookies.insert("evently".to_owned(), session_of(&newer, 31, 1));
    assert_eq!(ada.get("/").await.cookies_set().len(), 1, "of the present password it is renewed");
    let nobody = User { id: UserId::new(), email: Email::parse("nobody@example.com").unwrap(), ..newer };
    ada.cookies.insert("evently".to_owned(), session_of(&nobody, 31, 1));
    assert!(ada.get("/").await.cookies_set().is_empty());
}

#[tokio::test]
async fn signing_out_ends_the_session_here_and_the_admin_signs_in_as_everybody_does() {
    let evently = TestApp::start().await;
    let mut admin = Browser::new(&evently);
    let signed_in =
        admin.submit("/shop/sign-in", &[("email", ADMIN_EMAIL), ("password", ADMIN_PASSWORD)]).await;
    assert_eq!(signed_in.leads_to(), Some("/"));
    admin.open("/shop/account").await.says(ADMIN_EMAIL);
    let out = admin.submit("/shop/sign-out", &[]).await;
    admin.follow(out).await.says("You are signed out.");
    assert!(admin.cookies.is_empty(), "{:?}", admin.cookies);
    assert_eq!(admin.get("/shop/account").await.status, 303);
}

#[tokio::test]
async fn pages_count_in_the_budgets_of_the_api_by_user() {
    let evently = TestApp::with(|config| config.rate_limits.reads_per_minute = 5).await;
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let token =
        evently.anybody().post("/login", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    let api = evently.anybody().with_token(token.text("access_token"));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(api.get("/bookings").await.status);
        statuses.push(ada.get("/shop/bookings").await.status);
    }
    assert!(statuses.contains(&200), "{statuses:?}");
    let limited = ada.get("/shop/bookings").await;
    assert_eq!(limited.status, 429, "{statuses:?}");
    limited.says("A little slower, please");
    assert!(limited.headers.contains_key("retry-after"));
}
