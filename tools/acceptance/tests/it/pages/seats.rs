//! Choosing seats on the pages.

use serde_json::json;

use crate::{
    common::{
        TestApp,
        browser::{Browser, Page},
    },
    seats::{event_of, theatre_event},
};

#[tokio::test]
async fn two_choose_the_same_seats_and_the_one_who_loses_is_told_and_shown_free_neighbours() {
    let evently = TestApp::start().await;
    let event = theatre_event(&evently).await;
    let (mut ada, mut bob) = (Browser::new(&evently), Browser::new(&evently));
    ada.register("ada@example.com").await;
    bob.register("bob@example.com").await;
    let shown = ada.get(&format!("/shop/events/{event}")).await;
    assert!(shown.html.contains(&format!("/shop/events/{event}/seats?area=balcony")), "{}", shown.html);
    let path = format!("/shop/events/{event}/seats?area=balcony");
    let mut keys = Vec::new();
    for browser in [&mut ada, &mut bob] {
        let plan = browser.get(&path).await;
        plan.says("Row A");
        assert_eq!(plan.html.matches("type=\"checkbox\"").count(), 25, "{}", plan.html);
        assert!(!plan.html.contains("disabled"));
        keys.push(plan.field("key").unwrap());
    }
    let book = format!("/shop/events/{event}/book");
    let chosen = |key: &str| -> Vec<(String, String)> {
        [("seat.3", "A-4"), ("seat.4", "A-5"), ("area", "balcony"), ("key", key)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    };
    fn as_fields(fields: &[(String, String)]) -> Vec<(&str, &str)> {
        fields.iter().map(|(name, value)| (&**name, &**value)).collect()
    }
    let held = ada.submit(&book, &as_fields(&chosen(&keys[0]))).await;
    let held = ada.follow(held).await;
    held.says("Held for you");
    held.says("A-4, A-5");
    let lost = bob.submit(&book, &as_fields(&chosen(&keys[1]))).await;
    let lost = bob.follow(lost).await;
    lost.says("Somebody else has A-4, A-5 or holds them right now. Choose others.");
    assert_eq!(ticked(&lost), ["A-2", "A-3"], "free neighbours, as near as there are");
    assert_eq!(lost.html.matches(" disabled").count(), 2);
    let again =
        [("seat.1", "A-2"), ("seat.2", "A-3"), ("area", "balcony"), ("key", &lost.field("key").unwrap())];
    let held = bob.submit(&book, &again).await;
    bob.follow(held).await.says("A-2, A-3");
}

/// Which seats are ticked, in the order in which they stand.
fn ticked(page: &Page) -> Vec<String> {
    let boxes = page.html.split("<input type=\"checkbox\"").skip(1);
    let checked = boxes.filter(|input| input.split('>').next().unwrap().contains(" checked"));
    let value = |input: &str| input.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    checked.map(value).collect()
}

/// Where a link of these words leads to.
fn link(page: &Page, words: &str) -> String {
    let (before, _) =
        page.html.split_once(&format!(">{words}</a>")).unwrap_or_else(|| panic!("{}", page.html));
    let (_, href) = before.rsplit_once("href=\"").unwrap();
    href.split('"').next().unwrap().replace("&amp;", "&")
}

#[tokio::test]
async fn ticks_come_along_to_other_rows_and_what_was_taken_meanwhile_is_told() {
    let evently = TestApp::start().await;
    let rows: Vec<_> = ["A", "B", "C"].map(|name| json!({ "name": name, "seats": 200 })).to_vec();
    let hall = json!([{ "id": "hall", "name": "Hall", "base_price": 100, "rows": rows }]);
    let event = event_of(&evently, hall, json!({ "max_per_booking": 4 })).await;
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let page = ada.get(&format!("/shop/events/{event}/seats?area=hall")).await;
    page.says("Tick up to 4 places, in any rows.");
    let kept = ada
        .submit(
            &format!("/shop/events/{event}/seats"),
            &[("seat.2", "A-3"), ("seat.200", "B-1"), ("area", "hall"), ("key", "")],
        )
        .await;
    let page = ada.follow(kept).await;
    assert_eq!(ticked(&page), ["A-3", "B-1"]);
    let other = link(&page, "Row C");
    let page = ada.get(&other).await;
    page.says("In other rows");
    assert_eq!(ticked(&page), ["A-3", "B-1"]);
    assert_eq!(page.html.matches("type=\"checkbox\"").count(), 202);
    // Nothing ticked is nothing kept, and no failure.
    let nothing = ada.submit(&format!("/shop/events/{event}/seats"), &[("area", "hall")]).await;
    assert_eq!(ticked(&ada.follow(nothing).await), [""; 0]);

    let bob = evently.user();
    assert_eq!(bob.book_with(&event, json!({ "seats": ["A-3"] })).await.status, 201);
    let page = ada.get(&other).await;
    page.says("A-3 was taken by somebody else meanwhile.");
    assert_eq!(ticked(&page), ["B-1"]);
    let (key, fields) =
        (page.field("key").unwrap(), [("seat.200", "B-1"), ("seat.1", "C-2"), ("area", "hall")]);
    let held =
        ada.submit(&format!("/shop/events/{event}/book"), &[&fields[..], &[("key", &key)]].concat()).await;
    ada.follow(held).await.says("B-1, C-2");
}

#[tokio::test]
async fn seats_are_held_at_the_rates_that_somebody_says_and_the_rest_at_the_first() {
    let evently = TestApp::start().await;
    let hall =
        json!([{ "id": "hall", "name": "Hall", "base_price": 5_000, "rows": [{ "name": "A", "seats": 9 }] }]);
    let rates = json!([
        { "id": "full", "name": "Full price", "percent": 100 },
        { "id": "child", "name": "Up to 14", "percent": 50 },
    ]);
    let event = event_of(&evently, hall, json!({ "rates": rates })).await;
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let book = format!("/shop/events/{event}/book");
    let page = ada.get(&format!("/shop/events/{event}/seats")).await;
    page.says("Full price, 50.00 EUR a seat, unless you say otherwise:");
    page.says("Up to 14 25.00 EUR");
    let key = page.field("key").unwrap();
    let fields = |places| {
        [("seat.0", "A-1"), ("area", "hall"), ("rate.1", "child"), ("places.1", places), ("key", &*key)]
    };
    let refused = ada.submit(&book, &fields("2")).await;
    let refused = ada.follow(refused).await;
    refused.says("Tick more seats, or choose fewer.");
    assert_eq!(ticked(&refused), ["A-1"]);
    assert!(refused.html.contains("<option value=\"2\" selected"), "{}", refused.html);
    let held = ada.submit(&book, &[&fields("1")[..], &[("seat.1", "A-2")]].concat()).await;
    let held = ada.follow(held).await;
    held.says("1 × Full price, 1 × Up to 14");
    held.says("75.00 EUR");
}

#[tokio::test]
async fn a_large_hall_comes_in_parts_and_what_has_no_seats_has_no_plan() {
    let evently = TestApp::start().await;
    let rows: Vec<_> =
        (1..=100).map(|row| serde_json::json!({ "name": row.to_string(), "seats": 40 })).collect();
    let mut body = crate::common::concert(serde_json::json!({ "areas": [
        { "id": "hall", "name": "Hall", "base_price": 100, "rows": rows },
        { "id": "floor", "name": "Floor", "base_price": 100, "capacity": 5 },
    ] }));
    for of_one_area in ["capacity", "base_price"] {
        body.as_object_mut().unwrap().remove(of_one_area);
    }
    let created = evently.admin().post("/admin/events", body).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let event = created.text("id");
    let mut nobody = Browser::new(&evently);
    let first = nobody.get(&format!("/shop/events/{event}/seats")).await;
    assert_eq!(first.html.matches("type=\"checkbox\"").count(), 400);
    first.says("Rows 1 to 10");
    first.says("Rows 91 to 100");
    let last = nobody.get(&format!("/shop/events/{event}/seats?area=hall&row=95")).await;
    assert!(last.html.contains("value=\"100-40\"") && !last.html.contains("value=\"1-1\""));
    for other in ["?area=floor", "?area=balcony"] {
        assert_eq!(nobody.get(&format!("/shop/events/{event}/seats{other}")).await.status, 404, "{other}");
    }
    let plain = evently.event(5).await;
    assert_eq!(nobody.get(&format!("/shop/events/{plain}/seats")).await.status, 404);
}

#[tokio::test]
async fn a_seat_that_is_named_twice_is_held_once() {
    let evently = TestApp::start().await;
    let hall =
        json!([{ "id": "hall", "name": "Hall", "base_price": 100, "rows": [{ "name": "A", "seats": 9 }] }]);
    let event = event_of(&evently, hall, json!({})).await;
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let key = ada.get(&format!("/shop/events/{event}/seats")).await.field("key").unwrap();
    let twice = [("seat.0", "A-1"), ("seat.1", "A-1"), ("area", "hall"), ("key", &key)];
    let held = ada.submit(&format!("/shop/events/{event}/book"), &twice).await;
    let confirmed = ada.submit(&format!("{}/confirm", held.leads_to().unwrap()), &[]).await;
    ada.follow(confirmed).await.says("1.00 EUR");
    let inventory = evently.admin().get(&format!("/admin/events/{event}/inventory")).await.body;
    assert_eq!((&inventory["sold"], &inventory["drift"]), (&json!(1), &json!(0)), "{inventory}");
}
