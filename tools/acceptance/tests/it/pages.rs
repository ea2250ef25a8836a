//! The pages, as a browser without scripts uses them. What people see is looked at by `tools/browser`.

use std::time::Duration;

use accounts::{sessions::Session, tokens::Tokens};
use axum::Extension;
use domain::{email::Email, id::UserId, user::User};
use http_api::client_address::ByTls;
use jiff::{SignedDuration, Timestamp};
use local::{
    serve::{self, Limits},
    template::{Routes, Template},
};
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;

use crate::common::{
    ADMIN_EMAIL, ADMIN_PASSWORD, JWT_SECRET, PASSWORD, TestApp,
    browser::{Browser, Page},
    in_hours, permissions,
};

/// Holds places of an event by its page; answers with the page of the hold.
async fn hold(browser: &mut Browser, event: &str, quantity: &str) -> Page {
    let page = browser.get(&format!("/shop/events/{event}")).await;
    let key = page.field("key").unwrap();
    browser.submit(&format!("/shop/events/{event}/book"), &[("quantity", quantity), ("key", &key)]).await
}

fn available(page: &Page) -> String {
    page.text()
        .split(" left")
        .next()
        .unwrap()
        .rsplit_once(' ')
        .unwrap()
        .0
        .rsplit_once(' ')
        .unwrap()
        .1
        .to_owned()
}

#[tokio::test]
async fn somebody_new_buys_two_places_and_cancels_them_without_scripts() {
    let evently = TestApp::start().await;
    let event = evently.event_with(json!({ "name": "Night <of> Stars", "base_price": 4_550 })).await;
    let mut ada = Browser::new(&evently);
    let shown = ada.get(&format!("/shop/events/{event}")).await;
    shown.says("Night &lt;of&gt; Stars");
    shown.says("45.50 EUR a place · 100 places left");

    // Who is not signed in is led to that, and back, with what was chosen.
    let led = hold(&mut ada, &event, "2").await;
    let sign_in = led.leads_to().unwrap().to_owned();
    assert!(sign_in.starts_with("/shop/sign-in?next=%2Fshop%2Fevents%2F"), "{sign_in}");
    let page = ada.get(&sign_in).await;
    let next = page.field("next").unwrap();
    let fields = [("email", "ada@example.com"), ("password", PASSWORD), ("name", "Ada"), ("next", &next)];
    let registered = ada.submit("/shop/register", &fields).await;
    assert_eq!(registered.leads_to(), Some(format!("/shop/events/{event}?quantity=2").as_str()));
    let back = ada.follow(registered).await;
    back.says("Welcome. You are registered, and signed in.");
    assert!(back.html.contains("<option value=\"2\" selected>"), "{}", back.html);

    let held = hold(&mut ada, &event, "2").await;
    let hold = held.leads_to().unwrap().to_owned();
    let page = ada.follow(held).await;
    page.says("91.00 EUR (2 × 45.50 EUR)");
    page.says("Yours alone for");
    ada.get("/shop/holds").await.says("2 places, 91.00 EUR");
    let confirmed = ada.submit(&format!("{hold}/confirm"), &[]).await;
    let booking = confirmed.leads_to().unwrap().to_owned();
    let page = ada.follow(confirmed).await;
    page.says("Booked: 2 places of Night &lt;of&gt; Stars.");
    ada.get("/shop/bookings").await.says("2 places · Booked");
    // What it was led to once is not said again.
    assert!(!ada.get(&booking).await.text().contains("Booked: 2 places"));
    assert_eq!(ada.get(&hold).await.leads_to(), Some(booking.as_str()));
    assert_eq!(available(&ada.get(&format!("/shop/events/{event}")).await), "98");

    let cancelled = ada.submit(&format!("{booking}/cancel"), &[]).await;
    ada.follow(cancelled).await.says("The booking is cancelled.");
    assert_eq!(available(&ada.get(&format!("/shop/events/{event}")).await), "100");
}

