//! The audit trail: what an admin does leaves one entry, in the transaction that does it, and what is refused leaves none.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    audit::{Actor, AuditEntry},
    id::{EventId, UserId},
};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use stores::dynamodb::{self, AuditFilter, PageLimits};

use crate::{
    admin_numbers::csv,
    cancelled_events::as_by_release_before,
    common::{
        ADMIN_EMAIL, ADMIN_PASSWORD, Session, TestApp,
        between::Call,
        between::Reply,
        concert, details,
        permissions::{POLICIES, gateway},
        send, shared_dynamodb, sign_in,
    },
};

/// The newest entries.
async fn trail(evently: &TestApp, query: &str) -> Vec<Value> {
    let listed = evently.admin().get(&format!("/admin/audit?limit=100{query}")).await;
    assert_eq!((listed.status, &listed.body["next_cursor"]), (200, &Value::Null), "{}", listed.body);
    listed.body["items"].as_array().unwrap().clone()
}

/// How many entries there are.
async fn entries(evently: &TestApp) -> usize {
    trail(evently, "").await.len()
}

fn changes(entry: &Value) -> Vec<(&str, &Value, &Value)> {
    let changes = entry["changes"].as_array().unwrap().iter();
    changes.map(|change| (change["field"].as_str().unwrap(), &change["before"], &change["after"])).collect()
}

#[tokio::test]
async fn each_action_leaves_one_entry_that_says_who_did_what() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    let began = Timestamp::now();
    let created =
        admin.post("/admin/events", concert(json!({ "status": "draft", "capacity": 20, "venue": null })));
    let created = created.await;
    let path = created.header("location").to_owned();
    let mut answers = vec![created];
    for patch in [
        json!({ "status": "published" }),
        json!({ "name": "Gala", "venue": "Opera", "capacity": 30, "pricing": { "max_percent": 120 } }),
        json!({ "capacity": 10 }),
        json!({ "status": "cancelled" }),
    ] {
        answers.push(admin.patch(&path, "*", patch).await);
    }
    as_by_release_before(&evently, &answers[0].text("id")).await;
    let draft = concert(json!({ "name": "Gala", "status": "draft", "capacity": 10, "base_price": 3_000 }));
    answers.push(admin.put(&path, "*", draft).await);
    answers.push(admin.delete_version(&path, "*").await);
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [201, 200, 200, 200, 200, 200, 204]);

    let mut found = trail(&evently, "").await;
    found.reverse();
    assert_eq!(found.len(), answers.len(), "{found:#?}");
    for (version, (entry, answer)) in (0_u64..).zip(found.iter().zip(&answers)) {
        let is_last = answer.status == 204;
        assert_eq!(
            entry["admin"],
            json!({ "id": admin.user_id.unwrap().to_string(), "email": null }),
            "it has no account"
        );
        assert_eq!(entry["request_id"], answer.header("x-request-id"));
        assert_eq!(entry["event_id"], answers[0].text("id"));
        assert_eq!(entry["version_before"], if version == 0 { Value::Null } else { json!(version) });
        assert_eq!(entry["version_after"], if is_last { Value::Null } else { json!(version + 1) });
        let at: Timestamp = entry["at"].as_str().unwrap().parse().unwrap();
        assert!(began.as_millisecond() <= at.as_millisecond() && at <= Timestamp::now());
    }
    let actions: Vec<_> = found.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions[0], "event_created");
    assert!(actions[1..6].iter().all(|action| *action == "event_changed"), "{actions:?}");
    assert_eq!(actions[6], "event_deleted");
    let names: Vec<_> = found.iter().map(|entry| entry["event_name"].as_str().unwrap()).collect();
    assert_eq!(names[..2], ["Concert"; 2]);
    assert_eq!(names[2..], ["Gala"; 5]);

    let (null, draft, published) = (&Value::Null, &json!("draft"), &json!("published"));
    let starts_at = &answers[0].body["starts_at"];
    assert_eq!(
        changes(&found[0]),
        [
            ("name", null, &json!("Concert")),
            ("starts_at", null, starts_at),
            ("capacity", null, &json!(20)),
            ("base_price", null, &json!(2_500)),
            ("currency", null, &json!("EUR")),
            ("max_per_booking", null, &json!(10)),
            ("max_per_user", null, &json!(1_000_000)),
            ("status", null, draft),
        ]
    );
    assert_eq!(changes(&found[1]), [("status", draft, published)]);
    assert_eq!(
        changes(&found[2]),
        [
            ("name", &json!("Concert"), &json!("Gala")),
            ("venue", null, &json!("Opera")),
            ("capacity", &json!(20), &json!(30)),
            ("pricing.min_percent", null, &json!(80)),
            ("pricing.max_percent", null, &json!(120)),
        ]
    );
    assert_eq!(changes(&found[3]), [("capacity", &json!(30), &json!(10))]);
    assert_eq!(changes(&found[4]), [("status", published, &json!("cancelled"))]);
    let of_put: Vec<_> = changes(&found[5]).into_iter().map(|(field, ..)| field).collect();
    let starts_at = of_put.contains(&"starts_at").then_some("starts_at");
    let expected: Vec<_> = ["venue"].into_iter().chain(starts_at).collect();
    let expected = [&expected[..], &["base_price", "status", "pricing.min_percent", "pricing.max_percent"]];
    assert_eq!(of_put, expected.concat());
    assert!(changes(&found[6]).iter().all(|(_, before, after)| !before.is_null() && after.is_null()));
    assert!(changes(&found[6]).contains(&("base_price", &json!(3_000), null)), "all that it was");
}

