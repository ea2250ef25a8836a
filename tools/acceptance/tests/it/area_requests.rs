//! Areas as admins name them and people ask for them: from the event's body to the booking, and what is refused.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use crate::{
    common::{Answer, Session, TestApp, browser::Browser, concert, in_hours, send},
    seats::{body, event_of},
};

/// How old a sum of areas may be in a list.
const SUM_AGE: Duration = Duration::from_millis(1_050);

fn hall() -> Value {
    json!([
        { "id": "floor", "name": "Floor", "capacity": 20, "base_price": 4_500 },
        { "id": "balcony", "name": "Balcony", "capacity": 9, "base_price": 6_501, "pricing": { "max_percent": 200 } },
        { "id": "box", "name": "Box", "capacity": 3, "base_price": 900 },
    ])
}

async fn book(user: &Session, event: &str, key: &str, wanted: Value) -> Answer {
    let request = user.request(Method::POST, &format!("/events/{event}/book"));
    send(request.header("Idempotency-Key", key).json(&wanted)).await
}

/// Holds and confirms places of an area.
async fn buy(user: &Session, event: &str, area: &str, quantity: u32) -> String {
    let key = uuid::Uuid::now_v7().to_string();
    let held = book(user, event, &key, json!({ "area": area, "quantity": quantity })).await;
    assert_eq!(held.status, 201, "{}", held.body);
    let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
    assert_eq!(user.confirm(&id).await.status, 201);
    id
}

fn by_area(event: &Value, field: &str) -> Vec<Value> {
    event["areas"].as_array().unwrap().iter().map(|area| area[field].clone()).collect()
}

#[tokio::test]
async fn places_of_an_area_are_held_and_booked_at_its_price_and_each_shows_what_is_left() {
    let evently = TestApp::start().await;
    let event = event_of(&evently, hall(), json!({})).await;
    let (path, ada) = (format!("/events/{event}"), evently.user());
    let shown = evently.anybody().get(&path).await.body;
    assert_eq!(
        (&shown["capacity"], &shown["available"], &shown["pricing"]),
        (&json!(32), &json!(32), &Value::Null)
    );
    assert_eq!((&shown["base_price"], &shown["price"]), (&json!(900), &json!(900)));
    assert_eq!(
        shown["areas"][1],
        json!({ "id": "balcony", "name": "Balcony", "kind": "general", "capacity": 9, "available": 9, "base_price": 6_501,
            "price": 6_501, "pricing": { "min_percent": 80, "max_percent": 200 }, "no_single_seats": false })
    );

    let wanted = json!({ "area": "balcony", "quantity": 4 });
    let held = book(&ada, &event, "a", wanted.clone()).await;
    assert_eq!(held.status, 201, "{}", held.body);
    let is_of_balcony = |of: &Value| {
        assert_eq!((&of["area"], &of["area_name"]), (&json!("balcony"), &json!("Balcony")), "{of}");
        assert_eq!((&of["unit_price"], &of["total"]), (&json!(6_501), &json!(4 * 6_501)), "{of}");
    };
    is_of_balcony(&held.body["reservation"]);
    let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
    let again = book(&ada, &event, "a", wanted).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    is_of_balcony(&again.body["reservation"]);
    is_of_balcony(&ada.get(&format!("/reservations/{id}")).await.body["reservation"]);
    is_of_balcony(&ada.get("/reservations").await.body["items"][0]);
    // Live, whenever somebody looks.
    let anybody = evently.anybody();
    assert_eq!(by_area(&anybody.get(&path).await.body, "available"), [20, 5, 3]);

    is_of_balcony(&ada.confirm(&id).await.body["booking"]);
    is_of_balcony(&ada.get(&format!("/bookings/{id}")).await.body["booking"]);
    is_of_balcony(&ada.get("/bookings").await.body["items"][0]);
    let admin = evently.admin();
    is_of_balcony(&admin.get(&format!("/admin/events/{event}/bookings")).await.body["items"][0]);
    for list in ["/bookings?format=csv".to_owned(), format!("/admin/events/{event}/bookings?format=csv")] {
        let by = if list.starts_with("/admin") { &admin } else { &ada };
        let csv = String::from_utf8(by.get(&list).await.bytes).unwrap();
        assert!(csv.contains(",balcony,Balcony"), "{csv}");
    }
    is_of_balcony(&ada.cancel(&id).await.body["booking"]);
    assert_eq!(by_area(&anybody.get(&path).await.body, "available"), [20, 9, 3]);
}