#[tokio::test]
async fn a_form_sent_twice_acts_once() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let page = ada.get(&format!("/shop/events/{event}")).await;
    let (key, book) = (page.field("key").unwrap(), format!("/shop/events/{event}/book"));
    let fields = [("quantity", "3"), ("key", key.as_str())];
    let (mut one, mut two) = (ada.clone(), ada.clone());
    let (first, second) = tokio::join!(one.submit(&book, &fields), two.submit(&book, &fields));
    assert_eq!(first.leads_to(), second.leads_to());
    let hold = first.leads_to().unwrap().to_owned();
    assert!(hold.starts_with("/shop/holds/"), "{}", first.html);
    assert_eq!(available(&ada.get(&format!("/shop/events/{event}")).await), "7");

    let confirm = format!("{hold}/confirm");
    let (first, second) = tokio::join!(one.submit(&confirm, &[]), two.submit(&confirm, &[]));
    assert_eq!(first.leads_to(), second.leads_to());
    assert_eq!(available(&ada.get(&format!("/shop/events/{event}")).await), "7");
    // Back at the event's page, whose key is that of what became a booking: it leads there.
    let again = ada.submit(&book, &fields).await;
    assert_eq!(again.leads_to(), first.leads_to());
    assert_eq!(evently.user().get(&format!("/events/{event}")).await.body["available"], 7);

    // What was given back is not had again by the same form, and that is said.
    let page = ada.get(&format!("/shop/events/{event}")).await;
    let fields = [("quantity", "1"), ("key", &page.field("key").unwrap())];
    let held = ada.submit(&book, &fields).await;
    let released = ada.submit(&format!("{}/release", held.leads_to().unwrap()), &[]).await;
    ada.follow(released).await.says("You gave these places back.");
    let again = ada.submit(&book, &fields).await;
    ada.follow(again).await.says("You held 1 place before");
}

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
async fn forms_say_beside_each_field_what_is_wrong_and_keep_what_was_typed_but_no_password() {
    let evently = TestApp::start().await;
    let mut ada = Browser::new(&evently);
    let refused = ada
        .submit("/shop/register", &[("email", "ada <at> example"), ("password", "short"), ("name", "\u{1}")])
        .await;
    assert_eq!(refused.status, 422);
    refused.says("Email must be");
    refused.says("Password must have");
    refused.says("Name must");
    assert!(refused.html.contains("value=\"ada &lt;at&gt; example\""), "{}", refused.html);
    assert!(!refused.html.contains("short"), "a password came back");
    assert_eq!(refused.html.matches("aria-invalid=\"true\"").count(), 3);

    ada.register("ada@example.com").await;
    let taken = Browser::new(&evently)
        .submit("/shop/register", &[("email", "ada@example.com"), ("password", "another password")])
        .await;
    assert_eq!(taken.status, 422);
    taken.says("This address has an account.");
    let wrong = Browser::new(&evently)
        .submit("/shop/sign-in", &[("email", "ada@example.com"), ("password", "wrong")])
        .await;
    assert_eq!(wrong.status, 422);
    wrong.says("The email address or the password is wrong.");
    let empty = Browser::new(&evently).submit("/shop/sign-in", &[]).await;
    empty.says("Email is missing.");

    ada.get("/shop/account").await;
    let wrong = ada
        .submit("/shop/account/password", &[("current_password", PASSWORD), ("new_password", "password")])
        .await;
    assert_eq!(wrong.status, 422);
    wrong.says("New password must");
    let wrong = ada
        .submit(
            "/shop/account/password",
            &[("current_password", "no"), ("new_password", "four quiet bicycles")],
        )
        .await;
    wrong.says("The password is wrong.");
    let event = evently.event(10).await;
    for quantity in ["0", "51", "-1", "two", ""] {
        let page = ada.get(&format!("/shop/events/{event}")).await;
        let fields = [("quantity", quantity), ("key", &page.field("key").unwrap())];
        let refused = ada.submit(&format!("/shop/events/{event}/book"), &fields).await;
        ada.follow(refused).await.says("Choose how many places you want.");
    }
}

