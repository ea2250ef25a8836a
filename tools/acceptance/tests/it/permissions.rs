//! The policies in `template.yaml`: every test holds the functions to them; here, that they permit nothing more.

use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use stores::dynamodb::AskedTable;
use tokio::time::sleep;
use uuid::Uuid;

use crate::common::{
    PASSWORD, Permissions, TestApp,
    browser::Browser,
    concert, erase_me, forget_ended_tokens, in_hours,
    permissions::{POLICIES, Permission, as_function, gateway},
    registered,
};
use crate::{mails, pending, seats, webhooks};

#[tokio::test]
async fn each_function_needs_all_that_its_policy_permits() {
    let permissions = Permissions::default();
    let base = TestApp::with(|config| config.confirm_grace_ms = 100).await;
    let evently = base.another_permitted(&permissions).await;
    for function in ["events", "reservations", "bookings", "admin", "web", "janitor", "pricing"] {
        as_function(function, evently.app.open_connections(AskedTable::Events)).await;
    }
    as_function("auth", evently.app.open_connections(AskedTable::Users)).await;
    sign_in_and_change_the_password(&evently).await;
    ask_which_tokens_ended(&base, &permissions).await;
    let event = sell_and_cancel(&evently).await;
    book_where_addresses_are_verified(&permissions).await;
    look_at_the_numbers(&evently, &event).await;
    create_and_delete_a_draft(&evently).await;
    run_the_jobs(&evently, &evently.another_permitted(&permissions).await, &event).await;
    look_at_oneself_and_be_erased(&evently).await;
    use_the_pages(&evently, &base, &permissions).await;
    use_the_console(&evently).await;
    mails::use_all_that_telling_may(&permissions).await;
    webhooks::use_all_that_webhooks_may(&permissions).await;

    let used = permissions.used();
    for (function, permitted) in POLICIES.iter() {
        let unused: BTreeSet<_> = permitted.difference(&used[function]).collect();
        assert!(unused.is_empty(), "{function} did without {unused:#?}");
    }
}

#[test]
fn the_gateway_to_dynamodb_lets_through_what_some_function_may_and_no_more() {
    let through = gateway();
    // What tells people is outside of its network.
    let inner = POLICIES.iter().filter(|(function, _)| *function != "notifications");
    let needed: BTreeSet<_> = inner.flat_map(|(_, permitted)| permitted).cloned().collect();
    // It knows no partitions.
    let whole = |on: &str| on.split('[').next().unwrap().to_owned();
    let needed: BTreeSet<_> = needed.into_iter().map(|(action, on)| (action, whole(&on))).collect();
    assert!(needed.is_subset(&through), "kept back: {:?}", needed.difference(&through));
    let of = |permissions: &BTreeSet<Permission>, part: fn(&Permission) -> &String| -> BTreeSet<String> {
        permissions.iter().map(|permission| part(permission).clone()).collect()
    };
    // It names all actions for all tables: the functions' own policies say which for which.
    assert_eq!(of(&through, |permission| &permission.0), of(&needed, |permission| &permission.0));
    assert_eq!(of(&through, |permission| &permission.1), of(&needed, |permission| &permission.1));
}

async fn sign_in_and_change_the_password(evently: &TestApp) {
    let anybody = evently.anybody();
    let account = json!({ "email": "ada@example.com", "password": "correct horse battery" });
    assert_eq!(anybody.post("/register", account.clone()).await.status, 201);
    // This address may have an account under a key of a release before.
    let zoe = json!({ "email": "zoé@bücher.example", "password": "correct horse battery" });
    assert_eq!(anybody.post("/register", zoe).await.status, 201);
    let ada = anybody.with_token(anybody.post("/login", account).await.text("access_token"));
    let change =
        json!({ "current_password": "correct horse battery", "new_password": "battery horse correct" });
    assert_eq!(ada.post("/password", change).await.status, 204);
}

/// Somebody whose booking's event was cancelled; and somebody whose token leads to no account.
async fn look_at_oneself_and_be_erased(evently: &TestApp) {
    let (admin, ada) = (evently.admin(), registered(evently, "grace@example.com").await);
    let event = evently.event(10).await;
    ada.buy(&event, 1).await;
    let path = format!("/admin/events/{event}");
    assert_eq!(
        admin.get(&format!("{path}/bookings")).await.body["items"][0]["user"]["email"],
        "grace@example.com"
    );
    assert_eq!(admin.patch(&path, "*", json!({ "status": "cancelled" })).await.status, 200);
    assert_eq!(ada.get("/me").await.status, 200);
    assert_eq!(erase_me(&ada, PASSWORD).await.status, 204);
    assert_eq!(evently.user().get("/me").await.status, 200);
}