#[tokio::test]
async fn the_price_of_an_event_is_the_lowest_of_what_is_left() {
    let evently = TestApp::start().await;
    let event = event_of(&evently, hall(), json!({ "max_per_user": 40 })).await;
    let (path, ada, anybody) = (format!("/events/{event}"), evently.user(), evently.anybody());
    let prices =
        |event: &Value| [event["base_price"].clone(), event["price"].clone(), event["available"].clone()];
    let listed = async || {
        sleep(SUM_AGE).await;
        let list = anybody.get("/events?limit=100").await.body;
        let found =
            list["items"].as_array().unwrap().iter().find(|item| item["id"] == event).unwrap().clone();
        assert!(found.get("areas").is_none(), "{found}");
        found
    };
    for (area, quantity, expected) in [
        ("box", 3, [4_500, 4_500, 29]),
        ("floor", 10, [4_500, 4_500, 19]),
        ("floor", 10, [6_501, 6_501, 9]),
        ("balcony", 9, [900, 900, 0]),
    ] {
        buy(&ada, &event, area, quantity).await;
        assert_eq!(prices(&anybody.get(&path).await.body), expected, "{area}");
        assert_eq!(prices(&listed().await), expected, "{area}, in the list");
    }
}

#[tokio::test]
async fn an_area_is_asked_for_by_its_id_where_there_are_several() {
    let evently = TestApp::start().await;
    let (event, plain) = (event_of(&evently, hall(), json!({})).await, evently.event(10).await);
    let ada = evently.user();
    for (event, wanted, code, area) in [
        (&event, json!({}), "area_required", Value::Null),
        (&event, json!({ "quantity": 2, "area": null }), "area_required", Value::Null),
        (&event, json!({ "area": "gallery" }), "unknown_area", json!("gallery")),
        (&event, json!({ "area": "general" }), "unknown_area", json!("general")),
        (&event, json!({ "area": "Floor" }), "unknown_area", json!("Floor")),
        (&plain, json!({ "area": "floor" }), "unknown_area", json!("floor")),
    ] {
        let refused = book(&ada, event, "a", wanted).await;
        refused.assert_problem(422, code);
        assert_eq!(refused.body["area"], area, "{}", refused.body);
    }
    for wanted in [
        json!({ "area": 1 }),
        json!({ "area": ["floor"] }),
        json!({ "areas": "floor" }),
        json!({ "area": "" }),
    ] {
        book(&ada, &event, "a", wanted).await.assert_problem(422, "validation_failed");
    }
    let nowhere = uuid::Uuid::now_v7().to_string();
    book(&ada, &nowhere, "a", json!({ "area": "floor" })).await.assert_problem(404, "event_not_found");
    assert_eq!(evently.available(&event).await, 32);

    // What was refused left its key free. Then it is for one area.
    assert_eq!(book(&ada, &event, "a", json!({ "area": "box", "quantity": 2 })).await.status, 201);
    for other in
        [json!({ "area": "floor", "quantity": 2 }), json!({ "area": "box", "quantity": 1 }), json!({})]
    {
        let refused = book(&ada, &event, "a", other).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
    }
    assert_eq!(
        by_area(&evently.anybody().get(&format!("/events/{event}")).await.body, "available"),
        [20, 9, 1]
    );
    let ben = evently.user();
    let gone = book(&ben, &event, "b", json!({ "area": "box", "quantity": 2 })).await;
    gone.assert_problem(409, "all_held");
    assert_eq!((&gone.body["area"], &gone.body["available"]), (&json!("box"), &json!(1)));
    buy(&ben, &event, "box", 1).await;
    let id = ada.get("/reservations").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(ada.confirm(&id).await.status, 201);
    let gone = book(&ben, &event, "c", json!({ "area": "box" })).await;
    gone.assert_problem(409, "sold_out");
    assert_eq!(gone.body["area"], "box");
    // A limit is for each area's script, and over all for the commit.
    let many = book(&ben, &event, "d", json!({ "area": "floor", "quantity": 11 })).await;
    assert_eq!(many.bad_fields(), ["quantity"]);
}

