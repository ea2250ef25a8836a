//! Numbers by area: prices that demand moves, sales by the hour, and what admins see of each.

use domain::event::{AreaDetails, EventDetails, Pricing};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::common::{Session, TestApp};

const DAY: i64 = 24;

fn area(id: &str, capacity: u32, base_price: u32, pricing: Option<Pricing>) -> AreaDetails {
    AreaDetails {
        id: id.to_owned(),
        name: id.to_uppercase(),
        capacity,
        base_price,
        pricing,
        ..AreaDetails::default()
    }
}

/// On sale for ten days, and for thirty more: two areas whose prices move, and one whose price does not.
fn hall(details: &mut EventDetails) {
    details.starts_at = Timestamp::now() + SignedDuration::from_hours(30 * DAY);
    details.max_per_booking = 50;
    let moves = Some(Pricing { min_percent: 80, max_percent: 150 });
    details.areas = vec![
        area("floor", 100, 4_500, moves),
        area("balcony", 100, 10_000, moves),
        area("box", 4, 900, None),
    ];
    *details = details.clone().with_sums_of_areas();
}

async fn buy(user: &Session, event: &str, area: &str, quantity: u32) -> String {
    let held = user.book_with(event, json!({ "area": area, "quantity": quantity })).await;
    assert_eq!(held.status, 201, "{}", held.body);
    let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
    assert_eq!(user.confirm(&id).await.status, 201);
    id
}

fn by_area(of: &Value, field: &str) -> Vec<Value> {
    of.as_array().unwrap().iter().map(|area| area[field].clone()).collect()
}

#[tokio::test]
async fn each_areas_price_follows_its_own_demand() {
    let evently = TestApp::start().await;
    let event = evently.event_created(10 * DAY, hall).await;
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
    for quantity in [50, 40] {
        buy(&evently.user(), &event, "balcony", quantity).await;
    }
    let preview = admin.post("/admin/pricing/preview", json!({})).await.body;
    let ours: Vec<&Value> =
        preview["items"].as_array().unwrap().iter().filter(|item| item["event_id"] == event).collect();
    let said: Vec<_> = ours
        .iter()
        .map(|item| (&item["area"], &item["area_name"], &item["price"], &item["new_price"]))
        .collect();
    assert_eq!(
        said,
        [
            (&json!("floor"), &json!("FLOOR"), &json!(4_500), &json!(4_050)),
            (&json!("balcony"), &json!("BALCONY"), &json!(10_000), &json!(11_000))
        ]
    );
    let (ada, bob) = (evently.user(), evently.user());
    let quoted = async |user: &Session, area: &str| {
        let held = user.book_with(&event, json!({ "area": area })).await;
        held.body["reservation"]["unit_price"].clone()
    };
    assert_eq!(quoted(&ada, "floor").await, 4_500);
    let report = ::pricing::run(&evently.app, Timestamp::now()).await.unwrap();
    assert_eq!((report.events, report.prices_raised), (1, 1), "{report:?}");
    let shown = admin.get(&path).await.body;
    assert_eq!(by_area(&shown["areas"], "price"), [4_050, 11_000, 900]);
    assert_eq!((&shown["price"], &shown["version"]), (&json!(900), &json!(2)));
    for (area, price) in [("floor", 4_050), ("balcony", 11_000), ("box", 900)] {
        assert_eq!(quoted(&bob, area).await, price, "the next hold of the {area}");
    }
    let again = ::pricing::run(&evently.app, Timestamp::now()).await.unwrap();
    assert_eq!((again.events, again.prices_skipped), (1, 1), "once a day");

    let history = admin.get(&format!("{path}/prices")).await.body;
    let said: Vec<_> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|price| {
            json!([price["number"], price["area"], price["previous_price"], price["price"], price["reason"]])
        })
        .collect();
    assert_eq!(
        said,
        [
            json!([5, "balcony", 10_000, 11_000, "demand"]),
            json!([4, "floor", 4_500, 4_050, "demand"]),
            json!([3, "box", null, 900, "created"]),
            json!([2, "balcony", null, 10_000, "created"]),
            json!([1, "floor", null, 4_500, "created"]),
        ]
    );
    assert_eq!(history["items"][0]["demand"]["utilization"], 0.9);
    assert_eq!(history["items"][1]["demand"]["utilization"], 0.0);
    let csv = String::from_utf8(admin.get(&format!("{path}/prices?format=csv")).await.bytes).unwrap();
    assert!(csv.lines().nth(1).unwrap().ends_with(",balcony"), "{csv}");

    // What an admin changes is theirs alone, and all of one change is one version.
    let mut areas = json!([
        { "id": "box", "name": "BOX", "capacity": 4, "base_price": 1_000 },
        { "id": "balcony", "name": "BALCONY", "capacity": 100, "base_price": 10_000 },
        { "id": "floor", "name": "FLOOR", "capacity": 100, "base_price": 4_500, "pricing": {} },
    ]);
    let changed = admin.patch(&path, "*", json!({ "areas": areas })).await;
    assert_eq!((changed.status, &changed.body["version"]), (200, &json!(3)), "{}", changed.body);
    assert_eq!(by_area(&changed.body["areas"], "price"), [1_000, 10_000, 4_050]);
    let history = admin.get(&format!("{path}/prices?limit=2")).await.body;
    let said: Vec<_> =
        history["items"].as_array().unwrap().iter().map(|price| (&price["area"], &price["reason"])).collect();
    assert_eq!(
        said,
        [(&json!("balcony"), &json!("pricing_removed")), (&json!("box"), &json!("base_price_changed"))]
    );
    areas
        .as_array_mut()
        .unwrap()
        .push(json!({ "id": "stand", "name": "Stand", "capacity": 9, "base_price": 5 }));
    assert_eq!(admin.patch(&path, "*", json!({ "areas": areas })).await.body["price"], 5);
    let history = admin.get(&format!("{path}/prices?limit=1")).await.body;
    assert_eq!((&history["items"][0]["area"], &history["items"][0]["number"]), (&json!("stand"), &json!(8)));
}

