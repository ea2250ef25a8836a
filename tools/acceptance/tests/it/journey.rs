//! The journey of a user and of an admin, as they would go. `make test-lambda` sends the same through real Lambda
//! processes.

use std::env::var;

use serde_json::json;
use uuid::Uuid;

use crate::common::{ADMIN_EMAIL, ADMIN_PASSWORD, Session, TestApp, concert};

/// An Evently to go through: one of this process, unless `JOURNEY_URL` has another's address.
struct Place {
    anybody: Session,
    admin_email: String,
    admin_password: String,
    _own: Option<TestApp>,
}

impl Place {
    async fn find() -> Self {
        if let Ok(url) = var("JOURNEY_URL") {
            return Self {
                anybody: Session::at(url),
                admin_email: var("JOURNEY_ADMIN_EMAIL").unwrap(),
                admin_password: var("JOURNEY_ADMIN_PASSWORD").unwrap(),
                _own: None,
            };
        }
        let own = TestApp::start().await;
        Self {
            anybody: own.anybody(),
            admin_email: ADMIN_EMAIL.to_owned(),
            admin_password: ADMIN_PASSWORD.to_owned(),
            _own: Some(own),
        }
    }

    async fn sign_in(&self, email: &str, password: &str) -> Session {
        let signed_in = self.anybody.post("/login", json!({ "email": email, "password": password })).await;
        assert_eq!(signed_in.status, 200, "{}", signed_in.body);
        self.anybody.with_token(signed_in.text("access_token"))
    }

    /// Somebody who has just registered.
    async fn user(&self) -> Session {
        let email = format!("{}@example.com", Uuid::now_v7());
        let account = json!({ "email": email, "password": "correct horse" });
        assert_eq!(self.anybody.post("/register", account).await.status, 201);
        self.sign_in(&email, "correct horse").await
    }

    /// Seats that can be had, as the API says.
    async fn available(&self, event: &str) -> u64 {
        self.anybody.get(&format!("/events/{event}")).await.body["available"].as_u64().unwrap()
    }
}

/// There may be other events, so the journey's are found by a name of their own.
fn name_of_its_own() -> String {
    format!("Concert {}", Uuid::now_v7())
}

#[tokio::test]
async fn a_user_registers_browses_books_confirms_and_cancels() {
    let evently = Place::find().await;
    let admin = evently.sign_in(&evently.admin_email, &evently.admin_password).await;
    let name = name_of_its_own();
    let created = admin.post("/admin/events", concert(json!({ "name": name, "capacity": 50 }))).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let event = created.text("id");
    let anybody = &evently.anybody;

    let email = format!("ada-{}@example.com", Uuid::now_v7());
    let ada = json!({ "email": email.to_uppercase(), "password": "correct horse", "name": "Ada" });
    let registered = anybody.post("/register", ada).await;
    assert_eq!(registered.status, 201, "{}", registered.body);
    assert_eq!(registered.body["user"]["email"], email);
    assert!(registered.body.to_string().find("argon2").is_none(), "the hash stays inside");

    let signed_in = anybody.post("/login", json!({ "email": email, "password": "correct horse" })).await;
    assert_eq!(signed_in.status, 200);
    assert_eq!(signed_in.text("token_type"), "Bearer");
    assert!(signed_in.body["expires_in"].as_i64().unwrap() > 0);
    let ada = anybody.with_token(signed_in.text("access_token"));

    let listed = anybody.get(&format!("/events?q={}", name.replace(' ', "%20"))).await;
    assert_eq!(listed.body["items"][0]["id"], event.as_str());
    assert_eq!(listed.body["items"][0]["available"], 50);

    let held = ada.book(&event, 3).await;
    assert_eq!(held.status, 201, "{}", held.body);
    let reservation = &held.body["reservation"];
    assert_eq!(reservation["status"], "held");
    assert_eq!(reservation["quantity"], 3);
    assert_eq!(reservation["unit_price"], 2_500);
    assert_eq!(reservation["total"], 7_500);
    assert_eq!(reservation["currency"], "EUR");
    let id = reservation["id"].as_str().unwrap();
    assert_eq!(held.header("location"), format!("/reservations/{id}"));
    assert_eq!(held.header("cache-control"), "no-store");
    assert_eq!(evently.available(&event).await, 47);

    let looked = ada.get(&format!("/reservations/{id}")).await;
    assert_eq!(looked.status, 200);
    assert!((1..=600).contains(&looked.body["reservation"]["expires_in"].as_i64().unwrap()));

    let confirmed = ada.confirm(id).await;
    assert_eq!(confirmed.status, 201, "{}", confirmed.body);
    assert_eq!(confirmed.header("location"), format!("/bookings/{id}"));
    assert_eq!(confirmed.body["booking"]["status"], "confirmed");
    assert_eq!(confirmed.body["booking"]["total"], 7_500);
    assert_eq!(confirmed.body["booking"]["event_name"], name);

    let again = ada.confirm(id).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.body, confirmed.body);
    assert_eq!(ada.get(&format!("/reservations/{id}")).await.body["reservation"]["status"], "confirmed");

    let history = ada.get("/bookings").await;
    assert_eq!(history.body["items"][0], confirmed.body["booking"]);
    assert_eq!(ada.get(&format!("/bookings/{id}")).await.body, confirmed.body);

    let cancelled = ada.cancel(id).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    assert_eq!(cancelled.body["booking"]["status"], "cancelled");
    assert_eq!(cancelled.body["booking"]["version"], 2);
    assert_eq!(ada.cancel(id).await.body, cancelled.body);
    assert_eq!(ada.get(&format!("/bookings/{id}")).await.body, cancelled.body);
    assert_eq!(evently.available(&event).await, 50);
}