#[tokio::test]
async fn an_account_is_renamed_and_erased() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    ada.get("/shop/account").await;
    let renamed = ada.submit("/shop/account/name", &[("name", "Ada & Co")]).await;
    let page = ada.follow(renamed).await;
    assert!(page.html.contains("value=\"Ada &amp; Co\""), "{}", page.html);
    let unnamed = ada.submit("/shop/account/name", &[("name", "")]).await;
    assert!(!ada.follow(unnamed).await.html.contains("Ada &amp; Co"));

    hold(&mut ada, &event, "1").await;
    ada.get("/shop/account").await;
    let refused = ada.submit("/shop/account/erase", &[("password", PASSWORD)]).await;
    refused.says("You still have places.");
    let holds = ada.get("/shop/holds").await;
    let (_, rest) = holds.html.split_once("href=\"/shop/holds/").unwrap();
    let one = rest.split('"').next().unwrap();
    ada.get(&format!("/shop/holds/{one}")).await;
    ada.submit(&format!("/shop/holds/{one}/release"), &[]).await;
    ada.get("/shop/account").await;
    ada.submit("/shop/account/erase", &[("password", "wrong")]).await.says("The password is wrong.");
    let erased = ada.submit("/shop/account/erase", &[("password", PASSWORD)]).await;
    assert_eq!(erased.leads_to(), Some("/"));
    let wrong = Browser::new(&evently)
        .submit("/shop/sign-in", &[("email", "ada@example.com"), ("password", PASSWORD)])
        .await;
    assert_eq!(wrong.status, 422);
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
async fn an_event_says_whether_it_can_be_had_and_why_not() {
    let evently = TestApp::start().await;
    let mut ada = Browser::new(&evently);
    let (soon, later) = (in_hours(24 * 10), in_hours(24 * 20));
    for (changes, says) in [
        (json!({ "sales_open_at": soon, "sales_close_at": later }), "On sale from"),
        (json!({ "base_price": 0 }), "free a place · 100 places left"),
        (json!({ "capacity": 1 }), "1 place left"),
    ] {
        let event = evently.event_with(changes).await;
        ada.get(&format!("/shop/events/{event}")).await.says(says);
    }
    let event = evently.event(1).await;
    evently.user().buy(&event, 1).await;
    let gone = ada.get(&format!("/shop/events/{event}")).await;
    gone.says("Sold out for now");
    assert_eq!(gone.field("key"), None, "nothing can be held");
    let path = format!("/admin/events/{event}");
    assert_eq!(evently.admin().patch(&path, "*", json!({ "status": "cancelled" })).await.status, 200);
    ada.get(&format!("/shop/events/{event}")).await.says("Cancelled");
    let over = evently.event_created(48, |details| {
        details.starts_at = Timestamp::now() - SignedDuration::from_hours(1);
    });
    ada.get(&format!("/shop/events/{}", over.await)).await.says("Sales are over");
    let draft = evently.event_with(json!({ "status": "draft" })).await;
    for unknown in [
        format!("/shop/events/{draft}"),
        "/shop/events/1".into(),
        format!("/shop/events/{draft}/availability"),
    ] {
        let page = ada.get(&unknown).await;
        assert_eq!(page.status, 404, "{unknown}");
        page.says("There is no such event");
    }
}

