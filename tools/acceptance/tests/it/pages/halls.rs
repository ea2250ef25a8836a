//! Halls in the console: made and shown before they are saved, more rows, seats out of sale and back.

use serde_json::{Value, json};

use super::*;
use crate::{
    common::{TestApp, in_hours},
    seats::{hold, theatre_event},
};

async fn admin_of(evently: &TestApp) -> Browser {
    let mut admin = Browser::new(evently);
    admin.sign_in_as_admin().await;
    admin
}

/// The fields of an event with these areas.
fn event_of<'a>(areas: &'a str, starts_at: &'a str, key: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("name", "Opera"),
        ("starts_at", starts_at),
        ("base_price", "0.00"),
        ("currency", "EUR"),
        ("areas", areas),
        ("key", key),
    ]
}

/// How many maps a page shows.
fn maps(page: &Page) -> usize {
    page.html.matches("<svg class=\"seat-map\"").count()
}

/// The rows of an event's areas, as the API shows them.
async fn layout(evently: &TestApp, event: &str) -> Value {
    evently.anybody().get(&format!("/events/{event}/layout")).await.body["areas"].clone()
}

const HALL: &str = "floor 50 20.00 Floor\r\nbalcony rows 65.00 80-150 Balcony\r\n+ no single seats\r\n+ A 24 : 1,24\r\n+ B 1,2,5a\r\n+ C..E 20";

#[tokio::test]
async fn a_hall_is_typed_looked_at_and_made_and_its_rows_stay() {
    let evently = TestApp::start().await;
    let mut admin = admin_of(&evently).await;
    let page = admin.get("/console/events/new").await;
    let (key, starts_at) = (page.field("key").unwrap(), in_hours(48)[..16].to_owned());
    let fields = event_of(HALL, &starts_at, &key);
    let preview = admin.submit("/console/events/new", &[&fields[..], &[("preview", "yes")]].concat()).await;
    assert_eq!((preview.status, maps(&preview)), (200, 1), "{}", preview.text());
    preview.says("Nothing is saved yet.");
    preview.says("5 rows, 87 seats");
    assert!(preview.html.contains("+ C..E 20</textarea>"), "what was typed is kept: {}", preview.html);
    assert_eq!(preview.field("key").as_deref(), Some(&*key));
    assert_eq!(evently.admin().get("/admin/events").await.body["items"], json!([]));

    let made = admin.submit("/console/events/new", &[&fields[..], &[("status", "published")]].concat()).await;
    let event = made.leads_to().unwrap_or_else(|| panic!("{}", made.text())).to_owned();
    let id = event.rsplit_once('/').unwrap().1;
    assert_eq!(
        layout(&evently, id).await,
        json!([{ "id": "balcony", "rows": [
            { "name": "A", "labels": 24, "accessible": ["1", "24"] },
            { "name": "B", "labels": ["1", "2", "5a"], "accessible": [] },
            { "name": "C", "labels": 20, "accessible": [] },
            { "name": "D", "labels": 20, "accessible": [] },
            { "name": "E", "labels": 20, "accessible": [] },
        ] }])
    );
    let seen = evently.admin().get(&format!("/admin/events/{id}")).await.body;
    assert_eq!(seen["areas"][1]["no_single_seats"], true, "{seen}");
    let shown = admin.follow(made).await;
    assert!(shown.html.contains(&format!("href=\"{event}/areas/balcony\"")), "{}", shown.html);
    assert!(!shown.html.contains(&format!("href=\"{event}/areas/floor\"")), "{}", shown.html);

    // To change something else, nobody types the rows again.
    let edited = admin.get(&format!("{event}/edit")).await;
    let typed = "floor 50 20.00 Floor\nbalcony rows 65.00 80-150 Balcony\n+ no single seats";
    assert!(edited.html.contains(&format!("{typed}</textarea>")), "{}", edited.html);
    let version = edited.field("version").unwrap();
    let changed = format!("{}\nstalls rows 30.00 Stalls\n+ 1..3 10", typed.replace("65.00", "70.00"));
    let mut fields = event_of(&changed, &starts_at, "");
    fields.retain(|(name, _)| *name != "key" && *name != "base_price");
    fields.push(("version", &version));
    let saved = admin.submit(&format!("{event}/edit"), &fields).await;
    assert_eq!(saved.leads_to(), Some(event.as_str()), "{}", saved.text());
    let seen = evently.admin().get(&format!("/admin/events/{id}")).await.body;
    let of = |area: usize, field: &str| seen["areas"][area][field].clone();
    assert_eq!(
        (of(1, "capacity"), of(1, "base_price"), of(1, "no_single_seats"), of(2, "capacity")),
        (json!(87), json!(7_000), json!(true), json!(30))
    );
}

