//! Items of a restored table, brought into the stack's own.

use std::collections::BTreeSet;

use restore::{Copied, Copying, Table, copy};
use serde_json::json;

use super::{CAPACITY, Items, Stock};
use crate::common::{PASSWORD, Session, erase_me, registered};

/// A table beside the stack's, with these items: as point-in-time recovery makes it.
async fn restored(stock: &Stock, table: Table, items: &Items) -> String {
    let name = stock.tables.name(table).unwrap();
    let described =
        stock.tables.client.describe_table().table_name(name).send().await.unwrap().table.unwrap();
    let keys: Vec<_> = table.key().iter().map(|key| (*key).to_owned()).collect();
    let attributes = described.attribute_definitions().iter();
    let attributes = attributes.filter(|definition| keys.contains(&definition.attribute_name));
    let restored = format!("{name}-restored");
    let create = stock.tables.client.create_table().table_name(&restored);
    create
        .billing_mode(aws_sdk_dynamodb::types::BillingMode::PayPerRequest)
        .set_key_schema(described.key_schema.clone())
        .set_attribute_definitions(Some(attributes.cloned().collect()))
        .send()
        .await
        .unwrap();
    for item in items.values() {
        let put = stock.tables.client.put_item().table_name(&restored).set_item(Some(item.clone()));
        put.send().await.unwrap();
    }
    restored
}

#[tokio::test]
async fn what_is_missing_is_brought_back_and_what_differs_or_is_extra_only_if_asked() {
    let stock = Stock::sold().await;
    let then = stock.items(Table::Bookings).await;
    let from = restored(&stock, Table::Bookings, &then).await;
    stock.buyers[0].buy(&stock.event, 1).await;
    assert_eq!(stock.buyers[1].cancel(&stock.bookings[1]).await.status, 200);
    let lost = then.values().find(|item| item["id"].as_s().unwrap() == &stock.bookings[2]).unwrap();
    stock.delete(Table::Bookings, lost.clone()).await;
    let found = Copied { same: 2, missing: 1, different: 1, extra: 1, ..Copied::default() };
    let now = stock.items(Table::Bookings).await;

    let how = |apply, replace, delete| Copying { apply, replace, delete, ..Copying::default() };
    let copied = copy(&stock.tables, Table::Bookings, &from, &how(false, true, true)).await.unwrap();
    assert_eq!(copied, found);
    assert_eq!(stock.items(Table::Bookings).await, now, "nothing is written without being asked");

    let copied = copy(&stock.tables, Table::Bookings, &from, &how(true, false, false)).await.unwrap();
    assert_eq!(copied, Copied { changed: 1, ..found });
    assert_eq!(stock.items(Table::Bookings).await.len(), 5);
    stock.mend().await;

    let copied = copy(&stock.tables, Table::Bookings, &from, &how(true, true, true)).await.unwrap();
    assert_eq!(copied, Copied { same: 3, missing: 0, changed: 2, ..found });
    assert_eq!(stock.items(Table::Bookings).await, then);
    let again = copy(&stock.tables, Table::Bookings, &from, &how(true, true, true)).await.unwrap();
    assert_eq!(again, Copied { same: 4, ..Copied::default() });
    stock.mend().await;
    stock.sell_to_the_last(CAPACITY).await;
}

#[tokio::test]
async fn more_items_than_a_page_are_copied_into_an_empty_table() {
    let stock = Stock::sold().await;
    let mut users = Items::new();
    for number in 0..1_203 {
        let email = format!("somebody-{number}@example.com");
        let item = serde_dynamo::to_item(json!({ "email": email, "id": number.to_string() })).unwrap();
        users.insert(vec![email], item);
    }
    let from = restored(&stock, Table::Users, &users).await;
    let how = Copying { apply: true, ..Copying::default() };
    let copied = copy(&stock.tables, Table::Users, &from, &how).await.unwrap();
    assert_eq!((copied.missing, copied.changed, copied.extra), (1_203, 1_203, 0));
    assert_eq!(stock.items(Table::Users).await, users);
}

async fn id_of(user: &Session) -> String {
    user.get("/me").await.body["user"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_was_erased_since_is_not_brought_back() {
    let stock = Stock::sold().await;
    let erased = registered(&stock.evently, "erased@example.com").await;
    let kept = registered(&stock.evently, "kept@example.com").await;
    let (erased_id, kept_id) = (id_of(&erased).await, id_of(&kept).await);
    let mut then = stock.items(Table::Users).await;
    // What they left at another address goes, too.
    let left = json!({ "email": "left@example.com", "id": "nobody", "moved_to_user": erased_id });
    then.insert(vec!["left@example.com".to_owned()], serde_dynamo::to_item(left).unwrap());
    let from = restored(&stock, Table::Users, &then).await;
    assert_eq!(erase_me(&erased, PASSWORD).await.status, 204);
    stock.set(Table::Users, &Items::new()).await;
    let how = Copying { apply: true, erased: BTreeSet::from([erased_id]), ..Copying::default() };
    let copied = copy(&stock.tables, Table::Users, &from, &how).await.unwrap();
    assert_eq!((copied.missing, copied.changed), (1, 1));

    // Had they been brought back before anybody thought of them, they are taken out.
    stock.set(Table::Users, &then).await;
    let copied = copy(&stock.tables, Table::Users, &from, &how).await.unwrap();
    assert_eq!((copied.same, copied.erased, copied.changed), (1, 2, 2));
    let users = stock.items(Table::Users).await;
    let ids: Vec<_> = users.values().map(|user| user["id"].as_s().unwrap().clone()).collect();
    assert_eq!(ids, [kept_id]);
}

#[tokio::test]
async fn the_audit_trail_is_only_added_to() {
    let stock = Stock::sold().await;
    let then = stock.items(Table::Audit).await;
    let from = restored(&stock, Table::Audit, &then).await;
    for (replace, delete) in [(true, false), (false, true)] {
        let how = Copying { apply: true, replace, delete, ..Copying::default() };
        let refused = copy(&stock.tables, Table::Audit, &from, &how).await.unwrap_err().to_string();
        assert_eq!(refused, "nothing in the audit trail is ever replaced or deleted");
    }
    stock.patch(json!({ "name": "Gala" })).await;
    stock.delete(Table::Audit, then.values().next().unwrap().clone()).await;
    let how = Copying { apply: true, ..Copying::default() };
    let copied = copy(&stock.tables, Table::Audit, &from, &how).await.unwrap();
    assert_eq!(copied, Copied { missing: 1, extra: 1, changed: 1, ..Copied::default() });
}

#[tokio::test]
async fn a_table_is_not_copied_into_itself() {
    let stock = Stock::sold().await;
    let own = stock.tables.name(Table::Events).unwrap();
    let refused = copy(&stock.tables, Table::Events, own, &Copying::default()).await.unwrap_err();
    assert_eq!(refused.to_string(), "a table can't be copied into itself");
}