#[tokio::test]
async fn refusals_say_what_to_do_next() {
    let evently = TestApp::start().await;
    let event = evently.event_with(json!({ "capacity": 3, "max_per_user": 2 })).await;
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let page = ada.get(&format!("/shop/events/{event}")).await;
    let (key, book) = (page.field("key").unwrap(), format!("/shop/events/{event}/book"));
    let refused = ada.submit(&book, &[("quantity", "3"), ("key", &key)]).await;
    ada.follow(refused).await.says("You can have 2 places more of this event.");
    let ben = evently.user();
    ben.hold(&event, 2).await;
    let refused = hold(&mut ada, &event, "2").await;
    ada.follow(refused).await.says("Some may come back from");
    let held = hold(&mut ada, &event, "1").await;
    let hold_path = held.leads_to().unwrap().to_owned();
    assert_eq!(
        evently
            .admin()
            .patch(&format!("/admin/events/{event}"), "*", json!({ "status": "cancelled" }))
            .await
            .status,
        200
    );
    ada.follow(held).await;
    let refused = ada.submit(&format!("{hold_path}/confirm"), &[]).await;
    ada.follow(refused).await.says("Not on sale.");
    let mut eve = Browser::new(&evently);
    eve.register("eve@example.com").await;
    let of_ada = eve.get(&hold_path).await;
    assert_eq!(of_ada.status, 404);
    of_ada.says("It is not yours");
}

#[tokio::test]
async fn after_an_unknown_outcome_the_same_form_is_shown_again() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let key = "0199a0c0-0000-7000-8000-000000000001";
    let again = ada.get(&format!("/shop/events/{event}?quantity=2&key={key}")).await;
    assert_eq!(again.field("key").as_deref(), Some(key));
    let bad = ada.get(&format!("/shop/events/{event}?key=%22%3E")).await.field("key").unwrap();
    assert_eq!(bad.len(), key.len());
    assert_ne!(bad, key);
    // What a page said once, an error page says no more than once, too.
    ada.submit(&format!("/shop/events/{event}/book"), &[("quantity", "0"), ("key", key)]).await;
    ada.get("/shop/nowhere").await.says("Choose how many places you want.");
    assert!(!ada.get("/shop/nowhere").await.text().contains("Choose how many"));
}

#[tokio::test]
async fn a_hold_that_ran_out_leads_back_to_its_event() {
    let evently = TestApp::with(|config| config.hold_ttl_ms = 300).await;
    let event = evently.event(10).await;
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let held = hold(&mut ada, &event, "1").await;
    let hold_path = held.leads_to().unwrap().to_owned();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let late = ada.submit(&format!("{hold_path}/confirm"), &[]).await;
    assert_eq!(late.leads_to(), Some(format!("/shop/events/{event}").as_str()));
    ada.follow(late).await.says("Your time ran out.");
}

#[tokio::test]
async fn coming_events_are_found_and_paged_through() {
    let evently = TestApp::start().await;
    let mut anybody = Browser::new(&evently);
    anybody.get("/").await.says("No events are on sale yet.");
    for number in 1..=23 {
        let starts_at = format!("2031-06-{number:02}T20:00:00Z");
        evently.event_with(json!({ "name": format!("Évening {number}"), "starts_at": starts_at })).await;
    }
    let first = anybody.get("/?q=evening&utm_source=mail").await;
    assert_eq!(first.html.matches("<li class=\"card\">").count(), 20);
    let (_, rest) = first.html.split_once("rel=\"next\" href=\"").unwrap();
    let next = rest.split('"').next().unwrap().replace("&amp;", "&");
    let second = anybody.get(&next).await;
    assert_eq!(second.html.matches("<li class=\"card\">").count(), 3);
    second.says("First page");
    assert_eq!(anybody.get(&next.replace("q=evening", "q=other")).await.status, 400);

    let day = anybody.get("/?from=2031-06-05&to=2031-06-05").await;
    assert_eq!(day.html.matches("<li class=\"card\">").count(), 1);
    day.says("Évening 5");
    anybody.get("/?q=nowhere").await.says("Nothing matches.");
    let bad = anybody.get("/?from=soon&q=%22%3E%3Cscript%3E").await;
    bad.says("Write a day like 2031-06-12.");
    assert!(!bad.html.contains("\"><script>"), "{}", bad.html);
}

