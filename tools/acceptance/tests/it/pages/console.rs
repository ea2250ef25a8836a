//! The console.

use serde_json::json;

use super::*;
use crate::common::{PASSWORD, TestApp, in_hours};

/// A browser with an admin.
async fn admin_of(evently: &TestApp) -> Browser {
    let mut admin = Browser::new(evently);
    admin.sign_in_as_admin().await;
    admin
}

/// What a browser sends of a new event; times as it has them without scripts.
fn new_event<'a>(starts_at: &'a str, key: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("name", "Night of <Stars>"),
        ("venue", "Riverside Park"),
        ("description", "Two bands.\r\n\r\nBring a coat."),
        ("starts_at", starts_at),
        ("ends_at", ""),
        ("capacity", "100"),
        ("base_price", "45,50"),
        ("currency", "eur"),
        ("status", "draft"),
        ("key", key),
    ]
}

fn with<'a>(fields: &[(&'a str, &'a str)], name: &str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    fields.iter().map(|(field, old)| (*field, if *field == name { value } else { *old })).collect()
}

/// The first minutes of a time, as a field of it holds them.
fn minutes(at: &str) -> String {
    at[..16].to_owned()
}

#[tokio::test]
async fn an_event_is_made_published_sold_changed_and_cancelled_without_scripts() {
    let evently = TestApp::start().await;
    let mut admin = admin_of(&evently).await;
    admin.get("/").await.says("Console");
    let page = admin.get("/console/events/new").await;
    let (key, starts_at) = (page.field("key").unwrap(), minutes(&in_hours(48)));
    let fields = new_event(&starts_at, &key);
    let made = admin.submit("/console/events/new", &fields).await;
    let event = made.leads_to().unwrap_or_else(|| panic!("{}", made.html)).to_owned();
    let shown = admin.follow(made).await;
    shown.says("It is saved as a draft, which nobody else sees.");
    shown.says("Night of &lt;Stars&gt;");
    shown.says("Nobody sees it yet.");
    // Sent again, it makes no second one.
    assert_eq!(admin.submit("/console/events/new", &fields).await.leads_to(), Some(event.as_str()));
    let other = admin.submit("/console/events/new", &with(&fields, "capacity", "200")).await;
    assert_eq!(other.status, 422);
    other.says("This form made an event already");

    let id = event.rsplit_once('/').unwrap().1;
    assert_eq!(Browser::new(&evently).get(&format!("/shop/events/{id}")).await.status, 404);
    let version = shown.field("version").unwrap();
    let publish = [("status", "published"), ("version", version.as_str())];
    let published = admin.submit(&format!("{event}/status"), &publish).await;
    let shown = admin.follow(published).await;
    shown.says("It is published.");
    let stale = admin.submit(&format!("{event}/status"), &publish).await;
    admin.follow(stale).await.says("Somebody changed this event meanwhile");

    let mut ada = Browser::new(&evently);
    ada.register("ada@example.com").await;
    let held = hold(&mut ada, id, "3").await;
    let at = held.leads_to().unwrap().to_owned();
    let page = ada.follow(held).await;
    page.says("136.50 EUR");
    admin.get(&event).await.says("Sold 0 Pending 0 Held 3 Being booked 0 Free 97 In all 100 Missing none");
    ada.submit(&format!("{at}/confirm"), &[]).await;
    let shown = admin.get(&event).await;
    shown.says("Sold 3 Pending 0 Held 0 Being booked 0 Free 97 In all 100 Missing none");
    shown.says("136.50 EUR");

    // What is changed is changed, and what is left alone stays, the line breaks too.
    let edited = admin.get(&format!("{event}/edit")).await;
    let edit: Vec<_> = [
        ("name", "Night of <Stars>"),
        ("venue", ""),
        ("description", "Two bands.\r\n\r\nBring a coat."),
        ("starts_at", starts_at.as_str()),
        ("capacity", "150"),
        ("base_price", "50"),
        ("currency", "EUR"),
        ("max_per_booking", "10"),
        ("max_per_user", "10"),
        ("pricing", "yes"),
        ("max_percent", "120"),
    ]
    .to_vec();
    assert!(edited.html.contains("value=\"45.50\""), "{}", edited.html);
    assert!(edited.html.contains(&format!("value=\"{starts_at}\"")), "{}", edited.html);
    let version = edited.field("version").unwrap();
    let saved = admin.submit(&format!("{event}/edit"), &[&edit[..], &[("version", &version)]].concat()).await;
    assert_eq!(saved.leads_to(), Some(event.as_str()), "{}", saved.text());
    let now = evently.admin().get(&format!("/admin/events/{id}")).await.body;
    assert_eq!(now["pricing"], json!({ "min_percent": 80, "max_percent": 120 }));
    assert_eq!(
        (&now["capacity"], &now["base_price"], &now["venue"]),
        (&json!(150), &json!(5_000), &json!(null))
    );
    assert_eq!(now["description"], "Two bands.\n\nBring a coat.");
    let page = admin.follow(saved).await;
    page.says("You set another price");
    // A form of the version before saves nothing, and shows what differs.
    let stale = admin
        .submit(
            &format!("{event}/edit"),
            &[&with(&edit, "capacity", "140")[..], &[("version", &version)]].concat(),
        )
        .await;
    assert_eq!(stale.status, 422);
    stale.says("Somebody changed this event meanwhile.");
    stale.says("Now it is: 150");
    assert_eq!(stale.text().matches("Now it is:").count(), 1, "{}", stale.text());
    let version = stale.field("version").unwrap();
    let few = admin
        .submit(
            &format!("{event}/edit"),
            &[&with(&edit, "capacity", "2")[..], &[("version", &version)]].concat(),
        )
        .await;
    assert_eq!(few.status, 409);
    few.says("3 places are sold or held");

    let shown = admin.get(&event).await;
    let version = shown.field("version").unwrap();
    let draft = admin.submit(&format!("{event}/status"), &[("status", "draft"), ("version", &version)]).await;
    admin.follow(draft).await.says("Places of it were sold or are held.");
    let cancel = |reason| [("status", "cancelled"), ("version", &*version), ("reason", reason)];
    let long = "x".repeat(501);
    let refused = admin.submit(&format!("{event}/status"), &cancel(&long)).await;
    admin.follow(refused).await.says("The reason may have 500 characters at most");
    let cancelled = admin.submit(&format!("{event}/status"), &cancel("The <roof> leaks.")).await;
    let page = admin.follow(cancelled).await;
    page.says("It is cancelled, and people see that.");
    page.says("Why: The &lt;roof&gt; leaks.");
    page.says("1 of its bookings, with 3 places, are still to be cancelled.");
    assert!(!page.text().contains("Put it back on sale"), "{}", page.text());
    ada.get("/shop/bookings").await.says("The event was cancelled");
    janitor::run(&evently.app, jiff::Timestamp::now()).await.unwrap();
    admin.get(&event).await.says("All its bookings are cancelled");
    ada.get(&event.replace("/console", "/shop")).await.says("Why: The &lt;roof&gt; leaks.");
    let mine = ada.get("/shop/bookings").await;
    let (_, booking) = mine.html.split_once("/shop/bookings/").unwrap();
    let mine = ada.get(&format!("/shop/bookings/{}", booking.split('"').next().unwrap())).await;
    mine.says("The event was cancelled The &lt;roof&gt; leaks.");

    let trail = admin.get(&format!("/console/audit?event={id}")).await;
    trail.says("capacity: 100 → 150");
    trail.says("status: published → cancelled");
    assert!(!admin.get("/console/audit?event=nonsense").await.text().contains("capacity"));
    admin.get("/console").await.says("Tickets sold 3");
}