#[tokio::test]
async fn an_event_that_names_no_areas_has_the_general_one() {
    let evently = TestApp::start().await;
    let (admin, anybody) = (evently.admin(), evently.anybody());
    let general = json!([{ "id": "general", "name": "General", "capacity": 10, "base_price": 2_500 }]);
    let (plain, named) = (evently.event(10).await, event_of(&evently, general.clone(), json!({})).await);
    for event in [&plain, &named] {
        let ada = evently.user();
        let path = format!("/events/{event}");
        let shown = anybody.get(&path).await.body;
        assert_eq!(by_area(&shown, "id"), ["general"]);
        assert_eq!(
            (&shown["areas"][0]["available"], &shown["areas"][0]["price"]),
            (&json!(10), &json!(2_500))
        );
        for (key, wanted) in [("a", json!({})), ("b", json!({ "area": "general" }))] {
            let held = book(&ada, event, key, wanted).await;
            assert_eq!(held.status, 201, "{}", held.body);
            assert_eq!(held.body["reservation"]["area"], "general");
            assert_eq!(held.body["reservation"]["area_name"], "General");
        }
        // It is kept as before there were areas.
        let kept = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap();
        assert!(kept.details.areas.is_empty() && kept.area_states.is_empty());
        let state = evently.keys().state(kept.id);
        for field in ["area", "area_name", "areas"] {
            assert!(
                !evently.redis_query::<bool>(redis::cmd("HEXISTS").arg(&state).arg(field)).await,
                "{field}"
            );
        }
        let patched =
            admin.patch(&format!("/admin{path}"), "*", json!({ "capacity": 12, "areas": null })).await;
        assert_eq!(
            (patched.status, &patched.body["areas"][0]["capacity"]),
            (200, &json!(12)),
            "{}",
            patched.body
        );
    }
}

#[tokio::test]
async fn where_one_area_is_left_it_need_not_be_named() {
    let evently = TestApp::start().await;
    let (admin, ada) = (evently.admin(), evently.user());
    let event = evently.event(10).await;
    let path = format!("/admin/events/{event}");
    let area =
        |id: &str, capacity: u32| json!({ "id": id, "name": id, "capacity": capacity, "base_price": 700 });
    let made = admin.patch(&path, "*", json!({ "areas": [area("tent", 4)] })).await;
    assert_eq!((made.status, by_area(&made.body, "id")), (200, vec![json!("tent")]), "{}", made.body);
    assert_eq!(made.body["price"], 700);
    for (key, wanted, area) in
        [("a", json!({}), "tent"), ("b", json!({}), "tent"), ("c", json!({ "area": "tent" }), "tent")]
    {
        let held = book(&ada, &event, key, wanted).await;
        assert_eq!((held.status, &held.body["reservation"]["area"]), (201, &json!(area)), "{}", held.body);
    }
    let again = book(&ada, &event, "a", json!({})).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, "true"));
    book(&ada, &event, "d", json!({ "area": "general" })).await.assert_problem(422, "unknown_area");
    // What another process knows of the areas may be older than they are.
    let other = evently.another_with(|_| {}).await;
    let ben = other.user();
    assert_eq!(book(&ben, &event, "a", json!({})).await.status, 201);
    let more = json!({ "areas": [area("tent", 4), area("stand", 3)] });
    assert_eq!(admin.patch(&path, "*", more).await.status, 200);
    book(&ben, &event, "b", json!({})).await.assert_problem(422, "area_required");
    assert_eq!(book(&ben, &event, "b", json!({ "area": "stand" })).await.status, 201);
    let renamed = json!({ "areas": [area("tent", 4), { "id": "stand", "name": "Stands", "capacity": 3, "base_price": 700 }] });
    assert_eq!(admin.patch(&path, "*", renamed).await.status, 200);
    let held = book(&ben, &event, "c", json!({ "area": "stand" })).await;
    assert_eq!(held.body["reservation"]["area_name"], "Stands", "{}", held.body);
}

