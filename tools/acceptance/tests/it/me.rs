//! One's own account: seen, renamed; and people as admins see them beside bookings.

use domain::{email::Email, id::UserId};
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{
    ADMIN_EMAIL, ADMIN_PASSWORD, Answer, Calls, PASSWORD, Session, TestApp, erase_me, registered, send,
    sign_in,
};

async fn rename(session: &Session, patch: Value) -> Answer {
    let request = session.request(Method::PATCH, "/me");
    send(request.header("content-type", "application/merge-patch+json").body(patch.to_string())).await
}

#[tokio::test]
async fn ones_own_account_is_shown_as_signing_in_shows_it() {
    let evently = TestApp::start().await;
    let account = json!({ "email": "Ada@Example.com", "password": PASSWORD, "name": "Ada" });
    let made = evently.anybody().post("/register", account).await;
    let ada = evently.anybody().with_token(made.text("access_token"));
    let shown = ada.get("/me").await;
    assert_eq!((shown.status, shown.header("cache-control")), (200, "no-store"));
    assert_eq!(shown.body, json!({ "user": made.body["user"] }));
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    let signed_in = evently.anybody().post("/login", credentials).await;
    assert_eq!(shown.body["user"], signed_in.body["user"]);
    assert!(shown.body["user"].get("password_hash").is_none());
    assert_eq!(send(ada.request(Method::HEAD, "/me")).await.status, 200);
    for answer in [evently.anybody().get("/me").await, rename(&evently.anybody(), json!({})).await] {
        answer.assert_problem(401, "unauthorized");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn a_name_is_changed_and_taken_away() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    let bob = registered(&evently, "bob@example.com").await;
    let before = ada.get("/me").await.body["user"].clone();
    for name in [json!("Ada"), json!("Ada Lovelace"), json!("é".repeat(100)), Value::Null, json!("")] {
        let changed = rename(&ada, json!({ "name": name })).await;
        assert_eq!((changed.status, changed.header("cache-control")), (200, "no-store"), "{}", changed.body);
        let mut expected = before.clone();
        expected["name"] = name;
        assert_eq!(changed.body, json!({ "user": expected }), "and nothing else is changed");
        assert_eq!(ada.get("/me").await.body, changed.body);
        assert_eq!(rename(&ada, json!({})).await.body, changed.body, "what is left out stays");
    }
    assert_eq!(bob.get("/me").await.body["user"]["name"], Value::Null);
    sign_in(&evently, "ada@example.com", PASSWORD).await;
}

#[tokio::test]
async fn a_name_that_stays_is_not_written() {
    let calls = Calls::default();
    let evently = TestApp::counted(&calls).await;
    let ada = registered(&evently, "ada@example.com").await;
    for (name, writes) in
        [(json!("Ada"), 1), (json!("Ada"), 0), (Value::Null, 1), (Value::Null, 0), (json!(""), 1)]
    {
        calls.take();
        let answer = rename(&ada, json!({ "name": name })).await;
        assert_eq!((answer.status, &answer.body["user"]["name"]), (200, &name), "{}", answer.body);
        assert_eq!(calls.take().get("UpdateItem users").copied().unwrap_or_default(), writes, "{name}");
    }
}

#[tokio::test]
async fn a_patch_that_is_none_is_refused_and_says_why() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    for (patch, field) in [
        (json!({ "name": "n".repeat(101) }), "name"),
        (json!({ "name": 7 }), "name"),
        (json!({ "email": "other@example.com" }), "email"),
        (json!({ "name": "Ada", "role": "admin" }), "role"),
    ] {
        let refused = rename(&ada, patch).await;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), [field], "{}", refused.body);
    }
    let other = send(ada.request(Method::PATCH, "/me").json(&json!({ "name": "Ada" }))).await;
    other.assert_problem(415, "unsupported_media_type");
    assert_eq!(other.header("accept-patch"), "application/merge-patch+json");
    assert_eq!(ada.get("/me").await.body["user"]["name"], Value::Null);
}

#[tokio::test]
async fn a_token_without_an_account_tells_who_it_is_and_makes_none() {
    let evently = TestApp::start().await;
    let somebody = evently.user();
    let shown = somebody.get("/me").await;
    let id = somebody.user_id.unwrap();
    let user = &shown.body["user"];
    assert_eq!(user["id"], id.to_string());
    assert_eq!((&user["email"], &user["role"]), (&json!("somebody@example.com"), &json!("user")));
    assert_eq!(user["name"], Value::Null);
    rename(&somebody, json!({ "name": "Somebody" })).await.assert_problem(404, "account_not_found");
    rename(&somebody, json!({})).await.assert_problem(404, "account_not_found");
    assert!(evently.app.store.user_by_id(id).await.unwrap().is_none());
    let email = Email::parse("somebody@example.com").unwrap();
    assert!(evently.app.store.user_by_email(&email).await.unwrap().is_none());

    registered(&evently, "somebody@example.com").await;
    let other = &somebody.get("/me").await.body["user"];
    assert_eq!(other["id"], id.to_string(), "not whoever has the address");
    rename(&somebody, json!({ "name": "Mallory" })).await.assert_problem(404, "account_not_found");
}