#[tokio::test]
async fn many_areas_get_other_prices_and_places_at_once() {
    let evently = TestApp::with(|config| config.seats_per_shard = 1).await;
    let areas = |price: u32, capacity: u32| {
        let one = |n| json!({ "id": format!("a{n}"), "name": "An area", "capacity": capacity, "base_price": price + n });
        Value::from((0..50).map(one).collect::<Vec<_>>())
    };
    let mut body = crate::common::concert(json!({ "capacity": null, "base_price": null }));
    // A hundred shards: more than are written with an event of 50 prices.
    body["areas"] = areas(100, 2);
    let created = evently.admin().post("/admin/events", body).await;
    assert_eq!((created.status, &created.body["capacity"]), (201, &json!(100)), "{}", created.body);
    let (admin, event) = (evently.admin(), created.body["id"].as_str().unwrap().to_owned());
    let path = format!("/admin/events/{event}");
    assert_eq!(evently.inventory(&event).await.len(), 100);
    let changed = admin.patch(&path, "*", json!({ "areas": areas(200, 4) })).await;
    assert_eq!((changed.status, &changed.body["capacity"]), (200, &json!(200)), "{}", changed.body);
    assert_eq!(
        (&changed.body["price"], by_area(&changed.body["areas"], "available")),
        (&json!(200), vec![json!(4); 50])
    );
    let csv = String::from_utf8(admin.get(&format!("{path}/prices?format=csv")).await.bytes).unwrap();
    assert_eq!(csv.lines().count(), 1 + 100, "each area's price twice");
    assert_eq!(admin.patch(&path, "*", json!({ "status": "draft" })).await.status, 200);
    let deleted = admin.delete_version(&path, "*").await;
    assert_eq!(deleted.status, 204, "{}", deleted.body);
}