#[tokio::test]
async fn bad_areas_are_named_one_by_one_and_nothing_is_changed() {
    let evently = TestApp::start().await;
    let event = event_of(&evently, hall(), json!({})).await;
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
    let before = admin.get(&path).await.body;
    let good = json!({ "id": "floor", "name": "Floor", "capacity": 5, "base_price": 100 });
    let with = |field: &str, value: Value| {
        let mut area = good.clone();
        area[field] = value;
        json!([{ "id": "box", "name": "Box", "capacity": 3, "base_price": 900 }, area])
    };
    let so_many = |count: usize, capacity: u32| {
        let one =
            |n| json!({ "id": format!("a{n}"), "name": "An area", "capacity": capacity, "base_price": 0 });
        Value::from((0..count).map(one).collect::<Vec<_>>())
    };
    for (areas, field, code) in [
        (json!([]), "areas", "wrong_count"),
        (so_many(51, 1), "areas", "wrong_count"),
        (so_many(4_000, 1), "areas", "wrong_count"),
        (so_many(2, 500_001), "areas", "too_many_places"),
        (json!({}), "areas", "wrong_type"),
        (json!(["floor"]), "areas.0", "wrong_type"),
        (json!([good, good]), "areas.1.id", "duplicate"),
        (with("id", json!("Floor")), "areas.1.id", "not_an_area_id"),
        (with("id", json!("")), "areas.1.id", "not_an_area_id"),
        (with("id", json!("x".repeat(33))), "areas.1.id", "not_an_area_id"),
        (with("id", json!(1)), "areas.1.id", "wrong_type"),
        (with("name", json!(" ")), "areas.1.name", "wrong_length"),
        (with("name", json!("x".repeat(201))), "areas.1.name", "wrong_length"),
        (with("name", json!("two\nlines")), "areas.1.name", "control_characters"),
        (with("name", json!("\u{200b}")), "areas.1.name", "invisible"),
        (with("capacity", json!(0)), "areas.1.capacity", "out_of_range"),
        (with("capacity", json!(4_294_967_295_u32)), "areas", "too_many_places"),
        (with("capacity", json!("5")), "areas.1.capacity", "wrong_type"),
        (with("base_price", json!(100_000_001)), "areas.1.base_price", "out_of_range"),
        (with("base_price", json!(-1)), "areas.1.base_price", "out_of_range"),
        (with("pricing", json!({ "min_percent": 0 })), "areas.1.pricing.min_percent", "out_of_range"),
        (
            with("pricing", json!({ "min_percent": 90, "max_percent": 80 })),
            "areas.1.pricing.max_percent",
            "below",
        ),
        (with("price", json!(5)), "areas.1.price", "unknown"),
        (json!([{ "id": "floor", "name": "Floor", "capacity": 5 }]), "areas.0.base_price", "required"),
    ] {
        let refused = admin.patch(&path, "*", json!({ "areas": areas })).await;
        refused.assert_problem(422, "validation_failed");
        let errors = &refused.body["errors"];
        assert_eq!((&errors[0]["field"], &errors[0]["code"]), (&json!(field), &json!(code)), "{errors}");
        let created = admin.post("/admin/events", body(areas, json!({}))).await;
        assert_eq!(created.body["errors"], *errors);
    }
    // Either one of the two.
    let both = |more: Value| {
        let mut wanted = body(hall(), json!({}));
        wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        wanted
    };
    for (more, fields) in [
        (json!({ "capacity": 10 }), vec!["capacity"]),
        (json!({ "capacity": 10, "base_price": 5 }), vec!["capacity", "base_price"]),
        (json!({ "pricing": {} }), vec!["pricing"]),
    ] {
        for refused in [
            admin.post("/admin/events", both(more.clone())).await,
            admin.put(&path, "*", both(more.clone())).await,
        ] {
            refused.assert_problem(422, "validation_failed");
            assert_eq!(refused.bad_fields(), fields, "{}", refused.body);
            assert_eq!(refused.body["errors"][0]["code"], "beside");
        }
        let mut patch = more.clone();
        patch["areas"] = hall();
        assert_eq!(admin.patch(&path, "*", patch).await.bad_fields(), fields);
    }
    let mut none = body(hall(), json!({}));
    none.as_object_mut().unwrap().remove("areas");
    assert_eq!(admin.post("/admin/events", none.clone()).await.bad_fields(), ["capacity", "base_price"]);
    // Of one that names areas, all are sent.
    for refused in [
        admin.put(&path, "*", none).await,
        admin.put(&path, "*", concert(json!({}))).await,
        admin.patch(&path, "*", json!({ "capacity": 40 })).await,
        admin.patch(&path, "*", json!({ "base_price": 40 })).await,
        admin.patch(&path, "*", json!({ "pricing": {} })).await,
        admin.patch(&path, "*", json!({ "areas": null })).await,
    ] {
        refused.assert_problem(422, "areas_required");
    }
    assert_eq!(admin.get(&path).await.body, before);
    // What says nothing of areas changes none.
    let patched = admin.patch(&path, "*", json!({ "name": "Gala", "pricing": null })).await;
    assert_eq!((&patched.body["areas"], &patched.body["name"]), (&before["areas"], &json!("Gala")));
}