#[tokio::test]
async fn what_is_refused_leaves_no_entry() {
    let evently = TestApp::start().await;
    let (admin, ada) = (evently.admin(), evently.user());
    let event = evently.event(10).await;
    ada.buy(&event, 4).await;
    let path = format!("/admin/events/{event}");
    let nobody = "/admin/events/019a0000-0000-7000-8000-000000000000";
    assert_eq!(entries(&evently).await, 1);
    for (refused, status) in [
        (admin.patch(&path, "\"7\"", json!({ "capacity": 12 })).await, 412),
        (admin.patch(&path, "*", json!({ "capacity": 3 })).await, 409),
        (admin.patch(&path, "*", json!({ "status": "draft" })).await, 409),
        (admin.patch(&path, "*", json!({ "capacity": 0 })).await, 422),
        (admin.put(&path, "\"7\"", concert(json!({}))).await, 412),
        (admin.put(&path, "*", concert(json!({ "currency": "USD" }))).await, 422),
        (admin.post("/admin/events", concert(json!({ "capacity": 0 }))).await, 422),
        (admin.delete_version(&path, "*").await, 409),
        (admin.delete_version(&path, "\"7\"").await, 412),
        (admin.delete_version(nobody, "*").await, 404),
        (admin.patch(nobody, "*", json!({ "capacity": 12 })).await, 404),
        (ada.patch(&path, "*", json!({ "capacity": 12 })).await, 403),
        (ada.post("/admin/events", concert(json!({}))).await, 403),
        (ada.delete_version(&path, "*").await, 403),
        (evently.anybody().patch(&path, "*", json!({ "capacity": 12 })).await, 401),
    ] {
        assert_eq!(refused.status, status, "{}", refused.body);
    }
    assert_eq!(entries(&evently).await, 1);
    ada.get("/admin/audit").await.assert_problem(403, "forbidden");
}

#[tokio::test]
async fn an_event_that_is_created_once_leaves_one_entry_however_often_it_is_asked_for() {
    let evently = TestApp::start().await;
    let (admin, event) = (evently.admin(), concert(json!({})));
    let create =
        || send(admin.request(Method::POST, "/admin/events").header("idempotency-key", "a").json(&event));
    let (one, other) = tokio::join!(create(), create());
    let again = create().await;
    for answer in [&one, &other, &again] {
        assert_eq!((answer.status, answer.text("id")), (201, one.text("id")));
    }
    assert_eq!(entries(&evently).await, 1);
}