#[tokio::test]
async fn what_is_wrong_with_rows_is_told_by_their_lines_before_anything_is_saved() {
    let evently = TestApp::start().await;
    let mut admin = admin_of(&evently).await;
    let page = admin.get("/console/events/new").await;
    let (key, starts_at) = (page.field("key").unwrap(), in_hours(48)[..16].to_owned());
    for (areas, said) in [
        ("balcony rows 65.00 Balcony", "in line 1: its rows are missing: write them below it, like + A 24"),
        ("balcony rows 65.00 Balcony\n+ A..C 4\n+ B 4", "in line 3: its row's name is there already"),
        (
            "balcony rows 65.00 Balcony\n\n+ A 4 : 5",
            "in line 3: its accessible seats must be seats of the row",
        ),
        ("balcony rows 65.00 Balcony\n+ A/B 4", "in line 2: its row's name must not have a slash"),
        ("balcony rows 65.00 Balcony\n+ A", "Areas can't be read in line 2: it must be like A 24"),
        ("balcony rows 65.00 Balcony\n+ A 201", "Areas can't be read in line 2: it must have 1 to 200 seats"),
        ("floor 5 65.00 Floor\n+ A 4", "Areas can't be read in line 2: it must stand below an area"),
        ("floor 5", "Areas can't be read in line 1: it must be a short word, places, a price and a name"),
    ] {
        for button in ["preview", "status"] {
            let value = if button == "status" { "published" } else { "yes" };
            let fields = [&event_of(areas, &starts_at, &key)[..], &[(button, value)]].concat();
            let wrong = admin.submit("/console/events/new", &fields).await;
            assert_eq!(wrong.status, 422, "{areas}");
            wrong.says(said);
        }
    }
    assert_eq!(evently.admin().get("/admin/events").await.body["items"], json!([]));
}