/// Redis has lost which tokens ended, each time that a function is shown one.
async fn ask_which_tokens_ended(evently: &TestApp, permissions: &Permissions) {
    let id = Uuid::now_v7();
    for path in ["/events", &format!("/reservations/{id}"), "/bookings", "/admin/events"] {
        forget_ended_tokens(evently).await;
        let process = evently.another_permitted(permissions).await;
        process.admin().get(path).await;
    }
    forget_ended_tokens(evently).await;
    let process = evently.another_permitted(permissions).await;
    process.user().post("/password", json!({})).await.assert_problem(422, "validation_failed");
}

/// An event that grows and shrinks, a user with more seats than one may have, a confirm that nobody finished.
async fn sell_and_cancel(evently: &TestApp) -> String {
    let (anybody, admin, ada) = (evently.anybody(), evently.admin(), evently.user());
    let details = |capacity: u32| {
        concert(json!({ "capacity": capacity, "max_per_user": 3, "pricing": { "max_percent": 200 } }))
    };
    let event = admin.post("/admin/events", details(600)).await.text("id");
    for (version, capacity) in [("\"1\"", 1_200), ("\"2\"", 900)] {
        let changed = admin.put(&format!("/admin/events/{event}"), version, details(capacity)).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
    }
    evently.app.redis.forget_copy(event.parse().unwrap()).await.unwrap();
    for path in ["/health", "/events", &format!("/events/{event}"), "/events/popular"] {
        assert_eq!(anybody.get(path).await.status, 200, "{path}");
    }
    let booking = ada.buy(&event, 2).await;
    ada.book(&event, 2).await.assert_problem(409, "max_per_user_reached");
    assert_eq!(ada.confirm(&booking).await.status, 200);
    assert_eq!(ada.get("/bookings").await.body["items"][0]["id"], booking);
    assert_eq!(ada.cancel(&booking).await.status, 200);
    event
}