#[tokio::test]
async fn a_draft_is_deleted_and_a_published_event_is_not() {
    let evently = TestApp::start().await;
    let mut admin = admin_of(&evently).await;
    let draft = evently.event_with(json!({ "status": "draft" })).await;
    let published = evently.event(10).await;
    for (id, said) in [(&draft, "The draft is deleted."), (&published, "Only a draft can be deleted.")] {
        let path = format!("/console/events/{id}");
        let version = admin.get(&path).await.field("version").unwrap();
        let deleted = admin.submit(&format!("{path}/delete"), &[("version", &version)]).await;
        admin.follow(deleted).await.says(said);
    }
    assert_eq!(admin.get(&format!("/console/events/{draft}")).await.status, 404);
    assert_eq!(admin.get(&format!("/console/events/{published}")).await.status, 200);
}

#[tokio::test]
async fn every_bad_field_of_an_event_is_told_at_once_in_the_words_of_the_form() {
    let evently = TestApp::start().await;
    let mut admin = admin_of(&evently).await;
    let page = admin.get("/console/events/new").await;
    let key = page.field("key").unwrap();
    let mut fields = new_event("yesterday", &key);
    for (name, value) in
        [("name", "\u{200b}"), ("capacity", "0"), ("base_price", "many"), ("currency", "EUR")]
    {
        fields = with(&fields, name, value);
    }
    fields.push(("min_percent", "5000"));
    fields.push(("pricing", "yes"));
    let wrong = admin.submit("/console/events/new", &fields).await;
    assert_eq!(wrong.status, 422);
    for said in [
        "Nothing is saved yet",
        "Name must",
        "Starts must be a day and a time.",
        "Places must be a whole number from 1 to 1000000.",
        "Price of a place must be an amount like 45.00",
        "Lowest price, % of the price must be a whole number from 1 to 1000.",
    ] {
        wrong.says(said);
    }
    assert!(wrong.html.contains("value=\"many\""), "what was typed is kept: {}", wrong.html);
    assert!(wrong.html.contains("<details open>"), "what is wrong is out of sight: {}", wrong.html);
    let wrong = admin
        .submit("/console/events/new", &with(&new_event("2020-01-01T18:00", &key), "currency", "XXX"))
        .await;
    wrong.says("Currency must be");
    wrong.says("Starts must be in the future.");
    let ends = [("ends_at", "2031-06-12T17:00")];
    let mut fields = new_event("2031-06-12T18:00", &key);
    fields.retain(|(name, _)| *name != "ends_at");
    let wrong = admin.submit("/console/events/new", &[&fields[..], &ends].concat()).await;
    wrong.says("Ends must be after “Starts”.");
    assert!(admin.get("/console/events").await.text().contains("None here."));
}

