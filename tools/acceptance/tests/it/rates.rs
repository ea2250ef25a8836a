//! Rates: what places cost to whom, from the admin's list to the booking, its cancel and what admins see of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Answer, Session, TestApp, browser::Browser, concert, in_hours, send};

fn rates() -> Value {
    json!([
        { "id": "full", "name": "Full price", "percent": 100 },
        { "id": "child", "name": "Up to 14", "percent": 50 },
        { "id": "patron", "name": "Patrons", "percent": 133 },
    ])
}

/// Of 25.01 EUR a place, where the half of it is no whole cent.
async fn event_with_rates(evently: &TestApp) -> String {
    evently.event_with(json!({ "base_price": 2_501, "rates": rates() })).await
}

async fn book(user: &Session, event: &str, key: &str, body: Value) -> Answer {
    let request = user.request(Method::POST, &format!("/events/{event}/book"));
    send(request.header("Idempotency-Key", key).json(&body)).await
}

fn line(rate: &str, name: &str, quantity: u64, unit_price: u64) -> Value {
    json!({ "rate": rate, "name": name, "quantity": quantity, "unit_price": unit_price, "total": quantity * unit_price })
}

#[tokio::test]
async fn places_of_several_rates_are_held_booked_and_cancelled_at_what_each_costs() {
    let evently = TestApp::start().await;
    let (event, ada) = (event_with_rates(&evently).await, evently.user());
    let shown = evently.anybody().get(&format!("/events/{event}")).await;
    assert_eq!(shown.body["rates"], rates());
    let wanted = json!({ "quantity": 4, "rates": { "child": 2, "patron": 1 } });
    let held = book(&ada, &event, "a", wanted.clone()).await;
    assert_eq!(held.status, 201, "{}", held.body);
    let lines = json!([
        line("full", "Full price", 1, 2_501),
        line("child", "Up to 14", 2, 1_251),
        line("patron", "Patrons", 1, 3_326),
    ]);
    let total = 2_501 + 2 * 1_251 + 3_326;
    let charged = |of: &Value| {
        assert_eq!(
            (&of["lines"], &of["unit_price"], &of["total"]),
            (&lines, &Value::Null, &json!(total)),
            "{of}"
        );
        assert_eq!(of["quantity"], 4);
    };
    charged(&held.body["reservation"]);
    let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
    charged(&ada.get(&format!("/reservations/{id}")).await.body["reservation"]);
    let again = book(&ada, &event, "a", wanted).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    charged(&again.body["reservation"]);

    // What was quoted stays, whatever becomes of the rates.
    let admin = evently.admin();
    let other = json!({ "rates": [{ "id": "child", "name": "Pupils", "percent": 90 }] });
    assert_eq!(admin.patch(&format!("/admin/events/{event}"), "*", other).await.status, 200);
    let confirmed = ada.confirm(&id).await;
    assert_eq!(confirmed.status, 201, "{}", confirmed.body);
    charged(&confirmed.body["booking"]);
    charged(&ada.get(&format!("/bookings/{id}")).await.body["booking"]);
    charged(&ada.get("/bookings").await.body["items"][0]);
    charged(
        &book(&ada, &event, "a", json!({ "quantity": 4, "rates": { "child": 2, "patron": 1 } })).await.body["reservation"],
    );
    let revenue = async || evently.inventory(&event).await.iter().map(|shard| shard.revenue).sum::<u64>();
    assert_eq!(revenue().await, total);
    let csv = String::from_utf8(ada.get("/bookings?format=csv").await.bytes).unwrap();
    assert!(csv.contains(",\"full 1, child 2, patron 1\"") && csv.contains(",4,,,"), "{csv}");
    let csv = admin.get(&format!("/admin/events/{event}/bookings?format=csv")).await;
    let csv = String::from_utf8(csv.bytes).unwrap();
    assert!(csv.contains(",\"full 1, child 2, patron 1\""), "{csv}");

    charged(&ada.cancel(&id).await.body["booking"]);
    assert_eq!(revenue().await, 0);
}

