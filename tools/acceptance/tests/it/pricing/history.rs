//! What admins see: previews, and every price with its reason.

use super::*;

#[tokio::test]
async fn a_preview_says_what_the_run_then_does_and_changes_nothing() {
    let evently = TestApp::start().await;
    let (unwanted, wanted) = (event_in_mid_sale(&evently).await, wanted_event(&evently).await);
    let fixed = evently
        .event_created(10 * DAY, |details| {
            in_mid_sale(details);
            details.pricing = None;
        })
        .await;
    let before = [stored(&evently, &unwanted).await, stored(&evently, &wanted).await];
    let preview = evently.admin().post("/admin/pricing/preview", json!({})).await;
    assert_eq!(preview.status, 200, "{}", preview.body);
    let again = evently.admin().post("/admin/pricing/preview", json!({})).await;
    for (one, other) in
        preview.body["items"].as_array().unwrap().iter().zip(again.body["items"].as_array().unwrap())
    {
        assert_eq!((&one["event_id"], &one["new_price"]), (&other["event_id"], &other["new_price"]));
    }
    assert_eq!([stored(&evently, &unwanted).await, stored(&evently, &wanted).await], before);

    let items = preview.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "not {fixed}, which has no pricing: {items:?}");
    let of = |event: &str| items.iter().find(|item| item["event_id"] == event).unwrap().clone();
    let item = of(&wanted);
    assert_eq!((&item["price"], &item["new_price"]), (&json!(BASE_PRICE), &json!(ONE_STEP_UP)));
    assert_eq!((&item["base_price"], &item["currency"]), (&json!(BASE_PRICE), &json!("EUR")));
    assert_eq!((&item["name"], &item["priced_on"]), (&json!("Old concert"), &Value::Null));
    assert_eq!(
        (&item["demand"]["utilization"], &item["demand"]["target_percent"]),
        (&json!(0.9), &json!(145.0))
    );
    assert!((12.0..13.0).contains(&item["demand"]["tickets_per_day"].as_f64().unwrap()), "{item}");
    assert!((29.9..=30.0).contains(&item["demand"]["days_left"].as_f64().unwrap()), "{item}");
    run(&evently).await;
    for event in [&unwanted, &wanted] {
        assert_eq!(price(&evently, event).await, of(event)["new_price"]);
        assert_eq!(
            prices(&evently, event).await[0]["demand"]["target_percent"],
            of(event)["demand"]["target_percent"]
        );
    }
    let after = evently.admin().post("/admin/pricing/preview", json!({})).await;
    assert_eq!(after.body["items"][0]["priced_on"], pricing_day(Timestamp::now()).to_string());
}

#[tokio::test]
async fn a_preview_comes_in_pages() {
    let evently = TestApp::start().await;
    let events = five_events(&evently).await;
    let admin = evently.admin();
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = admin.post(&format!("/admin/pricing/preview{query}"), json!({})).await;
        assert_eq!(page.status, 200, "{}", page.body);
        for item in page.body["items"].as_array().unwrap() {
            seen.push(item["event_id"].as_str().unwrap().to_owned());
        }
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, events);
    for bad in ["limit=0", "limit=101"] {
        let refused = admin.post(&format!("/admin/pricing/preview?{bad}"), json!({})).await;
        refused.assert_problem(400, "invalid_parameter");
    }
    let of_events = admin.get("/admin/events?limit=1").await.text("next_cursor");
    let refused = admin.post(&format!("/admin/pricing/preview?cursor={of_events}"), json!({})).await;
    refused.assert_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn the_history_has_every_price_with_its_reason() {
    let evently = TestApp::start().await;
    let event = evently.event_with(json!({ "base_price": BASE_PRICE, "pricing": {} })).await;
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
    run_in_days(&evently, 2).await;
    run_in_days(&evently, 3).await;
    run_in_days(&evently, 4).await;
    for change in [
        json!({ "base_price": 6_000, "pricing": {} }),
        json!({ "base_price": 6_000, "pricing": {}, "name": "Opera" }),
    ] {
        assert_eq!(admin.put(&path, "*", concert(change)).await.status, 200);
    }
    run_in_days(&evently, 5).await;
    let fixed = admin.put(&path, "*", concert(json!({ "base_price": 6_000 }))).await;
    assert_eq!((fixed.status, &fixed.body["price"]), (200, &json!(6_000)), "back to the base price");
    run_in_days(&evently, 6).await;

    let prices = prices(&evently, &event).await;
    let told: Vec<_> = prices
        .iter()
        .map(|price| {
            let number = |field: &str| price[field].as_u64().unwrap_or(0);
            (
                number("number"),
                price["reason"].as_str().unwrap(),
                number("previous_price"),
                number("price"),
                number("base_price"),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (6, "pricing_removed", 5_400, 6_000, 6_000),
            (5, "demand", 6_000, 5_400, 6_000),
            (4, "base_price_changed", 3_600, 6_000, 6_000),
            (3, "demand", 4_050, 3_600, 4_500),
            (2, "demand", 4_500, 4_050, 4_500),
            (1, "created", 0, 4_500, 4_500),
        ]
    );
    assert_eq!(prices[5]["previous_price"], Value::Null);
    for (price, by_demand) in prices.iter().zip([false, true, false, true, true, false]) {
        assert_eq!(price["currency"], "EUR");
        assert!(price["changed_at"].as_str().unwrap().ends_with('Z'));
        assert_eq!(price["demand"].is_object(), by_demand, "{price}");
    }
    let demand = &prices[4]["demand"];
    assert_eq!((&demand["utilization"], &demand["tickets_per_day"]), (&json!(0.0), &json!(0.0)));
    assert_eq!(demand["target_percent"], 80.0);
    assert!((27.9..28.1).contains(&demand["days_left"].as_f64().unwrap()), "{demand}");
    let listed = admin.get("/admin/events").await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1, "prices are no events");
}

