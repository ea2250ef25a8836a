//! The items of DynamoDB.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    email::Email,
    id::{AuditId, EventId},
    sales::hour_of,
};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use stores::dynamodb::Queue;

use super::Reader;
use crate::{
    common::{Session, forget_ended_tokens, send, shared_dynamodb},
    golden::{
        files::golden,
        shape::Item,
        world::{OLD_PASSWORD, full_event},
    },
};

fn name_of(shape: &Value, attribute: &str) -> String {
    shape[attribute]["S"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_account_signs_in_and_changes_its_password() {
    let first = Reader::new().await;
    let somebody = json!({ "email": "somebody@example.com", "password": OLD_PASSWORD });
    assert_eq!(first.evently.anybody().post("/register", somebody).await.status, 201);
    let email = Email::parse("somebody@example.com").unwrap();
    let known = first.evently.app.store.user_by_email(&email).await.unwrap().unwrap().password_hash.unwrap();
    for (what, shape) in golden("item-user").to_read() {
        let mut reader = Reader::new().await;
        reader.names.call(known.as_str(), "password_hash");
        let anybody = reader.evently.anybody();
        reader.put_item(&reader.evently.app.config.tables.users, reader.names.fill_item(&shape)).await;
        let email = name_of(&shape, "email");
        let sign_in = async |password: &str| {
            anybody.post("/login", json!({ "email": email, "password": password })).await
        };
        let signed_in = sign_in(OLD_PASSWORD).await;
        assert_eq!(signed_in.status, 200, "{what}: {}", signed_in.body);
        let session = anybody.with_token(signed_in.text("access_token"));
        let new = "four quiet green bicycles";
        let change = json!({ "current_password": OLD_PASSWORD, "new_password": new });
        assert_eq!(session.post("/password", change).await.status, 204, "{what}");
        assert_eq!(sign_in(new).await.status, 200, "{what}");
    }
}

#[tokio::test]
async fn every_address_that_was_left_is_nobodys_and_taken_until_its_time() {
    for (what, shape) in golden("item-left-address").to_read() {
        let reader = Reader::new().await;
        let (anybody, table) = (reader.evently.anybody(), &reader.evently.app.config.tables.users);
        let mut item = reader.names.fill_item(&shape);
        reader.put_item(table, item.clone()).await;
        let email = name_of(&shape, "email");
        let somebody = json!({ "email": email, "password": OLD_PASSWORD });
        anybody.post("/login", somebody.clone()).await.assert_problem(401, "invalid_credentials");
        anybody.post("/register", somebody.clone()).await.assert_problem(409, "email_taken");
        let over = Timestamp::now().as_millisecond() - 1;
        item.insert("moved_until".to_owned(), AttributeValue::N(over.to_string()));
        reader.put_item(table, item).await;
        let made = anybody.post("/register", somebody).await;
        assert_eq!(made.status, 201, "{what}: {}", made.body);
    }
}

/// The public sees it, an admin changes it, and people buy, if it is for sale.
async fn use_event(reader: &Reader, name: &str, what: &str) {
    let event = reader.names.fill_text(name);
    let path = format!("/admin/events/{event}");
    let shown = reader.admin.get(&path).await;
    assert_eq!(shown.status, 200, "{what}: {}", shown.body);
    let seen = reader.evently.anybody().get(&format!("/events/{event}")).await;
    assert_eq!(seen.status, if shown.body["status"] == "draft" { 404 } else { 200 }, "{what}: {}", seen.body);
    if name == "{event}" || name == "{second_event}" {
        let booking = reader.user.buy(&event, 1).await;
        assert_eq!(reader.user.cancel(&booking).await.status, 200, "{what}");
        reader.assert_no_seat_is_lost(&event, what).await;
    }
    let version = reader.admin.get(&path).await.header("etag").to_owned();
    let changed = reader.admin.patch(&path, &version, json!({ "venue": "Elsewhere" })).await;
    assert_eq!(changed.status, 200, "{what}: {}", changed.body);
}

#[tokio::test]
async fn every_event_is_shown_sold_and_changed() {
    for (what, shape) in golden("item-event").to_read() {
        let reader = Reader::new().await;
        reader.put_events().await;
        reader.put_item(&reader.evently.app.config.tables.events, reader.names.fill_item(&shape)).await;
        use_event(&reader, &name_of(&shape, "id"), &what).await;
    }
}

#[tokio::test]
async fn every_shard_sells_and_is_counted() {
    for (what, shape) in golden("item-shard").to_read() {
        let reader = Reader::new().await;
        reader.put_events().await;
        reader.put_item(&reader.evently.app.config.tables.inventory, reader.names.fill_item(&shape)).await;
        let event = name_of(&shape, "shard_id").split('#').next().unwrap().to_owned();
        use_event(&reader, &event, &what).await;
        for numbers in ["/admin/analytics", "/admin/analytics/timeline"] {
            let numbers = reader.admin.get(numbers).await;
            assert_eq!(numbers.status, 200, "{what}: {}", numbers.body);
        }
    }
}

#[tokio::test]
async fn every_booking_is_in_its_history_and_can_be_cancelled() {
    for (what, shape) in golden("item-booking").to_read() {
        if shape["user_id"]["S"] != "{user}" {
            continue;
        }
        let reader = Reader::new().await;
        reader.put_events().await;
        reader.put_item(&reader.evently.app.config.tables.bookings, reader.names.fill_item(&shape)).await;
        let (id, event) = (reader.names.fill_text(&name_of(&shape, "id")), reader.event);
        let of_event = format!("/admin/events/{event}/bookings");
        for (session, list) in [(&reader.user, "/bookings"), (&reader.admin, of_event.as_str())] {
            let list = session.get(list).await;
            assert_eq!(
                (list.status, &list.body["items"][0]["id"]),
                (200, &json!(id)),
                "{what}: {}",
                list.body
            );
        }
        assert_eq!(reader.user.cancel(&id).await.status, 200, "{what}");
        reader.assert_no_seat_is_lost(&event.to_string(), &what).await;
    }
}

#[tokio::test]
async fn every_count_of_a_users_seats_limits_the_user() {
    for (what, shape) in golden("item-user-seats").to_read() {
        let reader = Reader::new().await;
        reader.put_events().await;
        reader.put_item(&reader.evently.app.config.tables.inventory, reader.names.fill_item(&shape)).await;
        let event = reader.event.to_string();
        for seats in [5, 4] {
            assert_eq!(reader.user.book(&event, seats).await.status, 201, "{what}");
        }
        // Redis does not know of the two that are bought. The commit does.
        let last = reader.user.book(&event, 2).await;
        let refused = match last.status {
            201 => reader.user.confirm(last.body["reservation"]["id"].as_str().unwrap()).await,
            _ => last,
        };
        assert!([201, 409].contains(&refused.status), "{what}: {}", refused.body);
        let seats = reader.evently.app.store.seats_of_user(reader.event, reader.user.user_id.unwrap()).await;
        assert!((2..=12).contains(&seats.unwrap()), "{what}");
    }
}

#[tokio::test]
async fn every_price_is_in_its_history() {
    for (what, shape) in golden("item-price").to_read() {
        let reader = Reader::new().await;
        reader.put_events().await;
        reader.put_item(&reader.evently.app.config.tables.events, reader.names.fill_item(&shape)).await;
        let event = reader.names.fill_text(name_of(&shape, "id").split('#').next().unwrap());
        let prices = reader.admin.get(&format!("/admin/events/{event}/prices")).await;
        let shown = prices.body["items"].as_array().unwrap();
        let number = shape["number"]["N"].as_str().unwrap().parse::<usize>().unwrap();
        assert!(prices.status == 200 && shown.len() >= number, "{what}: {}", prices.body);
    }
}

#[tokio::test]
async fn every_day_of_sales_is_counted() {
    let reader = Reader::new().await;
    reader.put_events().await;
    let (store, now) = (&reader.evently.app.store, Timestamp::now());
    let today = hour_of(now) - hour_of(now) % 24..hour_of(now) + 24;
    for (what, shape) in golden("item-day-of-event").to_read() {
        // Its hours stand on no shard any more.
        reader.put_item(&reader.evently.app.config.tables.inventory, reader.names.fill_item(&shape)).await;
        // A further area's are `<event id>.<area>#day#<day>`.
        let event = reader.names.fill_text(name_of(&shape, "shard_id").split(['#', '.']).next().unwrap());
        let event = store.event(event.parse().unwrap()).await.unwrap().unwrap();
        let sales = store.sales_of_event(&event, today.clone(), now).await.unwrap();
        assert!(sales.values().map(|hour| hour.tickets).sum::<u64>() >= 2, "{what}: {sales:?}");
    }
    for (what, shape) in golden("item-day-of-all").to_read() {
        let before = store.sales_of_all(today.clone(), now).await.unwrap();
        reader.put_item(&reader.evently.app.config.tables.inventory, reader.names.fill_item(&shape)).await;
        let after = store.sales_of_all(today.clone(), now).await.unwrap();
        assert!(!after.is_empty() && after.len() >= before.len(), "{what}: {after:?}");
        assert!(after.values().any(|hour| hour.amounts.contains_key("EUR")), "{what}: {after:?}");
    }
}

#[tokio::test]
async fn every_note_of_ended_tokens_ends_them() {
    for (what, shape) in golden("item-ended-tokens").to_read() {
        if shape["user"]["S"] != "{user}" {
            continue;
        }
        let reader = Reader::new().await;
        reader.put_item(&reader.evently.app.config.tables.bookings, reader.names.fill_item(&shape)).await;
        forget_ended_tokens(&reader.evently).await;
        assert_eq!(reader.user.get("/bookings").await.status, 401, "{what}");
        assert_eq!(reader.evently.user().get("/bookings").await.status, 200, "{what}");
    }
}

#[tokio::test]
async fn every_delivery_is_known_and_tried_if_it_is_due() {
    for (what, shape) in golden("item-delivery").to_read() {
        let reader = Reader::new().await;
        let (store, tables) = (&reader.evently.app.store, &reader.evently.app.config.tables);
        let item = reader.names.fill_item(&shape);
        let key = |name: &str| item[name].as_s().unwrap().clone();
        let key = (key("message_id"), key("recipient"));
        let is_due = item.contains_key("due_at");
        reader.put_item(tables.deliveries.as_ref().unwrap(), item).await;
        let later = Timestamp::now() + SignedDuration::from_hours(24 * 40);
        let due = store.due_deliveries(Queue::Mails, later, 10).await.unwrap();
        let keys: Vec<_> = due.iter().map(|due| (due.message_id.clone(), due.recipient.clone())).collect();
        let expected: Vec<_> = is_due.then(|| key.clone()).into_iter().collect();
        assert_eq!(keys, expected, "{what}");
        assert!(store.deliveries_among(std::slice::from_ref(&key)).await.unwrap().contains(&key), "{what}");
        if let Some(due) = due.first() {
            assert!(store.change_delivery(due, &due.begun(Timestamp::now())).await.unwrap(), "{what}");
        }
    }
}

#[tokio::test]
async fn every_endpoint_is_known_with_its_secrets_and_counted() {
    let reader = Reader::new().await;
    let (store, tables) = (&reader.evently.app.store, &reader.evently.app.config.tables);
    let put = async |kind: &str| {
        let shapes = golden(kind).to_read();
        for (_, shape) in &shapes {
            reader.put_item(tables.webhooks.as_ref().unwrap(), reader.names.fill_item(shape)).await;
        }
        shapes.len()
    };
    // Shapes of one endpoint: it has one id here.
    assert!(put("item-webhook").await > 0);
    let endpoints = store.endpoints().await.unwrap().len();
    assert!(endpoints > 0);
    // What stays of one that was removed is none.
    assert!(put("item-webhook-removed").await > 0);
    assert_eq!(store.endpoints().await.unwrap().len(), endpoints);
    assert!(!store.all_endpoints(Timestamp::now()).await.unwrap().removed.is_empty());
    assert!(put("item-webhook-secrets").await > 0);
    assert!(!store.endpoint_secrets().await.unwrap().is_empty());
    put("item-webhook-count").await;
    let listed = reader.admin.get("/admin/webhooks").await;
    let ids: Vec<_> = listed.body["items"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    for id in &ids {
        let removed = reader.admin.delete(&format!("/admin/webhooks/{}", id.as_str().unwrap())).await;
        assert_eq!(removed.status, 204, "{}", removed.body);
    }
}

#[tokio::test]
async fn every_delivery_to_an_endpoint_is_known_and_due_to_it_alone() {
    for (what, shape) in golden("item-webhook-delivery").to_read() {
        let reader = Reader::new().await;
        let (store, tables) = (&reader.evently.app.store, &reader.evently.app.config.tables);
        let item = reader.names.fill_item(&shape);
        let (recipient, is_due) = (item["recipient"].as_s().unwrap().clone(), item.contains_key("due_at"));
        reader.put_item(tables.deliveries.as_ref().unwrap(), item).await;
        let later = Timestamp::now() + SignedDuration::from_hours(24 * 40);
        let endpoint = recipient.strip_prefix("webhook.").unwrap().parse().unwrap();
        let due = store.due_deliveries(Queue::Endpoint(endpoint), later, 10).await.unwrap();
        assert_eq!(due.len(), usize::from(is_due), "{what}");
        assert!(due.iter().all(|due| due.endpoint() == Some(endpoint)), "{what}");
        assert!(store.due_deliveries(Queue::Mails, later, 10).await.unwrap().is_empty(), "{what}");
        let listed = reader.admin.get("/admin/deliveries").await;
        assert_eq!(listed.body["items"].as_array().unwrap().len(), 1, "{what}: {}", listed.body);
    }
}

#[tokio::test]
async fn what_those_who_tell_keep_for_each_other_counts() {
    let reader = Reader::new().await;
    let store = &reader.evently.app.store;
    let table = reader.evently.app.config.tables.deliveries.as_ref().unwrap();
    let put = async |kind: &str| {
        let mut shapes = golden(kind).to_read().into_iter();
        let item = reader.names.fill_item(&shapes.next().unwrap().1);
        reader.put_item(table, item.clone()).await;
        item
    };
    put("item-look").await;
    let look = store.look().await.unwrap().unwrap();
    assert!(look.began.is_some() && look.place.is_some(), "{look:?}");
    put("item-stream-place").await;
    assert_eq!(store.place_in_stream("a-stream", "a-shard").await.unwrap().as_deref(), Some("111"));
    assert!(store.is_stream_known("a-stream").await.unwrap());
    put("item-lease").await;
    let hour = SignedDuration::from_hours(1);
    assert!(!store.take_lease("streams", "another", Timestamp::now(), hour).await.unwrap());
    let rate = put("item-rate").await;
    let second = Timestamp::from_second(rate["recipient"].as_s().unwrap().parse().unwrap()).unwrap();
    assert!(!store.take_of_second(second, 1).await.unwrap(), "one went out");
    assert!(store.take_of_second(second, 2).await.unwrap());
    for (_, shape) in golden("item-unverified-rate").to_read() {
        let of_day = reader.names.fill_item(&shape);
        reader.put_item(table, of_day.clone()).await;
        let day: i64 = of_day["recipient"].as_s().unwrap().parse().unwrap();
        let day = Timestamp::from_second(day * 24 * 3_600).unwrap();
        let user = of_day["message_id"].as_s().unwrap().strip_prefix("unverified#").unwrap().parse().unwrap();
        assert!(!store.take_of_day(user, "another", day, 1).await.unwrap(), "one went out");
        for _ in 0..3 {
            assert!(store.take_of_day(user, "another", day, 2).await.unwrap(), "the same, tried again");
        }
        // What a release of before counted is not added to what this one does.
        let is_of_now = of_day.contains_key("messages");
        assert_eq!(store.take_of_day(user, "a third", day, 2).await.unwrap(), !is_of_now);
        assert!(!store.take_of_day(user, "a fourth", day, 2).await.unwrap());
    }
}

#[tokio::test]
async fn every_record_of_a_created_event_answers_the_request_again() {
    let reader = Reader::new().await;
    let event = full_event();
    let create = async |admin: &Session| {
        let request = admin.request(Method::POST, "/admin/events").header("idempotency-key", "a-new-event");
        send(request.json(&event)).await
    };
    let created = create(&reader.admin).await;
    let table = &reader.evently.app.config.tables.events;
    let scanned = stores::dynamodb::client_for_endpoint(shared_dynamodb());
    let items = scanned.scan().table_name(table).consistent_read(true).send().await.unwrap().items.unwrap();
    let is_record = |item: &&Item| item["id"].as_s().unwrap().starts_with("key#");
    let record = items.iter().find(is_record).unwrap();
    for (what, shape) in golden("item-creation").to_read() {
        // The hashes are those of this very request.
        let mut item = reader.names.fill_item(&shape);
        for (name, value) in &mut item {
            *value = record.get(name).cloned().unwrap_or_else(|| AttributeValue::clone(value));
        }
        reader.put_item(table, item).await;
        let again = create(&reader.admin).await;
        assert_eq!((again.status, again.text("id")), (201, created.text("id")), "{what}");
    }
}

#[tokio::test]
async fn every_entry_of_the_audit_trail_is_shown() {
    for (what, shape) in golden("item-audit").to_read() {
        let reader = Reader::new().await;
        let mut item = reader.names.fill_item(&shape);
        // The table's key follows from when it was written.
        let id = AuditId::new(reader.names.now).to_string();
        item.insert("id".to_owned(), AttributeValue::S(id.clone()));
        let table = reader.evently.app.config.tables.audit.as_ref().unwrap();
        reader.put_item(table, item).await;
        let shown = reader.admin.get("/admin/audit").await;
        assert_eq!(
            (shown.status, &shown.body["items"][0]["id"]),
            (200, &json!(id)),
            "{what}: {}",
            shown.body
        );
        assert_eq!(shown.body["items"][0]["action"], shape["action"]["S"], "{what}");
    }
}

#[tokio::test]
async fn a_note_of_a_broken_creation_leads_to_what_it_left_behind() {
    let reader = Reader::new().await;
    let store = &reader.evently.app.store;
    for (what, note) in golden("item-surplus").to_read() {
        let note = reader.names.fill_item(&note);
        let event: EventId = note["event_id"].as_s().unwrap().parse().unwrap();
        reader.put_item(&reader.evently.app.config.tables.events, note).await;
        for (_, shard) in golden("item-shard").to_read().into_iter().take(1) {
            let mut shard = reader.names.fill_item(&shard);
            shard.insert("shard_id".to_owned(), AttributeValue::S(format!("{event}#96")));
            shard.extend(
                ["sold", "bookings"].map(|name| (name.to_owned(), AttributeValue::N("0".to_owned()))),
            );
            reader.put_item(&reader.evently.app.config.tables.inventory, shard).await;
        }
        let later = Timestamp::now() + SignedDuration::from_hours(1);
        assert_eq!(store.clear_broken_creations(later).await.unwrap(), 1, "{what}");
        let left = store.inventory_of_events(&[(event, &97.into())]).await.unwrap();
        assert!(left.values().all(Vec::is_empty), "{what}");
    }
}