#[tokio::test]
async fn an_area_of_which_something_is_sold_stays_and_keeps_as_many_places() {
    let evently = TestApp::start().await;
    let event = event_of(&evently, hall(), json!({})).await;
    let (admin, ada, path) = (evently.admin(), evently.user(), format!("/admin/events/{event}"));
    let booking = buy(&ada, &event, "balcony", 4).await;
    let change = |index: usize, field: &str, value: Value| {
        let mut areas = hall();
        areas[index][field] = value;
        json!({ "areas": areas })
    };
    let before = admin.get(&path).await.body;
    let without = json!({ "areas": [hall()[0], hall()[2]] });
    for gone in [without.clone(), change(1, "id", json!("circle"))] {
        let refused = admin.patch(&path, "*", gone).await;
        refused.assert_problem(409, "area_has_bookings");
        assert_eq!((&refused.body["area"], &refused.body["places"]), (&json!("balcony"), &json!(4)));
    }
    let few = admin.patch(&path, "*", change(1, "capacity", json!(3))).await;
    few.assert_problem(409, "capacity_below_sold");
    assert_eq!((&few.body["area"], &few.body["lowest_capacity"]), (&json!("balcony"), &json!(4)));
    assert_eq!(admin.get(&path).await.body, before);

    let resized = admin.patch(&path, "*", change(1, "capacity", json!(4))).await;
    assert_eq!(
        (resized.status, by_area(&resized.body, "available")),
        (200, vec![json!(20), json!(0), json!(3)])
    );
    assert_eq!(ada.cancel(&booking).await.status, 200);
    let held = book(&ada, &event, "held", json!({ "area": "balcony" })).await;
    let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
    admin.patch(&path, "*", without.clone()).await.assert_problem(409, "area_has_bookings");
    assert_eq!(ada.delete(&format!("/reservations/{id}")).await.status, 204);
    let gone = admin.patch(&path, "*", without).await;
    assert_eq!((gone.status, by_area(&gone.body, "id")), (200, vec![json!("floor"), json!("box")]));
    book(&ada, &event, "gone", json!({ "area": "balcony" })).await.assert_problem(422, "unknown_area");
    // It comes back as what it was.
    let back = admin.patch(&path, "*", json!({ "areas": hall() })).await;
    assert_eq!(by_area(&back.body, "available"), [20, 9, 3]);
    assert_eq!(book(&ada, &event, "back", json!({ "area": "balcony" })).await.status, 201);
    let trail = admin.get(&format!("/admin/audit?event={event}")).await.body;
    let changes = trail["items"][0]["changes"].as_array().unwrap();
    let of_areas: Vec<&Value> =
        changes.iter().filter(|change| change["field"].as_str().unwrap().starts_with("areas")).collect();
    let back =
        json!({ "field": "areas.balcony", "before": null, "after": "balcony 9 at 6501 80-200 % (Balcony)" });
    assert_eq!(of_areas, [&back]);
}