#[tokio::test]
async fn the_admin_of_the_settings_has_an_account_and_a_name() {
    let evently = TestApp::start().await;
    let admin = sign_in(&evently, ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let user = admin.get("/me").await.body["user"].clone();
    assert_eq!((&user["email"], &user["role"]), (&json!(ADMIN_EMAIL), &json!("admin")));
    let renamed = rename(&admin, json!({ "name": "Box office" })).await;
    assert_eq!((renamed.status, &renamed.body["user"]["role"]), (200, &json!("admin")));
    let again = sign_in(&evently, ADMIN_EMAIL, ADMIN_PASSWORD).await.get("/me").await;
    assert_eq!((&again.body["user"]["name"], &again.body["user"]["id"]), (&json!("Box office"), &user["id"]));

    let without = evently.admin().get("/me").await;
    assert_eq!((without.status, &without.body["user"]["role"]), (200, &json!("admin")));
}

async fn bookings_of(evently: &TestApp, event: &str) -> Vec<Value> {
    let list = evently.admin().get(&format!("/admin/events/{event}/bookings")).await;
    assert_eq!((list.status, list.header("cache-control")), (200, "no-store"), "{}", list.body);
    list.body["items"].as_array().unwrap().clone()
}

async fn csv_of(evently: &TestApp, event: &str) -> Vec<csv::StringRecord> {
    let path = format!("/admin/events/{event}/bookings");
    let answer = evently.admin().get_with(&path, "accept", "text/csv").await;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(answer.bytes.as_slice());
    reader.records().collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn admins_see_who_booked_until_the_person_is_erased() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    assert_eq!(rename(&ada, json!({ "name": "Ada" })).await.status, 200);
    let (bob, nobody) = (registered(&evently, "bob@example.com").await, evently.user());
    let event = evently.event(10).await;
    let booking = ada.buy(&event, 2).await;
    bob.buy(&event, 1).await;
    nobody.buy(&event, 1).await;

    let me = |session: Session| async move {
        let user = session.get("/me").await.body["user"].clone();
        json!({ "id": user["id"], "email": user["email"], "name": user["name"] })
    };
    let (as_ada, as_bob) = (me(ada.clone()).await, me(bob).await);
    let items = bookings_of(&evently, &event).await;
    let buyers: Vec<_> = items.iter().map(|item| item["user"].clone()).collect();
    assert_eq!(buyers, [Value::Null, as_bob.clone(), as_ada.clone()]);
    assert!(items[1..].iter().all(|item| item["user_id"] == item["user"]["id"]));
    let rows = csv_of(&evently, &event).await;
    let ends: Vec<[&str; 2]> = rows.iter().map(|row| [&row[13], &row[14]]).collect();
    let expected =
        [["user_email", "user_name"], ["", ""], ["bob@example.com", ""], ["ada@example.com", "Ada"]];
    assert_eq!(ends, expected);

    assert_eq!(ada.cancel(&booking).await.status, 200);
    assert_eq!(erase_me(&ada, PASSWORD).await.status, 204);
    let items = bookings_of(&evently, &event).await;
    assert_eq!(items[2]["user"], Value::Null);
    assert_eq!(items[2]["user_id"], as_ada["id"], "the booking and its numbers stay");
    assert_eq!((&items[2]["quantity"], &items[1]["user"]), (&json!(2), &as_bob));
    assert_eq!([&csv_of(&evently, &event).await[3][13], &csv_of(&evently, &event).await[3][14]], ["", ""]);
}

#[tokio::test]
async fn a_name_or_address_is_no_formula_in_a_spreadsheet() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let eve = registered(&evently, "=cmd@example.com").await;
    assert_eq!(rename(&eve, json!({ "name": "=HYPERLINK(\"http://example.com\")" })).await.status, 200);
    eve.buy(&event, 1).await;
    let rows = csv_of(&evently, &event).await;
    assert_eq!([&rows[1][13], &rows[1][14]], ["'=cmd@example.com", "'=HYPERLINK(\"http://example.com\")"]);
    assert_eq!(bookings_of(&evently, &event).await[0]["user"]["email"], "=cmd@example.com");
}

#[tokio::test]
async fn each_person_of_a_page_is_read_once_and_nobody_for_an_empty_one() {
    let calls = Calls::default();
    let evently = TestApp::counted(&calls).await;
    let (event, empty) = (evently.event(100).await, evently.event(100).await);
    let people =
        [registered(&evently, "ada@example.com").await, registered(&evently, "bob@example.com").await];
    for person in people.iter().cycle().take(8) {
        person.buy(&event, 1).await;
    }
    calls.take();
    assert_eq!(bookings_of(&evently, &empty).await.len(), 0);
    assert!(!calls.take().keys().any(|call| call.ends_with(" users")));
    assert_eq!(bookings_of(&evently, &event).await.len(), 8);
    let of_users: Vec<_> = calls.take().into_iter().filter(|(call, _)| call.ends_with(" users")).collect();
    assert_eq!(of_users, [("Query users".to_owned(), 2)], "by the index, which has no hashes of passwords");
}

#[tokio::test]
async fn people_are_found_by_id() {
    let evently = TestApp::start().await;
    let ada = registered(&evently, "ada@example.com").await;
    let id: UserId = ada.get("/me").await.body["user"]["id"].as_str().unwrap().parse().unwrap();
    let found = evently.app.store.user_by_id(id).await.unwrap().unwrap();
    assert_eq!((found.email.as_str(), found.id), ("ada@example.com", id));
    assert!(found.password_hash.is_some(), "all of the account, which the index has not");
    assert!(evently.app.store.user_by_id(UserId::new()).await.unwrap().is_none());
}
