//! A day of sales in which everything that is ever kept comes to be, by what people, jobs and the protocol do.

use std::time::Duration;

use accounts::mailed_tokens::{MailedClaims, Purpose};
use domain::{
    delivery::{Delivery, Outcome},
    email::Email,
    event::{Event, Pricing},
    id::{EventId, ReservationId, UserId, WebhookId},
    inventory::new_shards,
    message::{Audience, Kind, Message},
    request_key::RequestKey,
    webhook::{DisabledBecause, WebhookMessage},
};
use jiff::{SignedDuration, Timestamp};
use local::redis_server::RedisServer;
use redis::cmd;
use reqwest::Method;
use serde_json::{Value, json};
use settings::RateLimits;
use stores::{
    dynamodb::{Created, EventsFilter, Look},
    redis::{PricingCursor, scripts::Withdraw},
};
use tokio::time::sleep;
use uuid::Uuid;

use super::shape::Names;
use crate::common::{Answer, Session, TestApp, concert, details, in_hours, send};

pub(crate) const OLD_PASSWORD: &str = "correct horse";
const PASSWORD: &str = "four quiet green bicycles";
/// Longer than any test takes.
const LONG_SECONDS: u32 = 1_000;

pub(crate) struct Day {
    pub(super) evently: TestApp,
    _redis: RedisServer,
    pub(crate) names: Names,
    pub(super) ada: Session,
    pub(super) event: EventId,
    lost: EventId,
    theatre: EventId,
}

/// An event with everything that it may have.
pub(crate) fn full_event() -> Value {
    concert(json!({
        "description": "Bring a friend.", "time_zone": "Europe/Berlin", "ends_at": in_hours(24 * 30 + 4), "sales_open_at": in_hours(-1),
        "sales_close_at": in_hours(24 * 30 + 1), "capacity": 20, "max_per_booking": 5, "max_per_user": 12,
        "pricing": { "min_percent": 80, "max_percent": 150 },
        "rates": [{ "id": "full", "name": "Adults", "percent": 100 }, { "id": "patron", "name": "Patrons", "percent": 150 }],
    }))
}

/// An event with two shards more than one transaction takes. It is never created, for its key is another's.
async fn break_off_a_creation(evently: &TestApp, admin: &Session) -> EventId {
    let now = Timestamp::now();
    let event = Event::new(EventId::new(now), details(now), 97, now);
    let key = RequestKey::new(admin.user_id.unwrap(), "a-new-event", b"another event");
    let created = evently.app.store.create_event(&event, &new_shards(0, 97, 1), &[], Some(&key), None).await;
    assert_eq!(created.unwrap(), Created::KeyUsed);
    // Its note is what is special; the shards are like any other.
    evently.app.store.delete_shards(event.id, 95..97).await.unwrap();
    event.id
}

/// An event of places and of seats with names.
async fn event_of_areas(admin: &Session) -> EventId {
    let areas = json!([
        { "id": "floor", "name": "Floor", "capacity": 4, "base_price": 1_500 },
        { "id": "balcony", "name": "Balcony", "base_price": 2_500, "no_single_seats": true, "rows": [
            { "name": "A", "seats": 5, "accessible": ["1"] },
            { "name": "B", "seats": ["x", "y", "z"] },
        ] },
    ]);
    let mut body = concert(json!({ "starts_at": in_hours(24 * 33), "areas": areas }));
    for of_one_area in ["capacity", "base_price"] {
        body.as_object_mut().unwrap().remove(of_one_area);
    }
    let created = admin.post("/admin/events", body).await;
    assert_eq!(created.status, 201, "{}", created.body);
    created.text("id").parse().unwrap()
}

/// The reservation's id.
async fn two_at_different_rates(user: &Session, event: &str, key: &str) -> String {
    let book = user.request(Method::POST, &format!("/events/{event}/book")).header("idempotency-key", key);
    let held = send(book.json(&json!({ "quantity": 2, "rates": { "patron": 1 } }))).await;
    assert_eq!(held.status, 201, "{}", held.body);
    held.body["reservation"]["id"].as_str().unwrap().to_owned()
}