#[tokio::test]
async fn an_event_has_at_most_64_areas_in_its_life() {
    let evently = TestApp::start().await;
    let areas = |from: usize, to: usize| {
        let one = |n| json!({ "id": format!("a{n}"), "name": "An area", "capacity": 1, "base_price": 0 });
        Value::from((from..to).map(one).collect::<Vec<_>>())
    };
    let event = event_of(&evently, areas(0, 50), json!({})).await;
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
    let replaced = admin.patch(&path, "*", json!({ "areas": areas(14, 64) })).await;
    assert_eq!((replaced.status, &replaced.body["capacity"]), (200, &json!(50)), "{}", replaced.body);
    let too_many = admin.patch(&path, "*", json!({ "areas": areas(15, 65) })).await;
    assert_eq!(too_many.body["errors"][0]["code"], "too_many_ever", "{}", too_many.body);
    assert_eq!(admin.patch(&path, "*", json!({ "areas": areas(0, 50) })).await.status, 200);
}

#[tokio::test]
async fn people_choose_an_area_in_the_shop_and_admins_write_them_in_the_console() {
    let evently = TestApp::start().await;
    let mut admin = Browser::new(&evently);
    admin.sign_in_as_admin().await;
    admin.get("/console/events/new").await;
    let starts_at = in_hours(72);
    let mut fields = vec![
        ("name", "Gala"),
        ("starts_at", &starts_at),
        ("capacity", ""),
        ("base_price", "0.00"),
        ("currency", "EUR"),
        ("status", "published"),
        ("areas", "floor 20 45.00 Floor\nbox two 90.00 Box"),
    ];
    let wrong = admin.submit("/console/events/new", &fields).await;
    assert_eq!(wrong.status, 422);
    wrong.says("Areas can't be read in line 2: it must be a short word, places, a price and a name, like floor 500 45.00 Floor.");
    assert!(wrong.html.contains("box two 90.00 Box"), "what was typed is there to be mended");
    fields[6].1 = "floor 20 45.00 Floor\nBox 2 90.00 Box";
    admin.submit("/console/events/new", &fields).await.says("line 2: its short word must be 1 to 32");
    fields[6].1 = "floor 20 45.00 Floor\r\nbox 2 90.00 80-200 The <box>\r\nstand 1 1.00 Stand";
    let made = admin.submit("/console/events/new", &fields).await;
    let page = admin.follow(made).await;
    page.says("The &lt;box&gt;");
    let event = page
        .html
        .split("/console/events/")
        .find_map(|rest| rest.get(..36)?.parse::<uuid::Uuid>().ok())
        .unwrap();
    let edit = admin.get(&format!("/console/events/{event}/edit")).await;
    assert!(
        edit.html.contains("floor 20 45.00 Floor\nbox 2 90.00 80-200 The &lt;box&gt;\nstand 1 1.00 Stand"),
        "{}",
        edit.html
    );

    let (mut ada, ben, event) = (Browser::new(&evently), evently.user(), event.to_string());
    buy(&ben, &event, "stand", 1).await;
    ada.register("ada@example.com").await;
    let page = ada.get(&format!("/shop/events/{event}")).await;
    page.says("from 45.00 EUR a place");
    page.says("The &lt;box&gt; 90.00 EUR 2 places left");
    page.says("Stand 1.00 EUR sold out for now");
    let key = page.field("key").unwrap();
    let order = [("key", &*key), ("area", "box"), ("quantity", "2")];
    let held = ada.submit(&format!("/shop/events/{event}/book"), &order).await;
    let hold = ada.follow(held).await;
    hold.says("The &lt;box&gt;");
    hold.says("180.00 EUR");
    let confirm = hold
        .html
        .split("action=\"")
        .find_map(|rest| rest.split('"').next().filter(|to| to.ends_with("/confirm")))
        .unwrap();
    let booked = ada.submit(confirm, &[]).await;
    ada.follow(booked).await.says("The &lt;box&gt;");
    ada.get("/shop/bookings").await.says("The &lt;box&gt;");
    admin.get(&format!("/console/events/{event}/bookings")).await.says("The &lt;box&gt;");
    // Without a choice, and of what is gone.
    ada.get(&format!("/shop/events/{event}")).await;
    let none = ada.submit(&format!("/shop/events/{event}/book"), &[("quantity", "1")]).await;
    ada.follow(none).await.says("Choose an area first.");
    ada.get(&format!("/shop/events/{event}")).await;
    let gone = [("area", "box"), ("quantity", "1")];
    let gone = ada.submit(&format!("/shop/events/{event}/book"), &gone).await;
    ada.follow(gone).await.says("All places are sold.");
}