#[tokio::test]
async fn places_that_are_drawn_from_many_shards_bring_exactly_what_they_cost() {
    let evently = TestApp::with(|config| config.seats_per_shard = 1).await;
    let event = evently
        .event_with(json!({ "capacity": 12, "max_per_user": 12, "max_per_booking": 6, "base_price": 333, "rates": rates() }))
        .await;
    assert_eq!(evently.inventory(&event).await.len(), 12);
    let (ada, ben) = (evently.user(), evently.user());
    let mut bookings = Vec::new();
    for (user, child) in [(&ada, 5), (&ben, 1)] {
        let held = book(user, &event, "k", json!({ "quantity": 6, "rates": { "child": child } })).await;
        let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
        assert_eq!(user.confirm(&id).await.status, 201);
        bookings.push((user, id, held.body["reservation"]["total"].as_u64().unwrap()));
    }
    let revenue = async || evently.inventory(&event).await.iter().map(|shard| shard.revenue).sum::<u64>();
    assert_eq!(revenue().await, (333 + 5 * 167) + (5 * 333 + 167));
    let mut left = revenue().await;
    for (user, id, total) in bookings {
        assert_eq!(user.cancel(&id).await.status, 200);
        left -= total;
        assert_eq!(revenue().await, left);
    }
    assert_eq!(left, 0);
}

#[tokio::test]
async fn an_event_that_names_no_rates_has_the_ordinary_one() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let ordinary = json!([{ "id": "full", "name": "Full price", "percent": 100 }]);
    let path = format!("/admin/events/{event}");
    let admin = evently.admin();
    assert_eq!(admin.get(&path).await.body["rates"], ordinary);
    for (key, wanted) in [
        ("a", json!({ "quantity": 2 })),
        ("b", json!({ "quantity": 2, "rates": {} })),
        ("c", json!({ "quantity": 2, "rates": { "full": 2 } })),
        ("d", json!({ "quantity": 2, "rates": { "full": 1 } })),
    ] {
        let held = book(&ada, &event, key, wanted).await;
        assert_eq!(held.status, 201, "{}", held.body);
        let reservation = &held.body["reservation"];
        assert_eq!(reservation["lines"], json!([line("full", "Full price", 2, 2_500)]));
        assert_eq!((&reservation["unit_price"], &reservation["total"]), (&json!(2_500), &json!(5_000)));
    }
    // Named or not, it is the same, and is kept as before there were any.
    let patched = admin.patch(&path, "*", json!({ "rates": ordinary })).await;
    assert_eq!((patched.status, &patched.body["rates"]), (200, &ordinary), "{}", patched.body);
    let kept = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap();
    assert!(kept.details.rates.is_empty());
    for wanted in [json!({ "rates": rates() }), json!({ "rates": null })] {
        assert_eq!(admin.patch(&path, "*", wanted).await.status, 200);
    }
    assert_eq!(admin.get(&path).await.body["rates"], ordinary);
}

#[tokio::test]
async fn rates_that_are_not_there_or_too_many_are_refused_and_nothing_is_held() {
    let evently = TestApp::start().await;
    let (event, plain) = (event_with_rates(&evently).await, evently.event(10).await);
    let ada = evently.user();
    for (event, wanted, rate) in [
        (&event, json!({ "quantity": 1, "rates": { "student": 1 } }), "student"),
        (&event, json!({ "quantity": 1, "rates": { "student": 0 } }), "student"),
        (&plain, json!({ "quantity": 1, "rates": { "student": 0 } }), "student"),
        (&event, json!({ "quantity": 2, "rates": { "child": 1, "Child": 1 } }), "Child"),
        (&plain, json!({ "quantity": 1, "rates": { "child": 1 } }), "child"),
    ] {
        let refused = book(&ada, event, "a", wanted).await;
        refused.assert_problem(422, "unknown_rate");
        assert_eq!(refused.body["rate"], rate);
    }
    let eleven: Value =
        (0..11).map(|n| (format!("r{n}"), json!(0))).collect::<serde_json::Map<_, _>>().into();
    for (rates, field) in [
        (json!({ "child": 3 }), "rates"),
        (json!({ "child": 1, "full": 2 }), "rates"),
        (json!({ "child": -1 }), "rates.child"),
        (json!({ "child": 51 }), "rates.child"),
        (json!({ "child": "1" }), "rates.child"),
        (json!({ "<Child>": "1" }), "rates"),
        (eleven, "rates"),
        (json!(["child"]), "rates"),
        (json!("child"), "rates"),
    ] {
        let refused = book(&ada, &event, "a", json!({ "quantity": 2, "rates": rates })).await;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), [field], "{rates}");
    }
    let both = book(&ada, &event, "a", json!({ "quantity": "2", "rates": { "child": 2 } })).await;
    assert_eq!(both.bad_fields(), ["quantity"], "how many may be children is not known");
    assert_eq!(evently.available(&event).await, 100);
    // The key of what was refused is free, and is tied to the rates of what was not.
    assert_eq!(book(&ada, &event, "a", json!({ "quantity": 2, "rates": { "child": 1 } })).await.status, 201);
    for other in [json!({ "quantity": 2 }), json!({ "quantity": 2, "rates": { "child": 2 } })] {
        book(&ada, &event, "a", other).await.assert_problem(422, "idempotency_key_reused");
    }
}