#[tokio::test]
async fn the_history_comes_in_pages_of_its_event_only() {
    let evently = TestApp::start().await;
    let (event, other) = (event_in_mid_sale(&evently).await, event_in_mid_sale(&evently).await);
    for day in 0..2 {
        run_in_days(&evently, day).await;
    }
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}/prices"));
    let first = admin.get(&format!("{path}?limit=2")).await;
    let numbers = |page: &Value| {
        page["items"].as_array().unwrap().iter().map(|item| item["number"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&first.body), [3, 2]);
    let cursor = first.text("next_cursor");
    // A price that comes in between moves no page.
    run_in_days(&evently, 2).await;
    let second = admin.get(&format!("{path}?limit=2&cursor={cursor}")).await;
    assert_eq!((numbers(&second.body), &second.body["next_cursor"]), (vec![json!(1)], &Value::Null));
    let others = admin.get(&format!("/admin/events/{other}/prices?cursor={cursor}")).await;
    others.assert_problem(400, "invalid_cursor");
    admin.get(&format!("{path}?limit=0")).await.assert_problem(400, "invalid_parameter");
    for unknown in ["01890000-0000-7000-8000-000000000000", "nothing"] {
        let missing = admin.get(&format!("/admin/events/{unknown}/prices")).await;
        missing.assert_problem(404, "event_not_found");
    }
}

#[tokio::test]
async fn an_event_of_before_there_was_a_history_gets_one_with_its_next_price() {
    let evently = TestApp::start().await;
    let event = event_in_mid_sale(&evently).await;
    let dynamodb = dynamodb::client_for_endpoint(shared_dynamodb());
    dynamodb
        .update_item()
        .table_name(&evently.app.config.tables.events)
        .key("id", aws_sdk_dynamodb::types::AttributeValue::S(event.clone()))
        .update_expression("REMOVE price_changes")
        .send()
        .await
        .unwrap();
    dynamodb
        .delete_item()
        .table_name(&evently.app.config.tables.events)
        .key("id", aws_sdk_dynamodb::types::AttributeValue::S(format!("{event}#price#1")))
        .send()
        .await
        .unwrap();
    assert_eq!(prices(&evently, &event).await, Vec::<Value>::new());
    assert_eq!(run(&evently).await.prices_lowered, 1);
    assert_eq!(prices(&evently, &event).await.len(), 1);
}

#[tokio::test]
async fn only_admins_see_prices_and_previews() {
    let evently = TestApp::start().await;
    let path = format!("/admin/events/{}/prices", event_in_mid_sale(&evently).await);
    for (who, status, code) in [(evently.anybody(), 401, "unauthorized"), (evently.user(), 403, "forbidden")]
    {
        who.get(&path).await.assert_problem(status, code);
        who.post("/admin/pricing/preview", json!({})).await.assert_problem(status, code);
    }
}

#[tokio::test]
async fn bounds_have_defaults_and_a_draft_has_a_first_price() {
    let evently = TestApp::start().await;
    let created = evently
        .admin()
        .post("/admin/events", concert(json!({ "pricing": {}, "status": "draft", "starts_at": in_hours(9) })))
        .await;
    assert_eq!(created.body["pricing"], json!({ "min_percent": 80, "max_percent": 150 }));
    assert_eq!(prices(&evently, &created.text("id")).await[0]["reason"], "created");
    let halves = concert(json!({ "pricing": { "min_percent": 50 } }));
    let created = evently.admin().post("/admin/events", halves).await;
    assert_eq!(created.body["pricing"], json!({ "min_percent": 50, "max_percent": 150 }));
}

#[tokio::test]
async fn an_event_with_as_many_shards_as_fit_in_a_transaction_has_its_first_price() {
    let evently = TestApp::with(|config| config.seats_per_shard = 1).await;
    for capacity in [97, 98, 99, 100, 197] {
        let event = evently.event_with(json!({ "capacity": capacity })).await;
        assert_eq!(evently.inventory(&event).await.len(), capacity);
        assert_eq!(prices(&evently, &event).await.len(), 1);
    }
}