#[tokio::test]
async fn a_change_of_areas_is_made_while_people_buy() {
    let evently = TestApp::with(|config| config.seats_per_shard = 2).await;
    let event = event_of(&evently, hall(), json!({ "max_per_user": 50 })).await;
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
    let buyers = async |area: &str| {
        let mut sold = 0_u64;
        for n in 0..30 {
            let user = evently.user();
            let held = book(&user, &event, "k", json!({ "area": area, "quantity": 1 + n % 2 })).await;
            if held.status == 201 {
                let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
                assert_eq!(user.confirm(&id).await.status, 201);
                sold += 1 + n % 2;
            } else {
                assert_eq!(held.status, 409, "{}", held.body);
            }
        }
        sold
    };
    let resize = async || {
        for n in 0..12_u64 {
            let mut areas = hall();
            areas[0]["capacity"] = json!(20 + n % 5);
            areas[1]["capacity"] = json!(9 + n);
            if n > 5 {
                areas
                    .as_array_mut()
                    .unwrap()
                    .push(json!({ "id": "extra", "name": "Extra", "capacity": n, "base_price": 5 }));
            }
            let answer = admin.patch(&path, "*", json!({ "areas": areas })).await;
            assert!([200, 409].contains(&answer.status), "{}", answer.body);
        }
    };
    let (floor, balcony, boxes, ()) =
        tokio::join!(buyers("floor"), buyers("balcony"), buyers("box"), resize());
    let inventory = admin.get(&format!("{path}/inventory")).await.body;
    assert_eq!(inventory["sold"], floor + balcony + boxes, "{inventory}");
    assert_eq!(inventory["drift"], 0, "{inventory}");
    let shown = admin.get(&path).await.body;
    let sum: u64 = by_area(&shown, "capacity").iter().filter_map(Value::as_u64).sum();
    assert_eq!((&shown["capacity"], &inventory["capacity"]), (&json!(sum), &json!(sum)));
}