#[tokio::test]
async fn bad_rates_of_an_event_are_named_one_by_one_and_nothing_is_changed() {
    let evently = TestApp::start().await;
    let event = event_with_rates(&evently).await;
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
    let before = admin.get(&path).await.body;
    let good = json!({ "id": "child", "name": "Up to 14", "percent": 50 });
    let with = |field: &str, value: Value| {
        let mut rate = good.clone();
        rate[field] = value;
        json!([{ "id": "full", "name": "Full price", "percent": 100 }, rate])
    };
    let eleven: Vec<_> =
        (0..11).map(|n| json!({ "id": format!("r{n}"), "name": "A rate", "percent": 100 })).collect();
    for (rates, field, code) in [
        (json!([]), "rates", "wrong_count"),
        (json!(eleven), "rates", "wrong_count"),
        (json!({}), "rates", "wrong_type"),
        (json!(["child"]), "rates.0", "wrong_type"),
        (json!([good, good]), "rates.1.id", "duplicate"),
        (with("id", json!("Child")), "rates.1.id", "not_a_rate_id"),
        (with("id", json!("")), "rates.1.id", "not_a_rate_id"),
        (with("id", json!("x".repeat(33))), "rates.1.id", "not_a_rate_id"),
        (with("id", json!(1)), "rates.1.id", "wrong_type"),
        (with("name", json!("")), "rates.1.name", "wrong_length"),
        (with("name", json!("x".repeat(201))), "rates.1.name", "wrong_length"),
        (with("name", json!("two\nlines")), "rates.1.name", "control_characters"),
        (with("percent", json!(0)), "rates.1.percent", "out_of_range"),
        (with("percent", json!(1_001)), "rates.1.percent", "out_of_range"),
        (with("percent", json!(12.5)), "rates.1.percent", "wrong_type"),
        (with("until", json!(14)), "rates.1.until", "unknown"),
        (json!([{ "id": "full", "name": "Full price" }]), "rates.0.percent", "required"),
    ] {
        let refused = admin.patch(&path, "*", json!({ "rates": rates })).await;
        refused.assert_problem(422, "validation_failed");
        let errors = &refused.body["errors"];
        assert_eq!(
            (&errors[0]["field"], &errors[0]["code"]),
            (&json!(field), &json!(code)),
            "{rates} {errors}"
        );
        assert_eq!(errors.as_array().unwrap().len(), 1, "{errors}");
        let created = admin.post("/admin/events", concert(json!({ "rates": rates }))).await;
        assert_eq!(created.body["errors"], *errors);
    }
    // A place may cost a million at most, at any rate.
    let dear = json!({ "base_price": 50_000_000, "rates": with("percent", json!(201)) });
    assert_eq!(admin.patch(&path, "*", dear).await.bad_fields(), ["rates.1.percent"]);
    assert_eq!(admin.get(&path).await.body, before);
    let audited = admin.patch(&path, "*", json!({ "rates": [good] })).await;
    assert_eq!(audited.status, 200, "{}", audited.body);
    let trail = admin.get(&format!("/admin/audit?event={event}")).await;
    assert_eq!(
        trail.body["items"][0]["changes"],
        json!([{ "field": "rates", "before": "full 100 % (Full price), child 50 % (Up to 14), patron 133 % (Patrons)",
            "after": "child 50 % (Up to 14)" }]),
        "{}",
        trail.body
    );
}