impl Day {
    pub(crate) async fn begin() -> Self {
        within_the_hour().await;
        let (evently, redis) = TestApp::with_own_redis(|config| {
            config.network_places_max = None;
            config.rate_limits = RateLimits {
                writes_per_minute: 1_000,
                reads_per_minute: 1_000,
                auth_per_minute: 1_000,
                registrations_per_hour: 1_000,
            };
        })
        .await;
        let (admin, ada) = (evently.admin(), accounts(&evently).await);
        move_an_account(&evently).await;
        let create = admin.request(Method::POST, "/admin/events").header("idempotency-key", "a-new-event");
        let created = send(create.json(&full_event())).await;
        assert_eq!(created.status, 201, "{}", created.body);
        let event: EventId = created.text("id").parse().unwrap();
        // It has sold for ten days, so that demand moves its price.
        let second = evently.event_created(24 * 10, |details| {
            (details.starts_at, details.capacity) =
                (Timestamp::now() + SignedDuration::from_hours(24 * 31), 4);
            details.pricing = Some(Pricing::default());
        });
        let lost: EventId = second.await.parse().unwrap();
        let draft = json!({ "status": "draft", "venue": null, "starts_at": in_hours(24 * 32) });
        let draft = evently.event_with(draft).await;
        let past = evently.event_created(48, |_| {}).await;

        let theatre = event_of_areas(&admin).await;
        let broken = break_off_a_creation(&evently, &admin).await;
        let starts_at: Timestamp = created.text("starts_at").parse().unwrap();
        let mut names = Names::new(starts_at, Timestamp::now());
        for (id, name) in [
            (event.to_string(), "event"),
            (lost.to_string(), "second_event"),
            (theatre.to_string(), "theatre"),
            (draft, "draft"),
            (past.clone(), "past_event"),
            (broken.to_string(), "broken_event"),
            (ada.user_id.unwrap().to_string(), "user"),
            (admin.user_id.unwrap().to_string(), "admin"),
        ] {
            names.call(id, name);
        }
        let mut day = Self { evently, _redis: redis, names, ada, event, lost, theatre };
        day.sell().await;
        day.sell_seats(&admin).await;
        day.change_the_event(&admin).await;
        day.look_around(&admin, &past).await;
        day.tell().await;
        day.tell_endpoints(&admin).await;
        day
    }

    /// Endpoints in each of their states, and what they are told.
    async fn tell_endpoints(&mut self, admin: &Session) {
        let (store, now) = (self.evently.app.store.clone(), Timestamp::now());
        let mut made = Vec::new();
        for (name, hook) in [
            ("webhook", json!({ "url": "https://example.com/hook" })),
            (
                "some_webhook",
                json!({ "url": "https://example.com/some", "types": ["booking.confirmed"], "description": "The till" }),
            ),
            ("removed_webhook", json!({ "url": "https://example.com/removed" })),
        ] {
            let created = admin.post("/admin/webhooks", hook).await;
            assert_eq!(created.status, 201, "{}", created.body);
            let id: WebhookId = created.text("id").parse().unwrap();
            self.names.call(id, name);
            made.push(id);
        }
        assert_eq!(admin.delete(&format!("/admin/webhooks/{}", made[2])).await.status, 204);
        let rotated = admin.post(&format!("/admin/webhooks/{}/rotate", made[1]), json!({})).await;
        assert_eq!(rotated.status, 200, "{}", rotated.body);
        store.endpoint_fails(made[1], now).await.unwrap();
        let failing = store.endpoint(made[1]).await.unwrap().unwrap();
        assert!(store.disable_endpoint(&failing, DisabledBecause::Failing).await.unwrap());
        let booking = Some((self.ada.user_id.unwrap(), self.names.id("booking").parse().unwrap()));
        let item = (self.names.id("booking"), 1);
        let message =
            WebhookMessage { kind: Kind::BookingConfirmed, item, event: self.event, booking, at: now };
        for (id, outcome) in [
            (made[0], Some(Outcome::Delivered("200 ok".to_owned()))),
            (made[1], Some(Outcome::Impossible("410".to_owned()))),
        ] {
            let delivery = Delivery::to_endpoint(&message, id, now);
            assert!(store.add_delivery(&delivery).await.unwrap());
            if let Some(outcome) = outcome {
                assert!(store.change_delivery(&delivery, &delivery.after(&outcome, now, 0.5)).await.unwrap());
            }
        }
        store.ask_for_delivery(&Delivery::ping(made[0], now), true).await.unwrap();
        assert!(
            store.add_delivery(&Delivery::of_disabled(made[1], admin.user_id.unwrap(), now)).await.unwrap()
        );
    }