#[tokio::test]
async fn what_was_typed_is_not_lost_to_the_rate_limit() {
    let evently = TestApp::with(|config| config.rate_limits.writes_per_minute = 1).await;
    let mut admin = admin_of(&evently).await;
    let page = admin.get("/console/events/new").await;
    let (key, starts_at) = (page.field("key").unwrap(), minutes(&in_hours(48)));
    let fields = new_event(&starts_at, &key);
    let made = admin.submit("/console/events/new", &fields).await;
    let event = made.leads_to().unwrap().to_owned();
    let limited = admin.submit("/console/events/new", &with(&fields, "name", "Typed at length")).await;
    assert_eq!(limited.status, 429);
    limited.says("A little slower, please");
    assert!(limited.html.contains("value=\"Typed at length\""), "{}", limited.html);
    let version = admin.get(&format!("{event}/edit")).await.field("version").unwrap();
    let fields = [&with(&fields, "name", "Typed at length")[..], &[("version", &version)]].concat();
    // What others change meanwhile is not saved over by sending the form that is shown again.
    let id = event.rsplit_once('/').unwrap().1;
    let changed =
        evently.admin().patch(&format!("/admin/events/{id}"), "*", json!({ "capacity": 200 })).await;
    assert_eq!(changed.status, 200);
    let limited = admin.submit(&format!("{event}/edit"), &fields).await;
    assert_eq!((limited.status, limited.field("version").as_deref()), (429, Some(version.as_str())));
    assert!(limited.html.contains("value=\"Typed at length\""), "{}", limited.html);
    // Who is signed in no more is told that nothing was done.
    admin.cookies.clear();
    let led = admin.submit(&format!("{event}/edit"), &fields).await;
    admin.follow(led).await.says("You are not signed in any more, so nothing was done.");
}

#[tokio::test]
async fn the_console_is_for_admins_and_its_forms_are_of_their_session() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let mut ada = Browser::new(&evently);
    let paths = web::PAGES
        .iter()
        .filter(|path| path.starts_with("/console"))
        .map(|path| path.replace("{id}", &event));
    let paths: Vec<_> = paths.collect();
    for path in &paths {
        let led = ada.get(path).await;
        assert!(
            led.leads_to().is_some_and(|to| to.starts_with("/shop/sign-in?next=%2Fconsole")),
            "{path}: {led:?}"
        );
    }
    ada.register("ada@example.com").await;
    assert!(!ada.get("/").await.text().contains("Console"));
    for path in &paths {
        let refused = ada.get(path).await;
        assert_eq!(refused.status, 403, "{path}");
        refused.says("This is for admins");
    }
    let form = ada.get("/shop/account").await;
    assert!(form.field("form_token").is_some());
    let at = |path: &str| format!("/console/events/{event}/{path}");
    for (path, fields) in [
        (
            "/console/events/new".to_owned(),
            new_event("2031-06-12T18:00", "01890a5d-ac96-774b-bcce-b302099a8057"),
        ),
        (at("edit"), new_event("2031-06-12T18:00", "")),
        (at("status"), vec![("status", "cancelled"), ("version", "1")]),
        (at("delete"), vec![("version", "1")]),
    ] {
        assert_eq!(ada.submit(&path, &fields).await.status, 403, "{path}");
    }
    // A form of another session than the admin's own does nothing either.
    let mut admin = admin_of(&evently).await;
    let other = form.field("form_token").unwrap();
    let version = admin.get(&format!("/console/events/{event}")).await.field("version").unwrap();
    admin.forget_form();
    let fields = [("status", "cancelled"), ("version", version.as_str()), ("form_token", &other)];
    assert_eq!(admin.submit(&at("status"), &fields).await.status, 403);
    admin.get(&format!("/console/events/{event}")).await.says("Published");
}