#[tokio::test]
async fn people_choose_rates_in_the_shop_and_admins_write_them_in_the_console() {
    let evently = TestApp::start().await;
    let mut admin = Browser::new(&evently);
    admin.sign_in_as_admin().await;
    admin.get("/console/events/new").await;
    let starts_at = in_hours(72);
    let mut fields = vec![
        ("name", "Science Fair"),
        ("starts_at", &starts_at),
        ("capacity", "20"),
        ("base_price", "10.00"),
        ("currency", "EUR"),
        ("status", "published"),
        ("rates", "full 100 Adults\nchild 50% Up to <14>\n"),
    ];
    fields[6].1 = "full 100 Adults\nchild fifty Up to 14";
    let wrong = admin.submit("/console/events/new", &fields).await;
    assert_eq!(wrong.status, 422);
    wrong.says("Rates must have a short word, percent and a name in each line.");
    assert!(wrong.html.contains("child fifty Up to 14"), "what was typed is there to be mended");
    fields[6].1 = "full 100 Adults\nchild 0 Up to 14";
    admin
        .submit("/console/events/new", &fields)
        .await
        .says("line 2: its percent must be a whole number from 1 to 1000.");
    fields[6].1 = "full 100 Adults\r\nchild 50% Up to <14>\r\n";
    let made = admin.submit("/console/events/new", &fields).await;
    let page = admin.follow(made).await;
    page.says("Adults 100 %, Up to &lt;14&gt; 50 %");
    let event = page
        .html
        .split("/console/events/")
        .find_map(|rest| rest.get(..36)?.parse::<uuid::Uuid>().ok())
        .unwrap();
    let edit = admin.get(&format!("/console/events/{event}/edit")).await;
    assert!(edit.html.contains("full 100 Adults\nchild 50 Up to &lt;14&gt;"), "{}", edit.html);

    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let page = ada.get(&format!("/shop/events/{event}")).await;
    page.says("Up to &lt;14&gt; 5.00 EUR");
    let key = page.field("key").unwrap();
    let order =
        [("key", &*key), ("rate.0", "full"), ("places.0", "1"), ("rate.1", "child"), ("places.1", "2")];
    let held = ada.submit(&format!("/shop/events/{event}/book"), &order).await;
    let hold = ada.follow(held).await;
    hold.says("1 × Adults, 2 × Up to &lt;14&gt;");
    hold.says("20.00 EUR (1 × 10.00 EUR + 2 × 5.00 EUR)");
    let confirm = hold
        .html
        .split("action=\"")
        .find_map(|rest| rest.split('"').next().filter(|to| to.ends_with("/confirm")))
        .unwrap();
    let booked = ada.submit(confirm, &[]).await;
    let booking = ada.follow(booked).await;
    booking.says("2 × Up to &lt;14&gt;");
    booking.says("20.00 EUR");
    // What was chosen is there to be changed.
    let many = [("rate.0", "full"), ("places.0", "6"), ("rate.1", "child"), ("places.1", "7")];
    ada.get(&format!("/shop/events/{event}")).await;
    let refused = ada.submit(&format!("/shop/events/{event}/book"), &many).await;
    let page = ada.follow(refused).await;
    page.says("You can hold 10 places at once: choose fewer.");
    assert!(
        page.html.contains("<option value=\"6\" selected>")
            && page.html.contains("<option value=\"7\" selected>")
    );
    // One who has seen a page of before the prices changed.
    let old = [("rate.0", "pupil"), ("places.0", "1")];
    ada.get(&format!("/shop/events/{event}")).await;
    let refused = ada.submit(&format!("/shop/events/{event}/book"), &old).await;
    ada.follow(refused).await.says("What you chose is not offered any more.");
    let none =
        [("key", &*key), ("rate.0", "full"), ("places.0", "0"), ("rate.1", "child"), ("places.1", "0")];
    ada.get(&format!("/shop/events/{event}")).await;
    let refused = ada.submit(&format!("/shop/events/{event}/book"), &none).await;
    ada.follow(refused).await.says("Choose how many places you want.");
    admin.get(&format!("/console/events/{event}/bookings")).await.says("1 × Adults, 2 × Up to &lt;14&gt;");
}

#[tokio::test]
async fn the_shop_says_what_a_place_costs_at_the_ordinary_rate() {
    let evently = TestApp::start().await;
    let friends = json!([{ "id": "friend", "name": "Friends", "percent": 80 }]);
    let event = evently.event_with(json!({ "base_price": 1_000, "rates": friends })).await;
    let mut ada = Browser::new(&evently);
    ada.get("/").await.says("8.00 EUR");
    ada.get(&format!("/shop/events/{event}")).await.says("8.00 EUR a place");
}