    /// Holds in each of their states, and bookings.
    async fn sell(&mut self) {
        let (ada, app, event) = (&self.ada, &self.evently.app, self.event.to_string());
        let held = two_at_different_rates(ada, &event, "a-hold").await;
        let booking = two_at_different_rates(ada, &event, "a-booking").await;
        assert_eq!(ada.confirm(&booking).await.status, 201);
        let cancelled = ada.buy(&event, 1).await;
        assert_eq!(ada.cancel(&cancelled).await.status, 200);
        let released = ada.hold(&event, 1).await;
        assert_eq!(ada.delete(&format!("/reservations/{released}")).await.status, 204);
        let confirming = ada.hold(&event, 1).await;
        let begun = app.redis.begin(confirming.parse().unwrap(), ada.user_id.unwrap(), 600_000).await;
        assert!(begun.is_ok(), "{begun:?}");
        let bob = self.evently.user();
        bob.buy(&self.lost.to_string(), 2).await;
        bob.hold(&self.lost.to_string(), 1).await;
        self.names.call(bob.user_id.unwrap(), "second_user");
        let withdrawal = ReservationId::new(self.event, Timestamp::now());
        let withdrawn = app.redis.withdraw(withdrawal, 1, 90, 600_000).await.unwrap();
        assert!(matches!(withdrawn, Withdraw::Withdrawn { .. }), "{withdrawn:?}");
        for (id, name) in [
            (held, "held"),
            (booking, "booking"),
            (cancelled, "cancelled_booking"),
            (released, "released"),
            (confirming, "confirming"),
            (withdrawal.to_string(), "withdrawal"),
        ] {
            self.names.call(id, name);
        }
    }

    /// Places and seats of an event's areas: held, booked, cancelled, and out of sale.
    async fn sell_seats(&mut self, admin: &Session) {
        let event = self.theatre.to_string();
        let carl = self.evently.user();
        let mut made = Vec::new();
        for (name, wanted) in [
            ("held_place", json!({ "area": "floor", "quantity": 2 })),
            ("held_seats", json!({ "area": "balcony", "seats": ["A-1", "B-x"] })),
            ("booked_seats", json!({ "area": "balcony", "quantity": 2 })),
            ("cancelled_seats", json!({ "area": "balcony", "seats": ["B-y"] })),
        ] {
            let held = carl.book_with(&event, wanted).await;
            assert_eq!(held.status, 201, "{}", held.body);
            let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
            made.push(id.clone());
            self.names.call(id, name);
        }
        for confirmed in &made[2..] {
            assert_eq!(carl.confirm(confirmed).await.status, 201);
        }
        assert_eq!(carl.cancel(&made[3]).await.status, 200);
        let out = format!("/admin/events/{event}/areas/balcony/seats/withdraw");
        assert_eq!(admin.post(&out, json!({ "seats": ["B-z"] })).await.status, 200);
        self.names.call(carl.user_id.unwrap(), "third_user");
        let kept = self.evently.app.store.event(self.theatre).await.unwrap().unwrap();
        self.names.call(kept.last_withdrawal_of(1).unwrap(), "withdrawn_seats");
    }

