//! Choosing seats on the pages.

use crate::{
    common::{TestApp, browser::Browser},
    seats::theatre_event,
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
    let ticked: Vec<&str> = lost
        .html
        .split("<input type=\"checkbox\"")
        .skip(1)
        .filter(|input| input.split('>').next().unwrap().contains(" checked"))
        .map(|input| input.split("value=\"").nth(1).unwrap().split('"').next().unwrap())
        .collect();
    assert_eq!(ticked, ["A-2", "A-3"], "free neighbours, as near as there are");
    assert_eq!(lost.html.matches(" disabled").count(), 2);
    let again =
        [("seat.1", "A-2"), ("seat.2", "A-3"), ("area", "balcony"), ("key", &lost.field("key").unwrap())];
    let held = bob.submit(&book, &again).await;
    bob.follow(held).await.says("A-2, A-3");
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