#[tokio::test]
async fn an_events_bookings_are_listed_and_found_by_the_buyers_address() {
    let evently = TestApp::start().await;
    let (event, other) = (evently.event(100).await, evently.event(100).await);
    for email in ["ada@example.com", "ben@example.com"] {
        let mut buyer = Browser::new(&evently);
        buyer.register(email).await;
        for event in [&event, &other] {
            let held = hold(&mut buyer, event, "2").await;
            let at = held.leads_to().unwrap().to_owned();
            buyer.follow(held).await;
            buyer.submit(&format!("{at}/confirm"), &[]).await;
        }
    }
    let mut admin = admin_of(&evently).await;
    let path = format!("/console/events/{event}/bookings");
    let all = admin.get(&path).await;
    all.says("ada@example.com");
    all.says("ben@example.com");
    let of_ada = admin.get(&format!("{path}?email=+ADA%40example.com+")).await;
    assert_eq!(of_ada.text().matches("2 50.00 EUR Booked").count(), 1, "{}", of_ada.text());
    assert!(!of_ada.text().contains("ben@example.com"));
    for nobody in ["email=nobody%40example.com", "email=ada", "email=ada%40example.com&status=cancelled"] {
        admin.get(&format!("{path}?{nobody}")).await.says("Nobody with this address has such bookings here.");
    }
    admin.get(&format!("{path}?status=cancelled")).await.says("There are none of this status here.");
    assert_eq!(admin.get(&format!("{path}?cursor=made-up")).await.status, 400);
}

#[tokio::test]
async fn the_console_says_which_of_its_pages_this_is() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let mut admin = admin_of(&evently).await;
    for (path, name) in [
        ("/console", "Overview"),
        ("/console/events", "Events"),
        ("/console/events/new", "New event"),
        ("/console/audit", "Audit trail"),
        ("/console/webhooks", "Webhooks"),
        ("/console/deliveries", "Deliveries"),
    ] {
        let page = admin.get(path).await;
        assert!(page.html.contains(&format!("aria-current=\"page\">{name}</a>")), "{path}: {}", page.html);
        assert_eq!(page.html.matches("aria-current=\"page\"").count(), 1, "{path}");
    }
    let other = admin.get(&format!("/console/events/{event}/edit")).await;
    assert!(!other.html.contains("aria-current=\"page\""), "{}", other.html);
}

#[tokio::test]
async fn lists_of_the_console_are_paged_and_searched() {
    let evently = TestApp::start().await;
    let mut admin = admin_of(&evently).await;
    admin.get("/console").await.says("There are none.");
    for number in 0..21 {
        evently
            .event_with(
                json!({ "name": format!("Numbered {number:02}"), "starts_at": in_hours(48 + number) }),
            )
            .await;
    }
    evently.event_with(json!({ "name": "Étude", "status": "draft" })).await;
    let page = admin.get("/console/events?q=numbered").await;
    assert_eq!(page.html.matches("Numbered ").count(), 20, "{}", page.text());
    let next = page
        .html
        .split("rel=\"next\" href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .replace("&amp;", "&");
    admin.get(&next).await.says("Numbered 20");
    admin.get("/console/events?q=etude").await.says("Draft");
    admin.get("/console/events?status=cancelled").await.says("None here.");
    admin.get("/console/events?status=nonsense").await.says("Numbered 00");
    let page = admin.get("/console/audit").await;
    assert!(page.html.contains("rel=\"next\""), "{}", page.text());
}

#[tokio::test]
async fn a_form_that_is_no_utf_8_is_refused() {
    let evently = TestApp::start().await;
    let browser = Browser::new(&evently);
    for password in ["%ff%ff%ff%ff%ff%ff%ff%ff", "%c3"] {
        let body = format!("email=ada%40example.com&password={password}");
        let request =
            browser.request(reqwest::Method::POST, "/shop/register").header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let refused = browser.clone().show(request).await;
        assert_eq!(refused.status, 400, "{password}");
        refused.says("This can't be read");
    }
    let mut browser = browser;
    let accepted =
        browser.submit("/shop/register", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(accepted.status, 303);
}