    /// A price of an admin's, one by demand, and a lower capacity.
    async fn change_the_event(&self, admin: &Session) {
        let path = format!("/admin/events/{}", self.event);
        for change in [json!({ "base_price": 3_000 }), json!({ "capacity": 18 })] {
            let version = admin.get(&path).await.header("etag").to_owned();
            let changed = admin.patch(&path, &version, change).await;
            assert_eq!(changed.status, 200, "{}", changed.body);
        }
        pricing::run(&self.evently.app, Timestamp::now()).await.unwrap();
    }

    /// Fills what is kept for those who look, and leaves jobs in the middle.
    async fn look_around(&self, admin: &Session, past: &str) {
        let anybody = self.evently.anybody();
        for path in ["/events".to_owned(), "/events/popular".to_owned(), format!("/events/{past}")] {
            assert_eq!(anybody.get(&path).await.status, 200);
        }
        assert_eq!(admin.get("/admin/analytics").await.status, 200);
        let app = &self.evently.app;
        let start = app.store.events_by_start(&EventsFilter::default(), 1, None).await.unwrap().next;
        app.redis.set_janitor_cursor("holds", start.clone()).await.unwrap();
        let (day, start) = (catalogue::pricing_day(Timestamp::now()), start.unwrap());
        app.redis.set_pricing_cursor(Some(PricingCursor { day, start })).await.unwrap();
    }

    /// Deliveries in each of their states, and what those who tell keep for each other.
    async fn tell(&self) {
        let (store, now) = (&self.evently.app.store, Timestamp::now());
        let (user, event) = (self.ada.user_id.unwrap(), self.event);
        let of_owner = |kind, booking: &str, version| {
            let booking: ReservationId = self.names.id(booking).parse().unwrap();
            let to = Audience::Owner { user, booking };
            Delivery::new(&Message { kind, item: (booking.to_string(), version), event, to, at: now }, now)
        };
        let moved = Message {
            kind: Kind::EventRescheduled,
            item: (event.to_string(), 2),
            event,
            to: Audience::Bookers { moved_from: Some(self.names.starts_at()) },
            at: now,
        };
        let failed = Outcome::Failed("451 come again".to_owned());
        let delivered = Outcome::Delivered("250 taken".to_owned());
        let of_all = Delivery::new(&moved, now);
        let told_to = Some(self.names.id("booking").parse().unwrap());
        for (made, after) in [
            (of_owner(Kind::BookingConfirmed, "booking", 1), None),
            // Tried once before, so that the next try is not within the time of this test.
            (
                Delivery { tries: 1, ..of_owner(Kind::BookingConfirmed, "cancelled_booking", 1) },
                Some(&failed),
            ),
            (of_owner(Kind::BookingCancelled, "cancelled_booking", 2), Some(&delivered)),
            (of_all.for_booker(user, now), None),
            (Delivery { told_to, ..of_all }, None),
        ] {
            assert!(store.add_delivery(&made).await.unwrap());
            if let Some(outcome) = after {
                assert!(store.change_delivery(&made, &made.after(outcome, now, 0.5)).await.unwrap());
            }
        }
        let place = store.events_by_start(&EventsFilter::default(), 1, None).await.unwrap().next;
        store.keep_look(&Look { from: now, began: Some(now), place }).await.unwrap();
        store.set_place_in_stream("a-stream", "a-shard", "111").await.unwrap();
        assert!(
            store
                .take_lease("streams", &Uuid::now_v7().to_string(), now, SignedDuration::from_hours(1))
                .await
                .unwrap()
        );
        assert!(store.take_of_second(now, 10).await.unwrap());
        assert!(store.take_of_day(user, "booking.confirmed.one", now, 5).await.unwrap());
    }