#[tokio::test]
async fn an_admin_signs_in_and_manages_events() {
    let evently = Place::find().await;
    let anybody = &evently.anybody;
    let credentials = json!({ "email": evently.admin_email, "password": evently.admin_password });
    let signed_in = anybody.post("/login", credentials.clone()).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);
    assert_eq!(signed_in.body["user"]["role"], "admin");
    let again = anybody.post("/login", credentials).await;
    assert_eq!(again.body["user"]["id"], signed_in.body["user"]["id"], "the admin is always the same user");
    let admin = anybody.with_token(signed_in.text("access_token"));

    let user = evently.user().await;
    let name = name_of_its_own();
    let draft = admin.post("/admin/events", concert(json!({ "name": name, "status": "draft" }))).await;
    assert_eq!(draft.status, 201, "{}", draft.body);
    assert!(draft.header("etag").starts_with("\"1."), "{draft:?}");
    let id = draft.text("id");
    let path = format!("/admin/events/{id}");
    assert_eq!(draft.header("location"), path);
    assert_eq!(admin.get(&path).await.body, draft.body);
    anybody.get(&format!("/events/{id}")).await.assert_problem(404, "event_not_found");
    user.book(&id, 1).await.assert_problem(404, "event_not_found");
    let all = admin.get("/admin/events?limit=100").await;
    assert!(all.body["items"].as_array().unwrap().iter().any(|event| event["id"] == id.as_str()));
    let search = format!("/events?q={}", name.replace(' ', "%20"));
    assert_eq!(anybody.get(&search).await.body["items"], json!([]));

    let publish = concert(json!({ "name": format!("Big {name}"), "status": "published" }));
    let published = admin.put(&path, "\"1\"", publish).await;
    assert_eq!(published.status, 200, "{}", published.body);
    assert!(published.header("etag").starts_with("\"2."), "{published:?}");
    assert_eq!(anybody.get(&search).await.body["items"][0]["name"], format!("Big {name}"));

    let stale = admin.put(&path, "\"1\"", concert(json!({ "name": format!("Small {name}") }))).await;
    stale.assert_problem(412, "stale_version");
    assert_eq!(stale.body["current_version"], 2);
    let fresh = admin.put(&path, "\"2\"", concert(json!({ "name": format!("Small {name}") }))).await;
    assert_eq!(fresh.status, 200);

    let off = admin.put(&path, "\"3\"", concert(json!({ "status": "cancelled" }))).await;
    assert_eq!(off.status, 200);
    user.book(&id, 1).await.assert_problem(409, "not_on_sale");
    assert_eq!(anybody.get(&format!("/events/{id}")).await.body["status"], "cancelled");
}
