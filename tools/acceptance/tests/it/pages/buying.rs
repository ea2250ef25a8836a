//! Buying by the pages.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::common::{PASSWORD, TestApp};

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