    /// Redis misses a commit, and the janitor notes that it does.
    pub(crate) async fn lose_a_commit(&self) {
        let state = self.evently.keys().state(self.lost);
        self.evently.redis_command(cmd("HINCRBY").arg(state).arg("applied:0").arg(-1)).await;
        self.evently.app.redis.set_janitor_cursor("holds", None).await.unwrap();
        janitor::run(&self.evently.app, Timestamp::now()).await.unwrap();
        self.look_around(&self.evently.admin(), &self.names.id("past_event")).await;
    }

    /// Makes what is gone within seconds, and keeps it for longer.
    pub(crate) async fn keep_what_is_kept_for_a_moment(&mut self) {
        let (evently, keys) = (&self.evently, self.evently.keys());
        let (missing, redis) = (EventId::new(Timestamp::now()), &self.evently.app.redis);
        self.names.call(missing, "missing_event");
        evently.anybody().get(&format!("/events/{missing}")).await.assert_problem(404, "event_not_found");
        self.keep_longer(keys.copy(missing)).await;
        // Somebody may have one just now.
        for turn in
            [keys.turn(self.event), keys.popular_turn(), keys.ended_tokens_turn(), keys.catalogue_turn()]
        {
            evently.redis_command(cmd("DEL").arg(turn)).await;
        }
        assert!(redis.take_turn(self.event).await.unwrap());
        self.keep_longer(keys.turn(self.event)).await;
        assert!(redis.take_popular_turn().await.unwrap());
        self.keep_longer(keys.popular_turn()).await;
        assert!(redis.take_ended_tokens_turn().await.unwrap());
        self.keep_longer(keys.ended_tokens_turn()).await;
        // Whoever finds no list has the turn to read it.
        let aside = format!("{}-aside", keys.catalogue());
        for command in [cmd("COPY").arg(keys.catalogue()).arg(&aside), cmd("DEL").arg(keys.catalogue())] {
            evently.redis_command(command).await;
        }
        redis.listed(None).await.unwrap();
        self.keep_longer(keys.catalogue_turn()).await;
        evently.redis_command(cmd("RENAME").arg(aside).arg(keys.catalogue())).await;
    }

    async fn keep_longer(&self, key: String) {
        let kept: i64 = self.evently.redis_query(cmd("EXPIRE").arg(&key).arg(LONG_SECONDS)).await;
        assert_eq!(kept, 1, "{key} is gone: the machine is too busy");
    }

    /// The janitor of the day after.
    pub(crate) async fn janitor_after_hours(&self) {
        self.evently.app.redis.set_janitor_cursor("holds", None).await.unwrap();
        let later = Timestamp::now() + SignedDuration::from_hours(2);
        let report = janitor::run(&self.evently.app, later).await.unwrap();
        assert_eq!((report.events_failed, report.done.shards_hours_failed), (0, 0), "{report:?}");
        assert!(report.done.shards_hours_moved > 0, "{report:?}");
    }
}

/// Asks for a page of a list, which one must be asked for by POST.
pub(crate) async fn ask(session: &Session, path: &str) -> Answer {
    let method = if path.contains("/preview") { Method::POST } else { Method::GET };
    send(session.request(method, path)).await
}

/// Every list with cursors, with who may read it.
pub(crate) fn lists<'a>(
    user: &'a Session,
    admin: &'a Session,
    event: EventId,
) -> Vec<(&'static str, &'a Session, String)> {
    vec![
        ("token-cursor-of-events", user, "/events".to_owned()),
        ("token-cursor-of-bookings", user, "/bookings".to_owned()),
        ("token-cursor-of-reservations", user, "/reservations".to_owned()),
        ("token-cursor-of-all-events", admin, "/admin/events".to_owned()),
        ("token-cursor-of-capacity", admin, "/admin/events/capacity_utilization".to_owned()),
        ("token-cursor-of-the-preview", admin, "/admin/pricing/preview".to_owned()),
        ("token-cursor-of-the-audit-trail", admin, "/admin/audit".to_owned()),
        ("token-cursor-of-deliveries", admin, "/admin/deliveries".to_owned()),
        ("token-cursor-of-prices", admin, format!("/admin/events/{event}/prices")),
        ("token-cursor-of-an-events-bookings", admin, format!("/admin/events/{event}/bookings")),
    ]
}