#[tokio::test]
async fn rows_are_added_and_seats_leave_the_sale_and_come_back() {
    let evently = TestApp::start().await;
    let event = theatre_event(&evently).await;
    hold(&evently.user(), &event, json!({ "area": "balcony", "seats": ["B-1", "B-2"] })).await;
    let mut admin = admin_of(&evently).await;
    let path = format!("/console/events/{event}/areas/balcony");
    let page = admin.get(&path).await;
    page.says("3 rows, 25 seats: 23 free, 2 held or sold, 0 out of sale.");
    assert_eq!(maps(&page), 1);

    let preview = admin.submit(&path, &[("rows", "D..E 10\n+ F 1,3 : 3"), ("preview", "yes")]).await;
    preview.says("With 3 new rows, which nobody has saved yet.");
    preview.says("new");
    assert!(preview.html.contains("seats-new"), "{}", preview.html);
    admin.get(&path).await.says("3 rows, 25 seats");
    let added = admin.submit(&path, &[("rows", "D..E 10\n+ F 1,3 : 3")]).await;
    let page = admin.follow(added).await;
    page.says("3 rows are added.");
    page.says("6 rows, 47 seats: 45 free, 2 held or sold, 0 out of sale.");
    assert_eq!(layout(&evently, &event).await[0]["rows"].as_array().unwrap().len(), 6);
    for (rows, said) in [
        ("G 10\nD 10", "Rows to add have something to mend in line 2: its row's name is there already."),
        ("G", "Rows to add can't be read in line 1: it must be like A 24"),
        ("1..1995 1", "Rows to add must be 2,000 at most, those among them that there are."),
        ("", "Rows to add is missing"),
    ] {
        let wrong = admin.submit(&path, &[("rows", rows)]).await;
        assert_eq!(wrong.status, 422, "{rows}");
        wrong.says(said);
        assert!(rows.is_empty() || wrong.html.contains(&format!("{rows}</textarea>")), "{}", wrong.html);
    }

    let seats = format!("{path}/seats");
    let out = admin.submit(&seats, &[("seats", "A-7, A-8, F"), ("way", "out")]).await;
    let page = admin.follow(out).await;
    page.says("4 seats out of sale.");
    page.says("41 free, 2 held or sold, 4 out of sale.");
    page.says("A 10 8 0 7, 8");
    for (named, status, said) in [
        ("A-1, B-2", 409, "Somebody has B-2: they can be taken out of sale once nobody has them."),
        ("A-1, Z-9", 422, "Nobody knows Z-9."),
        ("F", 422, "Seats must name one that this would change."),
        (" , ", 422, "Seats must name one that this would change."),
    ] {
        let refused = admin.submit(&seats, &[("seats", named), ("way", "out")]).await;
        assert_eq!(refused.status, status, "{named}: {}", refused.text());
        refused.says(said);
    }
    admin.get(&path).await.says("41 free, 2 held or sold, 4 out of sale.");
    let back = admin.submit(&seats, &[("seats", "F, A-8"), ("way", "back")]).await;
    let page = admin.follow(back).await;
    page.says("3 seats back on sale.");
    page.says("44 free, 2 held or sold, 1 out of sale.");
    let free = evently.anybody().get(&format!("/events/{event}/seats?area=balcony")).await;
    assert_eq!(free.body["rows"][0]["free"], "1111110111", "{}", free.body);

    let trail = admin.get(&format!("/console/audit?event={event}")).await;
    let told = trail.text().matches("areas balcony:").count();
    assert_eq!(told, 4, "made, larger, out and back: {}", trail.text());
    let inventory = evently.admin().get(&format!("/admin/events/{event}/inventory")).await;
    assert_eq!(inventory.body["drift"], 0, "{}", inventory.body);
}

#[tokio::test]
async fn what_is_no_hall_has_no_page_and_nobody_else_sees_one() {
    let evently = TestApp::start().await;
    let event = theatre_event(&evently).await;
    let mut admin = admin_of(&evently).await;
    for (area, id) in [("floor", &*event), ("nowhere", &*event), ("balcony", "0")] {
        let page = admin.get(&format!("/console/events/{id}/areas/{area}")).await;
        assert_eq!(page.status, 404, "{area} of {id}");
    }
    let patched =
        evently.admin().patch(&format!("/admin/events/{event}"), "*", json!({ "status": "draft" })).await;
    assert_eq!(patched.status, 200, "{}", patched.body);
    admin.get(&format!("/console/events/{event}/areas/balcony")).await.says("3 rows, 25 seats: 25 free");
    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let path = format!("/console/events/{event}/areas/balcony");
    assert_eq!(ada.get(&path).await.status, 403);
    assert_eq!(ada.submit(&path, &[("rows", "D 4")]).await.status, 403);
    assert_eq!(ada.submit(&format!("{path}/seats"), &[("seats", "A-1"), ("way", "out")]).await.status, 403);
    admin.forget_form();
    assert_eq!(admin.submit(&path, &[("rows", "D 4")]).await.status, 403, "a form of nobody's");
}
