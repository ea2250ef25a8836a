//! A data folder that an old release left behind (`data-v1`): this release starts on it, and everything in it is still good.
//! Each test works on a copy.

use std::path::{Path, PathBuf};

use ::redis::AsyncCommands;
use domain::id::EventId;
use http_api::App;
use jiff::Timestamp;
use local::redis_server::{RedisOptions, RedisServer};
use serde_json::{Value, json};
use settings::Config;
use stores::{dynamodb, redis::keys::Keys};
use tempfile::TempDir;

use crate::{
    common::{Session, concert},
    local_server::{Server, start_with},
};

/// What the local server's tables and keys are called.
const PREFIX: &str = "evently:";
const TABLES: [(&str, &str); 4] = [
    ("USERS_TABLE", "evently-users"),
    ("EVENTS_TABLE", "evently-events"),
    ("INVENTORY_TABLE", "evently-inventory"),
    ("BOOKINGS_TABLE", "evently-bookings"),
];
/// The open hold as the old release wrote it: without `most`, `begins`, `first` and `held_until`.
const OPEN_HOLD: &str = r#"{
    "quantity": 2, "state": "held", "user": "01a212e6-474e-7257-bbd0-432f89b60148", "unit_price": 9900,
    "from": 1795613411636, "draws": [[41, 2]]
}"#;

/// The old folder, copied, and what is said to be in it.
struct OldData {
    folder: TempDir,
    expected: Value,
}