#[tokio::test]
async fn of_admins_who_change_an_event_at_once_the_one_who_did_has_an_entry() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let path = format!("/admin/events/{event}");
    for version in 1..=5_u64 {
        let admins = [evently.admin(), evently.admin()];
        let expected = format!("\"{version}\"");
        let change = |admin: Session, capacity: u64| {
            let (path, expected) = (path.clone(), expected.clone());
            async move { admin.patch(&path, &expected, json!({ "capacity": capacity })).await.status }
        };
        let (one, other) =
            tokio::join!(change(admins[0].clone(), 10 + version), change(admins[1].clone(), 20 + version));
        let winner = match (one, other) {
            (200, 412) => 0,
            (412, 200) => 1,
            both => panic!("{both:?}"),
        };
        let found = trail(&evently, "").await;
        assert_eq!(found.len(), usize::try_from(version).unwrap() + 1);
        assert_eq!(found[0]["admin"]["id"], admins[winner].user_id.unwrap().to_string());
        assert_eq!(found[0]["version_after"], version + 1);
    }
}

/// Whether this call writes an entry.
fn audits(call: &Call) -> bool {
    let items = call.body["TransactItems"].as_array().into_iter().flatten();
    let mut tables = items.filter_map(|item| item["Put"]["TableName"].as_str());
    tables.any(|table| table.ends_with("-audit"))
}

#[tokio::test]
async fn there_is_no_entry_without_the_change_and_no_change_without_the_entry() {
    let evently = TestApp::start().await;
    let event = evently.event_with(json!({ "status": "draft" })).await;
    let path = format!("/admin/events/{event}");
    let dying = evently
        .another_through(|call: Call| async move {
            if audits(&call) { Reply::refused() } else { call.done().await }
        })
        .await;
    let admin = dying.admin();
    let before = evently.admin().get(&path).await.body;
    for failed in [
        admin.post("/admin/events", concert(json!({}))).await,
        admin.patch(&path, "*", json!({ "capacity": 200 })).await,
        admin.patch(&path, "*", json!({ "capacity": 20 })).await,
        admin.patch(&path, "*", json!({ "venue": "Opera" })).await,
        admin.delete_version(&path, "*").await,
    ] {
        assert_eq!(failed.status, 500, "{}", failed.body);
    }
    assert_eq!(entries(&evently).await, 1);
    let all = evently.admin().get("/admin/events").await;
    assert_eq!(all.body["items"].as_array().unwrap().len(), 1);
    let after = all.body["items"][0].clone();
    for field in ["version", "capacity", "venue", "status"] {
        assert_eq!(after[field], before[field], "{field}");
    }
}

#[tokio::test]
async fn a_deletion_that_another_ends_has_the_entry_of_the_one_who_began_it() {
    let evently = TestApp::start().await;
    let event = evently.event_with(json!({ "status": "draft" })).await;
    let path = format!("/admin/events/{event}");
    // The mark is made, and nothing after it.
    let dying = evently
        .another_through(|call: Call| async move {
            let deletes = call.body["TransactItems"].as_array().into_iter().flatten();
            match call.is_transaction() && deletes.clone().any(|item| item["Delete"].is_object()) {
                true => Reply::refused(),
                false => call.done().await,
            }
        })
        .await;
    let first = dying.admin();
    assert_eq!(first.delete_version(&path, "*").await.status, 500);
    assert_eq!(evently.admin().delete_version(&path, "*").await.status, 204);
    let found = trail(&evently, "").await;
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["action"], "event_deleted");
    assert_eq!(found[0]["admin"]["id"], first.user_id.unwrap().to_string());
}

#[tokio::test]
async fn each_step_of_a_large_change_is_an_entry() {
    let evently = TestApp::with(|config| config.seats_per_shard = 1).await;
    let event = evently.event(10).await;
    let path = format!("/admin/events/{event}");
    let raised = evently.admin().patch(&path, "*", json!({ "capacity": 300, "venue": "Arena" })).await;
    let lowered = evently.admin().patch(&path, "*", json!({ "capacity": 20 })).await;
    assert_eq!((raised.status, lowered.status), (200, 200));
    let mut found = trail(&evently, "").await;
    found.reverse();
    let mut capacity = json!(10);
    for (version, entry) in (1_u64..).zip(&found[1..]) {
        assert_eq!(
            (&entry["version_before"], &entry["version_after"]),
            (&json!(version), &json!(version + 1))
        );
        let step = changes(entry).into_iter().find(|(field, ..)| *field == "capacity").unwrap();
        assert_eq!(*step.1, capacity, "one goes on where the one before ended");
        capacity = step.2.clone();
        let by = if version < raised.body["version"].as_u64().unwrap() { &raised } else { &lowered };
        assert_eq!(entry["request_id"], by.header("x-request-id"));
    }
    assert_eq!((capacity, found.len() as u64), (json!(20), lowered.body["version"].as_u64().unwrap()));
    assert!(found.len() > 6, "of at most 90 shards each: {}", found.len());
}