async fn book_where_addresses_are_verified(permissions: &Permissions) {
    let base = TestApp::with(|config| config.require_verified_email = true).await;
    let evently = base.another_permitted(permissions).await;
    let event = base.event(10).await;
    let account = json!({ "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(evently.anybody().post("/register", account.clone()).await.status, 202);
    let token = evently.anybody().post("/login", account).await.text("access_token");
    evently.anybody().with_token(token).book(&event, 1).await.assert_problem(403, "email_not_verified");
}

async fn look_at_the_numbers(evently: &TestApp, event: &str) {
    let admin = evently.admin();
    let of_event = |what: &str| format!("/admin/events/{event}/{what}");
    for path in [
        &of_event("inventory"),
        &of_event("prices"),
        &of_event("bookings"),
        "/admin/analytics",
        "/admin/audit",
    ] {
        assert_eq!(admin.get(path).await.status, 200, "{path}");
    }
}

async fn create_and_delete_a_draft(evently: &TestApp) {
    let admin = evently.admin();
    // With more shards than three transactions take.
    let draft = admin.post("/admin/events", concert(json!({ "status": "draft", "capacity": 10_000 }))).await;
    let gone = admin.delete_version(draft.header("location"), "*").await;
    assert_eq!(gone.status, 204, "{}", gone.body);
}

/// Whoever uses pages does there what others do by the API.
async fn use_the_pages(evently: &TestApp, base: &TestApp, permissions: &Permissions) {
    let event = evently.event(10).await;
    let mut ada = Browser::new(evently);
    for email in ["zoé@bücher.example", "lovelace@example.com"] {
        let fields = [("email", email), ("password", PASSWORD)];
        ada.submit("/shop/register", &fields).await;
        ada.cookies.clear();
        ada.submit("/shop/sign-in", &fields).await;
    }
    let page = ada.open(&format!("/shop/events/{event}")).await;
    let fields = [("quantity", "1"), ("key", &page.field("key").unwrap())];
    let held = ada.submit(&format!("/shop/events/{event}/book"), &fields).await;
    let confirmed = ada.submit(&format!("{}/confirm", held.leads_to().unwrap()), &[]).await;
    let booking = confirmed.leads_to().unwrap().to_owned();
    for path in ["/", "/shop/bookings", "/shop/account", &booking] {
        assert_eq!(ada.get(path).await.status, 200, "{path}");
    }
    let cancelled = ada.submit(&format!("{booking}/cancel"), &[]).await;
    assert_eq!(cancelled.leads_to(), Some(booking.as_str()));
    let changed = [("current_password", PASSWORD), ("new_password", "battery horse correct")];
    assert_eq!(ada.submit("/shop/account/password", &changed).await.leads_to(), Some("/shop/sign-in"));
    ada.submit("/shop/sign-in", &[("email", "lovelace@example.com"), ("password", "battery horse correct")])
        .await;
    ada.get("/shop/account").await;
    let erased = ada.submit("/shop/account/erase", &[("password", "battery horse correct")]).await;
    assert_eq!(erased.leads_to(), Some("/"), "{}", erased.text());
    // A process that does not know which tokens ended, and an event that Redis has forgotten.
    forget_ended_tokens(base).await;
    evently.app.redis.forget_event(event.parse().unwrap(), &1.into()).await.unwrap();
    let another = base.another_permitted(permissions).await;
    let mut ben = Browser::new(&another);
    ben.register("ben@example.com").await;
    assert_eq!(ben.get(&format!("/shop/events/{event}")).await.status, 200);
    // Somebody whose token leads to no account.
    let session = accounts::sessions::Session::new(evently.user().token.unwrap(), Timestamp::now());
    let mut nobody = Browser::new(evently);
    nobody.cookies.insert("evently".to_owned(), evently.app.tokens.seal_session(&session).unwrap());
    assert_eq!(nobody.get("/shop/account").await.status, 200);
    // One where nobody asked for the list of events before.
    let first = TestApp::start().await.another_permitted(permissions).await;
    assert_eq!(Browser::new(&first).get("/").await.status, 200);
}

/// An event that grows and shrinks, and one that is deleted, with more shards than three transactions take.
async fn use_the_console(evently: &TestApp) {
    let mut admin = Browser::new(evently);
    admin.sign_in_as_admin().await;
    webhooks::use_the_console(&mut admin).await;
    let starts_at = in_hours(48);
    let fields = |capacity: &'static str, starts_at| {
        vec![
            ("name", "Concert"),
            ("starts_at", starts_at),
            ("capacity", capacity),
            ("base_price", "45.00"),
            ("currency", "EUR"),
        ]
    };
    let created = |key, status, capacity| {
        [fields(capacity, &starts_at), vec![("key", key), ("status", status)]].concat()
    };
    for (key, status, capacity) in [
        ("01890a5d-ac96-774b-bcce-b302099a8057", "published", "600"),
        ("01890a5d-ac96-774b-bcce-b302099a8058", "draft", "10000"),
    ] {
        let made = admin.submit("/console/events/new", &created(key, status, capacity)).await;
        let event = made.leads_to().unwrap_or_else(|| panic!("{}", made.text())).to_owned();
        let version = admin.follow(made).await.field("version").unwrap();
        if status == "draft" {
            let deleted = admin.submit(&format!("{event}/delete"), &[("version", &version)]).await;
            assert_eq!(deleted.leads_to(), Some("/console/events"), "{}", deleted.text());
            continue;
        }
        for capacity in ["1200", "900"] {
            let version = admin.get(&format!("{event}/edit")).await.field("version").unwrap();
            let changed = [fields(capacity, &starts_at), vec![("version", &version)]].concat();
            let saved = admin.submit(&format!("{event}/edit"), &changed).await;
            assert_eq!(saved.leads_to(), Some(event.as_str()), "{}", saved.text());
        }
        for path in ["/console", "/console/events", "/console/audit", &format!("{event}/bookings")] {
            assert_eq!(admin.get(path).await.status, 200, "{path}");
        }
    }
}

/// The janitor settles a confirm and moves past sales; pricing moves prices and keeps them.
async fn run_the_jobs(evently: &TestApp, jobs: &TestApp, event: &str) {
    let ben = evently.user();
    let hold = ben.hold(event, 1).await;
    evently.app.redis.begin(hold.parse().unwrap(), ben.user_id.unwrap(), 100).await.unwrap();
    // The janitor needs to know what the rows of an area are.
    let theatre = seats::theatre_event(evently).await;
    seats::hold(&ben, &theatre, json!({ "area": "balcony", "seats": ["A-1"] })).await;
    // And it cancels what was booked of an event that is cancelled.
    let off = evently.event(10).await;
    ben.buy(&off, 1).await;
    let cancelled =
        evently.admin().patch(&format!("/admin/events/{off}"), "*", json!({ "status": "cancelled" })).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    let answered = pending::answered(evently, &ben, event).await;
    as_function("followup", async {
        jobs.app.open_connections(AskedTable::Events).await;
        let done = followup::handle(&jobs.app, answered).await.unwrap();
        assert_eq!(done, json!({ "batchItemFailures": [] }));
    })
    .await;
    sleep(Duration::from_millis(200)).await;
    let later = Timestamp::now() + SignedDuration::from_hours(24 * 4);
    as_function("janitor", janitor::run(&jobs.app, Timestamp::now())).await.unwrap();
    as_function("janitor", janitor::run(&jobs.app, later)).await.unwrap();
    // The price falls to its lowest, and is kept there.
    for day in 0..4 {
        let then = later + SignedDuration::from_hours(24 * day);
        as_function("pricing", pricing::run(&evently.app, then)).await.unwrap();
    }
}