impl OldData {
    fn copied() -> Self {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("data-v1");
        let folder = tempfile::tempdir().unwrap();
        copy(&kept.join("data"), &folder.path().join("data"));
        let expected = std::fs::read_to_string(kept.join("expected.json")).unwrap();
        Self { folder, expected: serde_json::from_str(&expected).unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts this release's server on the folder.
    fn start(&self) -> Server {
        let secret = self.expected["jwt_secret"].as_str().unwrap();
        start_with(&self.data(), |command| {
            command.env("JWT_SECRET", secret);
        })
    }

    fn event(&self, name: &str) -> &str {
        self.expected["events"][name]["id"].as_str().unwrap()
    }

    fn events(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.expected["events"].as_object().unwrap().iter()
    }

    async fn sign_in(&self, server: &Server, name: &str) -> Session {
        let user = &self.expected["users"][name];
        let credentials = json!({ "email": user["email"], "password": user["password"] });
        let signed_in = server.anybody().post("/login", credentials).await;
        assert_eq!(signed_in.status, 200, "{name}: {}", signed_in.body);
        assert_eq!(signed_in.body["user"]["id"], user["id"]);
        server.anybody().with_token(signed_in.text("access_token"))
    }

    /// Gives the open hold, whose hour is long over, another one. Redis runs by itself for that: a server's janitor would
    /// be faster.
    async fn reopen_hold(&self) {
        let data = Some(self.data().join("redis"));
        let redis = RedisServer::start(RedisOptions { data, ..RedisOptions::default() }).await.unwrap();
        let client = ::redis::Client::open(redis.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let (keys, hold) = (Keys::new(PREFIX), self.expected["open_hold"]["id"].as_str().unwrap());
        let event: EventId = self.event("Fixture big").parse().unwrap();
        let kept: String = connection.hget(keys.holds(event), hold).await.unwrap();
        let kept: Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(kept, serde_json::from_str::<Value>(OPEN_HOLD).unwrap());
        let deadline = Timestamp::now().as_millisecond() + 3_600_000;
        let added: i64 = connection.zadd(keys.deadlines(event), hold, deadline).await.unwrap();
        assert_eq!(added, 0, "it had a deadline");
        redis.stop().await;
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            // Not `fs::copy`: a checkout may be read-only, and the copy must not be.
            std::fs::write(&to, std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// The stores of a running server, as a janitor beside it sees them.
fn app_beside(server: &Server) -> std::sync::Arc<App> {
    let address = |scheme: &str| {
        let from = server.banner.find(scheme).unwrap_or_else(|| panic!("no {scheme} in {}", server.banner));
        server.banner[from..].split_whitespace().next().unwrap().to_owned()
    };
    let redis = address("redis://");
    let embedded = server.banner.split("embedded, ").nth(1).unwrap().split_whitespace().next().unwrap();
    let config = Config::from_lookup(|name| match name {
        "REDIS_URL" => Some(redis.clone()),
        "JWT_SECRET" => Some("of nobody: this app signs nothing and reads no token".to_owned()),
        _ => TABLES.iter().find(|(table, _)| *table == name).map(|(_, value)| (*value).to_owned()),
    });
    App::new(config.unwrap(), dynamodb::client_for_endpoint(embedded)).unwrap()
}

/// Runs the janitor until it has nothing to wait for, and asserts that no seat of any event is missing.
async fn assert_all_seats_are_there(old: &OldData, server: &Server) {
    let report = janitor::run(&app_beside(server), Timestamp::now()).await.unwrap();
    assert_eq!((report.events_failed, report.done.seats.drift()), (0, 0), "{report:?}");
    assert_eq!((report.done.seats_too_many, report.done.seats_too_few), (0, 0), "{report:?}");
    let admin = server.admin().await;
    for (name, event) in old.events() {
        let path = format!("/admin/events/{}/inventory", event["id"].as_str().unwrap());
        let inventory = admin.get(&path).await.body;
        assert_eq!(inventory["drift"], 0, "{name}: {inventory}");
        assert_eq!(inventory["capacity"], event["capacity"], "{name}: {inventory}");
    }
}

#[tokio::test]
async fn what_an_old_release_left_is_all_there() {
    let old = OldData::copied();
    let server = old.start();
    let admin = server.admin().await;
    for (name, expected) in old.events() {
        let id = expected["id"].as_str().unwrap();
        let event = admin.get(&format!("/admin/events/{id}")).await.body;
        assert_eq!(event["name"], *name);
        for field in ["capacity", "base_price", "currency"] {
            assert_eq!(event[field], expected[field], "{name}: {event}");
        }
        let status = match name.as_str() {
            "Fixture draft" => "draft",
            "Fixture cancelled" => "cancelled",
            _ => "published",
        };
        assert_eq!(event["status"], status, "{name}");
        let inventory = admin.get(&format!("/admin/events/{id}/inventory")).await.body;
        let sold = old.expected["sold"][name].as_i64().unwrap_or(0);
        assert_eq!(inventory["sold"], sold, "{name}: {inventory}");
    }
    let listed = server.anybody().get("/events?q=fixture").await.body;
    let listed: Vec<_> = listed["items"].as_array().unwrap().iter().map(|event| &event["name"]).collect();
    assert_eq!(listed, ["Fixture small", "Fixture big"], "these start in 2035: by then, renew the folder");
    let popular = server.anybody().get("/events/popular").await.body;
    assert_eq!(popular["items"][0]["name"], "Fixture big", "{popular}");

    for name in old.expected["users"].as_object().unwrap().keys() {
        let history = old.sign_in(&server, name).await.get("/bookings").await.body;
        let bookings = history["items"].as_array().unwrap();
        let expected: Vec<_> =
            old.expected["bookings"].as_array().unwrap().iter().filter(|one| one["user"] == **name).collect();
        assert_eq!(bookings.len(), expected.len(), "{name}: {history}");
        for expected in expected {
            let booking = bookings.iter().find(|booking| booking["id"] == expected["id"]);
            let booking = booking.unwrap_or_else(|| panic!("{name} lacks {expected}"));
            assert_eq!(booking["event_name"], expected["event"]);
            for field in ["quantity", "total", "status"] {
                assert_eq!(booking[field], expected[field], "{booking}");
            }
        }
    }
    assert_all_seats_are_there(&old, &server).await;
    // The folder had no such table.
    assert_eq!(admin.get("/admin/audit").await.body["items"], json!([]));
    assert_eq!(admin.post("/admin/events", concert(json!({}))).await.status, 201);
    assert_eq!(admin.get("/admin/audit").await.body["items"][0]["admin"]["email"], "admin@example.com");
}

#[tokio::test]
async fn sales_go_on_where_an_old_release_stopped() {
    let old = OldData::copied();
    old.reopen_hold().await;
    let server = old.start();
    let (ada, bob) = (old.sign_in(&server, "ada").await, old.sign_in(&server, "bob").await);

    let hold = old.expected["open_hold"]["id"].as_str().unwrap();
    let looked = bob.get(&format!("/reservations/{hold}")).await;
    assert_eq!((looked.status, &looked.body["reservation"]["quantity"]), (200, &json!(2)), "{}", looked.body);
    let confirmed = bob.confirm(hold).await;
    assert_eq!((confirmed.status, &confirmed.body["booking"]["total"]), (201, &json!(19_800)));
    assert_eq!(bob.get("/bookings").await.body["items"][0]["id"], *hold);

    for event in ["Fixture small", "Fixture big"].map(|name| old.event(name)) {
        let kept = ada.buy(event, 2).await;
        let given_back = ada.buy(event, 1).await;
        assert_eq!(ada.cancel(&given_back).await.status, 200);
        assert_eq!(ada.get(&format!("/bookings/{kept}")).await.body["booking"]["status"], "confirmed");
    }
    // Also what the old release sold can be given back, that of the cancelled event as well.
    let of_bob = old.expected["bookings"].as_array().unwrap().iter().filter(|one| one["user"] == "bob");
    for booking in of_bob {
        let cancelled = bob.cancel(booking["id"].as_str().unwrap()).await;
        assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    }
    // A user's limit counts what was bought from the old release: ada has 4 of 10, and 2 new ones.
    ada.book(old.event("Fixture big"), 5).await.assert_problem(409, "max_per_user_reached");
    assert_all_seats_are_there(&old, &server).await;
    let path = format!("/admin/events/{}/inventory", old.event("Fixture big"));
    assert_eq!(server.admin().await.get(&path).await.body["sold"], 14 + 2 + 2);
}

#[tokio::test]
async fn what_happens_now_is_told_by_mail_and_nothing_of_then() {
    let old = OldData::copied();
    // Its tables have no streams yet.
    let server = old.start();
    let created = server.admin().await.post("/admin/events", concert(json!({ "name": "New" }))).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let booking = old.sign_in(&server, "ada").await.buy(&created.text("id"), 1).await;
    let mails = || -> Vec<String> {
        let Ok(files) = std::fs::read_dir(old.data().join("mail")) else { return Vec::new() };
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    let started = std::time::Instant::now();
    while mails().is_empty() && started.elapsed().as_secs() < 60 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let mails = mails();
    assert!(mails.len() == 1 && mails[0].contains(&booking), "{mails:?}");
}