#[tokio::test]
async fn the_trail_comes_newest_first_in_pages_with_filters_and_as_csv() {
    let evently = TestApp::start().await;
    let boss = sign_in(&evently, ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let (event, other) = (evently.event(10).await, evently.event(10).await);
    for capacity in 11..20 {
        let path = format!("/admin/events/{}", if capacity % 3 == 0 { &other } else { &event });
        let changed = boss.patch(&path, "*", json!({ "capacity": capacity, "name": "=1+1" })).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
    }
    let all = trail(&evently, "").await;
    assert_eq!(all.len(), 11);
    assert!(all.is_sorted_by(|one, next| one["id"].as_str() > next["id"].as_str()));
    assert_eq!(all[0]["admin"]["email"], ADMIN_EMAIL);
    let (by, middle) = (all[0]["admin"]["id"].as_str().unwrap(), all[5]["at"].as_str().unwrap());
    for (query, wanted) in [
        (String::new(), all.clone()),
        (format!("&event={event}"), all.iter().filter(|one| one["event_id"] == *event).cloned().collect()),
        (format!("&user={by}"), all[..9].to_vec()),
        (format!("&user={by}&event={other}&from={middle}"), {
            let is_wanted = |one: &&Value| one["event_id"] == *other && one["at"].as_str() >= Some(middle);
            all.iter().filter(is_wanted).cloned().collect()
        }),
        (
            format!("&to={middle}"),
            all.iter().filter(|one| one["at"].as_str() <= Some(middle)).cloned().collect(),
        ),
        ("&to=2026-10-31T23:59:59Z".to_owned(), vec![]),
        ("&from=2100-01-01T00:00:00Z".to_owned(), vec![]),
        (format!("&user={}", UserId::new()), vec![]),
        (format!("&event={}", EventId::new(Timestamp::now())), vec![]),
        (format!("&event={}", UserId::new()), vec![]),
    ] {
        for limit in [1, 2, 100] {
            let mut found = Vec::new();
            let mut path = format!("/admin/audit?limit={limit}{query}");
            loop {
                let page = boss.get(&path).await;
                assert_eq!(page.status, 200, "{path}: {}", page.body);
                found.extend(page.body["items"].as_array().unwrap().clone());
                let Some(cursor) = page.body["next_cursor"].as_str() else { break };
                path = format!("/admin/audit?limit={limit}{query}&cursor={cursor}");
            }
            assert_eq!(found, wanted, "{query} in pages of {limit}");
        }
    }
    let cursor = boss.get("/admin/audit?limit=1").await.text("next_cursor");
    let of_another = boss.get(&format!("/admin/audit?event={event}&cursor={cursor}")).await;
    of_another.assert_problem(400, "invalid_cursor");
    for bad in [
        "limit=0",
        "event=concert",
        "user=me",
        "from=today",
        "from=2027-01-02T00:00:00Z&to=2027-01-01T00:00:00Z",
    ] {
        boss.get(&format!("/admin/audit?{bad}")).await.assert_problem(400, "invalid_parameter");
    }

    let (rows, answer) = csv(&boss, "/admin/audit?limit=10").await;
    assert!(answer.header("link").contains("cursor="));
    for (row, entry) in rows.iter().zip(&all) {
        assert_eq!(row["event_name"], if entry["event_name"] == "=1+1" { "'=1+1" } else { "Concert" });
        assert_eq!(serde_json::from_str::<Value>(&row["changes"]).unwrap(), entry["changes"]);
        for column in ["id", "at", "action", "event_id", "request_id"] {
            assert_eq!(row[column], entry[column].as_str().unwrap(), "{column}");
        }
        assert_eq!(row["admin_email"], entry["admin"]["email"].as_str().unwrap_or_default());
    }
}

#[tokio::test]
async fn the_months_follow_each_other_also_those_in_which_nothing_was_done() {
    let evently = TestApp::start().await;
    let client = dynamodb::client_for_endpoint(shared_dynamodb());
    let by = Actor { admin_id: UserId::new(), request_id: None };
    let mut ids = Vec::new();
    for (month, at) in [
        ("2026-11", "2026-11-01T00:00:00Z"),
        ("2026-11", "2026-11-30T23:59:59.999Z"),
        ("2026-12", "2026-12-01T00:00:00Z"),
        ("2027-03", "2027-03-31T23:59:59.999Z"),
        ("2027-04", "2027-04-01T00:00:00Z"),
    ] {
        let at: Timestamp = at.parse().unwrap();
        let event = domain::event::Event::new(EventId::new(at), details(at), 1, at);
        let entry = AuditEntry::created(&by, &event, at);
        ids.insert(0, entry.id);
        let item = serde_dynamo::to_item(&entry).unwrap();
        let put = client.put_item().table_name(evently.app.config.tables.audit.as_ref().unwrap());
        let put = put.set_item(Some(item)).item("month", AttributeValue::S(month.to_owned()));
        put.send().await.unwrap();
    }
    let now: Timestamp = "2027-06-15T12:00:00Z".parse().unwrap();
    for queries_max in [1, 2, 20] {
        let store = evently.app.store.clone();
        let store = store.with_page_limits(PageLimits { queries_max, ..PageLimits::DEFAULT });
        for limit in [1, 2, 3, 10] {
            let (mut found, mut start, mut pages) = (Vec::new(), None, 0);
            loop {
                let page = store.audit(&AuditFilter::default(), limit, start, now).await.unwrap();
                assert!(page.items.len() <= limit);
                found.extend(page.items.iter().map(|entry| entry.id));
                pages += 1;
                start = page.next;
                if start.is_none() {
                    break;
                }
            }
            assert_eq!(found, ids, "in pages of {limit}, each of at most {queries_max} queries");
            assert!(queries_max < 20 || pages == ids.len().div_ceil(limit), "{pages}");
        }
    }
    let filter = AuditFilter {
        from: Some("2026-11-30T23:59:59.999Z".parse().unwrap()),
        to: Some("2027-03-31T23:59:59.999Z".parse().unwrap()),
        ..AuditFilter::default()
    };
    let within = evently.app.store.audit(&filter, 10, None, now).await.unwrap().items;
    assert_eq!(within.iter().map(|entry| entry.id).collect::<Vec<_>>(), ids[1..4], "both ends are within");
}

#[tokio::test]
async fn without_a_table_admins_do_the_same_and_the_trail_says_that_there_is_none() {
    let evently = TestApp::start().await;
    let of_before = evently.another_with(|config| config.tables.audit = None).await;
    let admin = of_before.admin();
    let event = of_before.event(10).await;
    let path = format!("/admin/events/{event}");
    for patch in [json!({ "capacity": 20 }), json!({ "capacity": 5 }), json!({ "status": "draft" })] {
        assert_eq!(admin.patch(&path, "*", patch).await.status, 200);
    }
    assert_eq!(admin.delete_version(&path, "*").await.status, 204);
    for query in ["", "?event=019a0000-0000-4000-8000-000000000000"] {
        admin.get(&format!("/admin/audit{query}")).await.assert_problem(404, "not_audited");
    }
    assert_eq!(entries(&evently).await, 0);
}

#[test]
fn no_role_may_change_or_delete_what_is_in_the_trail() {
    let on_trail = |policy: &std::collections::BTreeSet<(String, String)>| -> Vec<String> {
        let of_table = policy.iter().filter(|(_, on)| on.starts_with("AuditTable"));
        of_table.map(|(action, _)| action.clone()).collect()
    };
    for (function, policy) in POLICIES.iter() {
        let may: &[&str] = match function.as_str() {
            "admin" | "web" => &["dynamodb:PutItem", "dynamodb:Query"],
            // It looks there for changes of events that no stream told.
            "notifications" => &["dynamodb:Query"],
            _ => &[],
        };
        assert_eq!(on_trail(policy), may, "{function}");
    }
    assert_eq!(on_trail(&gateway()), ["dynamodb:PutItem", "dynamodb:Query"]);
}