#[tokio::test]
async fn what_is_left_is_asked_for_again_and_answered_without_a_body_while_it_is_the_same() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let mut anybody = Browser::new(&evently);
    let path = format!("/shop/events/{event}/availability");
    let part = anybody.get(&path).await;
    part.says("10 places left");
    assert!(part.html.starts_with("<p id=\"live\""), "{}", part.html);
    let tag = part.headers["etag"].to_str().unwrap().to_owned();
    let same = anybody.show(anybody.request(Method::GET, &path).header("if-none-match", &tag)).await;
    assert_eq!((same.status, same.html.len()), (304, 0));
    evently.user().buy(&event, 1).await;
    let changed = anybody.show(anybody.request(Method::GET, &path).header("if-none-match", &tag)).await;
    changed.says("9 places left");
}

#[tokio::test]
async fn every_page_and_every_refusal_is_a_page_that_nobody_frames_and_that_loads_nothing_from_elsewhere() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let held = hold(&mut ada, &event, "1").await;
    let id = held.leads_to().unwrap().rsplit_once('/').unwrap().1.to_owned();
    let booked = evently.event(10).await;
    let second = hold(&mut ada, &booked, "1").await;
    ada.follow(second).await;
    let booking = ada.get("/shop/bookings").await.html;
    assert!(!booking.contains("<script>"), "{booking}");
    for path in
        web::PAGES.iter().copied().chain(["/shop/nowhere", "/shop/assets/nothing.css", "/shop/bookings/1"])
    {
        let id = if path.contains("events") { &event } else { &id };
        let page = ada.get(&path.replace("{id}", id)).await;
        let csp = page.headers["content-security-policy"].to_str().unwrap();
        assert!(
            csp.starts_with("default-src 'none'; ") && csp.contains("frame-ancestors 'none'"),
            "{path}: {csp}"
        );
        assert!(!csp.contains("unsafe") && !csp.contains('*'), "{path}: {csp}");
        assert_eq!(page.headers["referrer-policy"], "same-origin", "{path}");
        assert_eq!(page.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(page.headers["cache-control"], "no-store", "{path}");
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8", "{path}");
        for attribute in ["src=\"http", "href=\"http", "style=\"", "onclick", "<style"] {
            assert!(!page.html.contains(attribute), "{path} has {attribute}");
        }
        assert!(page.html.len() < 50 * 1024, "{path}: {} bytes", page.html.len());
    }
    let wrong_method = ada.request(Method::DELETE, "/").header("origin", format!("http://{}", ada.host));
    let refused = ada.show(wrong_method).await;
    assert_eq!((refused.status, &refused.headers["allow"]), (405, &"GET,HEAD".parse().unwrap()));
    let seen = ada.get(&format!("/shop/events/{event}/book")).await;
    assert_eq!((seen.status, &seen.headers["allow"]), (405, &"POST".parse().unwrap()));
    seen.says("This address only takes what a form sends.");
    assert_eq!(ada.get("/shop").await.leads_to(), Some("/"));
}

#[tokio::test]
async fn files_of_pages_are_kept_for_ever_under_names_that_change_with_them() {
    let evently = TestApp::start().await;
    let mut anybody = Browser::new(&evently);
    let html = anybody.get("/").await.html;
    let files: Vec<_> = html.split('"').filter(|part| part.starts_with("/shop/assets/")).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        let got = anybody.get(file).await;
        assert_eq!(got.status, 200, "{file}");
        assert_eq!(got.headers["cache-control"], "public, max-age=31536000, immutable", "{file}");
    }
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

#[test]
fn the_template_sends_every_page_to_this_function_and_it_has_them_all() {
    let template = Template::embedded().unwrap();
    let routes = Routes::of(&template, |route| Some(route.function.clone())).unwrap();
    for path in web::PAGES.iter().copied().chain(["/shop", "/shop/nowhere/at/all"]) {
        assert_eq!(routes.at(path), "web", "{path}");
    }
    let sent: Vec<_> =
        template.routes().iter().filter(|route| route.function == "web").map(|route| route.key()).collect();
    assert_eq!(sent, ["ANY /", "ANY /shop", "ANY /shop/{proxy+}"]);
}