#[tokio::test]
async fn sales_by_the_hour_and_all_numbers_are_known_by_area() {
    let evently = TestApp::start().await;
    let event = evently.event_created(10 * DAY, hall).await;
    let (admin, ada) = (evently.admin(), evently.user());
    buy(&ada, &event, "floor", 3).await;
    let given_back = buy(&ada, &event, "balcony", 2).await;
    buy(&ada, &event, "balcony", 4).await;
    assert_eq!(ada.cancel(&given_back).await.status, 200);
    ada.book_with(&event, json!({ "area": "box", "quantity": 1 })).await;
    let tickets = async |area: &str| {
        let path = format!("/admin/analytics/timeline?event_id={event}{area}&bucket=day");
        let timeline = admin.get(&path).await;
        assert_eq!(timeline.status, 200, "{}", timeline.body);
        let sum = |field: &str| {
            timeline.body["items"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|day| day[field].as_u64())
                .sum::<u64>()
        };
        (sum("tickets_sold"), sum("tickets_cancelled"))
    };
    let check = async |when: &str| {
        assert_eq!(tickets("").await, (9, 2), "{when}");
        assert_eq!(tickets("&area=floor").await, (3, 0), "{when}");
        assert_eq!(tickets("&area=balcony").await, (6, 2), "{when}");
        assert_eq!(tickets("&area=box").await, (0, 0), "{when}");
    };
    check("on the shards").await;
    // The janitor of in two hours moves them into the days of each area.
    for _ in 0..2 {
        janitor::run(&evently.app, Timestamp::now() + SignedDuration::from_hours(2)).await.unwrap();
    }
    let shards = evently.inventory(&event).await;
    assert!(shards.iter().all(|shard| shard.hours.is_empty()), "{shards:?}");
    check("in the days").await;
    admin
        .get(&format!("/admin/analytics/timeline?event_id={event}&area=gallery"))
        .await
        .assert_problem(404, "area_not_found");
    admin.get("/admin/analytics/timeline?area=floor").await.assert_problem(400, "invalid_parameter");

    let inventory = admin.get(&format!("/admin/events/{event}/inventory")).await.body;
    let areas = &inventory["by_area"];
    assert_eq!(
        (by_area(areas, "area"), by_area(areas, "sold"), by_area(areas, "held"), by_area(areas, "drift")),
        (
            vec![json!("floor"), json!("balcony"), json!("box")],
            vec![json!(3), json!(4), json!(0)],
            vec![json!(0), json!(0), json!(1)],
            vec![json!(0); 3]
        ),
        "{inventory}"
    );
    assert_eq!(by_area(areas, "revenue"), [3 * 4_500, 4 * 10_000, 0]);
    let utilization = admin.get("/admin/events/capacity_utilization").await.body;
    let ours =
        utilization["items"].as_array().unwrap().iter().find(|item| item["event_id"] == event).unwrap();
    assert_eq!(by_area(&ours["by_area"], "utilization"), [0.03, 0.04, 0.0]);
    assert_eq!(by_area(&ours["by_area"], "available"), [97, 96, 3]);
    let csv = admin.get("/admin/events/capacity_utilization?format=csv").await;
    let csv = String::from_utf8(csv.bytes).unwrap();
    for field in [
        "\"floor 100, balcony 100, box 4\"",
        "\"floor 3, balcony 4, box 0\"",
        "\"floor 13500, balcony 40000, box 0\"",
    ] {
        assert!(csv.contains(field), "{field}: {csv}");
    }
    let csv = String::from_utf8(admin.get("/admin/events?format=csv").await.bytes).unwrap();
    assert!(csv.contains("\"floor 100 at 4500 80-150 % (FLOOR), balcony"), "{csv}");
    let since = domain::time::shown(Timestamp::now() - SignedDuration::from_hours(DAY));
    for range in [String::new(), format!("?sold_from={since}")] {
        let analytics = admin.get(&format!("/admin/analytics{range}")).await.body;
        let popular = &analytics["most_popular"][0];
        assert_eq!(popular["event_id"], event, "{analytics}");
        assert_eq!(
            (&popular["tickets_sold"], by_area(&popular["by_area"], "tickets_sold")),
            (&json!(7), vec![json!(3), json!(4), json!(0)]),
            "{analytics}"
        );
    }
    // An event that names no areas has the general one in all of them.
    let plain = evently.event(10).await;
    evently.user().buy(&plain, 2).await;
    let inventory = admin.get(&format!("/admin/events/{plain}/inventory")).await.body;
    assert_eq!(
        (by_area(&inventory["by_area"], "area"), by_area(&inventory["by_area"], "sold")),
        (vec![json!("general")], vec![json!(2)])
    );
}