/// Waits for the next hour if this one is nearly over: sales are counted by the hour.
async fn within_the_hour() {
    let left = 3_600 - Timestamp::now().as_second().rem_euclid(3_600);
    if left < 30 {
        sleep(Duration::from_secs(left.unsigned_abs() + 1)).await;
    }
}

/// An account that has left an address, and wants another one.
async fn move_an_account(evently: &TestApp) {
    let email = |domain: &str| format!("eve@{domain}");
    let register = json!({ "email": email("example.com"), "password": OLD_PASSWORD });
    let made = evently.anybody().post("/register", register).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let user: UserId = made.body["user"]["id"].as_str().unwrap().parse().unwrap();
    let mut session = evently.anybody().with_token(made.text("access_token"));
    let want = async |session: &Session, domain| {
        let change = json!({ "email": email(domain), "password": OLD_PASSWORD });
        assert_eq!(session.post("/me/email", change).await.status, 202);
    };
    want(&session, "example.org").await;
    let to = Email::parse(&email("example.org")).unwrap();
    let claims = MailedClaims::new(Purpose::Move, user, to, 0, Timestamp::now());
    let token = json!({ "token": evently.app.tokens.seal_mailed(Purpose::Move, &claims).unwrap() });
    assert_eq!(evently.anybody().post("/verify-email", token).await.status, 204);
    let credentials = json!({ "email": email("example.org"), "password": OLD_PASSWORD });
    let signed_in = evently.anybody().post("/login", credentials).await;
    session = session.with_token(signed_in.text("access_token"));
    want(&session, "example.net").await;
}

/// Two accounts: one has changed its password, of the other somebody tries to guess it. Answers with the first.
async fn accounts(evently: &TestApp) -> Session {
    let anybody = evently.anybody();
    let register = |email, name: Value| {
        anybody.post("/register", json!({ "email": email, "password": OLD_PASSWORD, "name": name }))
    };
    assert_eq!(register("ada@example.com", json!("Ada")).await.status, 201);
    let bob = register("bob@example.com", Value::Null).await;
    assert_eq!(bob.status, 201);
    let (address, id) = (Email::parse("bob@example.com").unwrap(), bob.body["user"]["id"].as_str().unwrap());
    assert!(
        evently.app.store.verify_email(&address, id.parse().unwrap(), 0, Timestamp::now()).await.unwrap()
    );
    let ada = sign_in(evently, OLD_PASSWORD).await;
    let change = json!({ "current_password": OLD_PASSWORD, "new_password": PASSWORD });
    assert_eq!(ada.post("/password", change).await.status, 204);
    for _ in 0..5 {
        let guess = json!({ "email": "bob@example.com", "password": "a guess, and a bad one" });
        assert_eq!(anybody.post("/login", guess).await.status, 401);
    }
    let by_ipv6 = evently.from("2001:db8:1:2::1").await;
    for _ in 0..5 {
        let guess = json!({ "email": "nobody@example.com", "password": "a guess, and a bad one" });
        assert_eq!(by_ipv6.post("/login", guess).await.status, 401);
    }
    sign_in(evently, PASSWORD).await
}

async fn sign_in(evently: &TestApp, password: &str) -> Session {
    let credentials = json!({ "email": "ada@example.com", "password": password });
    let signed_in = evently.anybody().post("/login", credentials).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);
    let mut session = evently.anybody().with_token(signed_in.text("access_token"));
    session.user_id = signed_in.body["user"]["id"].as_str().unwrap().parse().ok();
    session
}
