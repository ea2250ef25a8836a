//! Areas: each sells its own places, at its own price, from its own shards and under its own keys; and the event is exact.

use std::future::ready;

use ::booking::{Reserved, Wanted};
use domain::{
    error::Error,
    event::{AreaDetails, Event, EventDetails, EventStatus},
    id::{AreaKey, AreaNumber, EventId},
    inventory::place_of_shard,
    rate::ALL_AT_FIRST,
    reservation::BEST_SEATS,
};
use exercise::Ledger;
use jiff::Timestamp;
use local::redis_server::RedisServer;
use stores::dynamodb::client_for_endpoint;
use tokio::time::{Duration, sleep};

use crate::common::{Session, TestApp, details, shared_dynamodb};

const FLOOR: AreaNumber = 0;
const BALCONY: AreaNumber = 1;
const BOX: AreaNumber = 2;
const HOLD_TTL_MS: u64 = 1_500;

struct Hall<'a> {
    evently: &'a TestApp,
    event: EventId,
}

fn area(id: &str, capacity: u32, base_price: u32) -> AreaDetails {
    AreaDetails { id: id.to_owned(), name: id.to_uppercase(), capacity, base_price, ..AreaDetails::default() }
}

async fn evently() -> (TestApp, RedisServer) {
    TestApp::with_own_redis(|config| {
        config.seats_per_shard = 3;
        config.hold_ttl_ms = HOLD_TTL_MS;
        config.confirm_grace_ms = 300;
    })
    .await
}

impl<'a> Hall<'a> {
    /// Seven shards on the floor, three on the balcony, one box.
    async fn open(evently: &'a TestApp) -> Self {
        let now = Timestamp::now();
        let areas = vec![area("floor", 20, 4_500), area("balcony", 9, 6_500), area("box", 3, 9_000)];
        let details = EventDetails { areas, max_per_user: 12, ..details(now) }.with_sums_of_areas();
        let event = ::booking::create_event(&evently.app.protocol, details, None, now).await.unwrap().id;
        Self { evently, event }
    }

    async fn kept(&self) -> Event {
        self.evently.app.store.event(self.event).await.unwrap().unwrap()
    }

    async fn reserve(
        &self,
        user: &Session,
        number: AreaNumber,
        quantity: u32,
        key: &str,
    ) -> Result<Reserved, Error> {
        let event = self.kept().await;
        let wanted = Wanted {
            user: user.user_id.unwrap(),
            event: self.event,
            area: Some(&event.area_states[usize::from(number)].id),
            quantity,
            rates: &ALL_AT_FIRST,
            seats: &BEST_SEATS,
            idempotency_key: key,
            network: None,
        };
        ::booking::reserve(&self.evently.app.protocol, wanted, Timestamp::now(), ready(Ok(()))).await
    }

    async fn hold(&self, user: &Session, area: AreaNumber, quantity: u32) -> String {
        let key = uuid::Uuid::now_v7().to_string();
        self.reserve(user, area, quantity, &key).await.unwrap().reservation.id.to_string()
    }

    /// Free and sold places of an area, by Redis and by DynamoDB.
    async fn places(&self, number: AreaNumber) -> (u32, u32) {
        let area = AreaKey { event: self.event, number };
        let free = self.evently.app.redis.free_seats(&[area]).await.unwrap()[0].unwrap();
        let shards = self.evently.app.store.inventory_of_area(area, &self.kept().await.shards).await.unwrap();
        (free, shards.iter().map(|shard| shard.sold).sum())
    }

    async fn janitor(&self) -> ::janitor::Report {
        ::janitor::run(&self.evently.app, Timestamp::now()).await.unwrap()
    }

    /// Every place is accounted for, in both stores, in each area.
    async fn assert_exact(&self) {
        let client = client_for_endpoint(shared_dynamodb());
        let ledger =
            Ledger { app: &self.evently.app, dynamodb: &client, events: &[self.event], max_per_user: 12 };
        let bookings = ledger.bookings().await.unwrap();
        let ours: Vec<_> = bookings.into_iter().filter(|booking| booking.event_id == self.event).collect();
        assert_eq!(ledger.check(&ours).await.unwrap(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn each_area_sells_its_own_places_at_its_own_price() {
    let (evently, _redis) = evently().await;
    let hall = Hall::open(&evently).await;
    let (event, ada) = (hall.kept().await, hall.evently.user());
    let areas: Vec<_> =
        event.areas().iter().map(|area| (area.id, area.key.number, area.capacity, area.price)).collect();
    assert_eq!(areas, [("floor", 0, 20, 4_500), ("balcony", 1, 9, 6_500), ("box", 2, 3, 9_000)]);
    assert_eq!((event.details.capacity, event.details.base_price, event.shards.count()), (32, 4_500, 11));

    let mut bookings = Vec::new();
    for (number, quantity, price) in [(FLOOR, 5, 4_500), (BALCONY, 4, 6_500), (BOX, 3, 9_000)] {
        let id = hall.hold(&ada, number, quantity).await;
        let held = ada.get(&format!("/reservations/{id}")).await;
        assert_eq!(held.body["reservation"]["unit_price"], price, "{}", held.body);
        let confirmed = ada.confirm(&id).await;
        assert_eq!(confirmed.status, 201, "{}", confirmed.body);
        assert_eq!(confirmed.body["booking"]["total"], price * quantity);
        bookings.push((number, id));
    }
    assert_eq!(
        [hall.places(FLOOR).await, hall.places(BALCONY).await, hall.places(BOX).await],
        [(15, 5), (5, 4), (0, 3)]
    );
    for (number, id) in &bookings {
        let kept =
            hall.evently.app.store.booking(ada.user_id.unwrap(), id.parse().unwrap()).await.unwrap().unwrap();
        assert!(kept.draws.iter().all(|draw| place_of_shard(draw.shard).0 == *number), "{kept:?}");
    }
    hall.assert_exact().await;

    // What is sold out in one area is not so in another, and what is given back comes back where it was.
    let ben = hall.evently.user();
    assert!(matches!(hall.reserve(&ben, BOX, 1, "box").await, Err(Error::SoldOut { available: 0, .. })));
    let (_, in_box) = bookings.pop().unwrap();
    assert_eq!(ada.cancel(&in_box).await.status, 200);
    assert_eq!((hall.places(BOX).await, hall.places(FLOOR).await), ((3, 0), (15, 5)));
    let held = hall.hold(&ben, BOX, 3).await;
    assert_eq!(ben.delete(&format!("/reservations/{held}")).await.status, 204);
    assert_eq!(hall.places(BOX).await, (3, 0));
    hall.assert_exact().await;
}

#[tokio::test]
async fn a_users_limit_is_over_all_areas_and_a_key_is_for_one_of_them() {
    let (evently, _redis) = evently().await;
    let hall = Hall::open(&evently).await;
    let (ada, redis) = (hall.evently.user(), &hall.evently.app.redis);
    let (floor, balcony) = (hall.hold(&ada, FLOOR, 7).await, hall.hold(&ada, BALCONY, 6).await);
    assert_eq!(ada.confirm(&floor).await.status, 201);
    ada.confirm(&balcony).await.assert_problem(409, "max_per_user_reached");
    assert_eq!(ada.confirm(&hall.hold(&ada, BALCONY, 3).await).await.status, 201);

    let ben = hall.evently.user();
    let first = hall.reserve(&ben, FLOOR, 1, "a key").await.unwrap();
    let other = hall.reserve(&ben, BOX, 1, "a key").await;
    assert!(matches!(other, Err(Error::IdempotencyKeyReused)), "{other:?}");
    let free = redis.free_seats(&[AreaKey { event: hall.event, number: BOX }]).await.unwrap();
    assert!(matches!(free[..], [None | Some(3)]), "{free:?}");
    let again = hall.reserve(&ben, FLOOR, 1, "a key").await.unwrap();
    assert!(again.replayed && again.reservation.id == first.reservation.id);
}

#[tokio::test]
async fn the_janitor_sweeps_and_mends_every_area() {
    let (evently, _redis) = evently().await;
    let hall = Hall::open(&evently).await;
    let (ada, keys) = (hall.evently.user(), hall.evently.keys());
    for number in [FLOOR, BALCONY, BOX] {
        hall.hold(&ada, number, 2).await;
    }
    assert_eq!(ada.confirm(&hall.hold(&ada, BALCONY, 3).await).await.status, 201);
    sleep(Duration::from_millis(HOLD_TTL_MS + 50)).await;
    assert_eq!(hall.janitor().await.done.holds_expired, 3);
    assert_eq!(
        [hall.places(FLOOR).await, hall.places(BALCONY).await, hall.places(BOX).await],
        [(20, 0), (6, 3), (3, 0)]
    );

    // One area lies, another is lost with all that it knew.
    let balcony = keys.state(AreaKey { event: hall.event, number: BALCONY });
    for field in ["free", "free:1"] {
        hall.evently.redis_command(redis::cmd("HINCRBY").arg(&balcony).arg(field).arg(2)).await;
    }
    let held = hall.hold(&ada, BOX, 1).await;
    let boxes = keys.state(AreaKey { event: hall.event, number: BOX });
    hall.evently.redis_command(redis::cmd("DEL").arg(&boxes)).await;
    ada.confirm(&held).await.assert_problem(410, "reservation_expired");
    let done = hall.janitor().await.done;
    assert_eq!((done.shards_repaired, done.seats_too_many), (1, 2));
    let seats = ::booking::conservation(&hall.evently.app.protocol, hall.event, Timestamp::now())
        .await
        .unwrap()
        .seats;
    assert_eq!((seats.capacity, seats.sold, seats.free, seats.drift()), (32, 3, 29, 0));
    hall.assert_exact().await;
}

#[tokio::test]
async fn people_see_the_seats_of_all_areas_together_a_second_old_at_most() {
    let (evently, _redis) = evently().await;
    let hall = Hall::open(&evently).await;
    let (anybody, ada, path) =
        (hall.evently.anybody(), hall.evently.user(), format!("/events/{}", hall.event));
    let seen = async || anybody.get(&path).await.body["available"].as_u64().unwrap();
    assert_eq!(seen().await, 32);
    let held = hall.hold(&ada, BOX, 3).await;
    assert_eq!(ada.confirm(&held).await.status, 201);
    hall.hold(&ada, BALCONY, 4).await;
    sleep(Duration::from_millis(1_050)).await;
    assert_eq!(seen().await, 25, "the hold has not run out by the clock of Redis alone");
    // Who looks meanwhile reads one sum; it is not counted with every look.
    let free = hall.evently.keys().state(AreaKey { event: hall.event, number: BOX });
    hall.evently.redis_command(redis::cmd("HINCRBY").arg(&free).arg("free").arg(-3)).await;
    assert_eq!(seen().await, 25);
    hall.evently.redis_command(redis::cmd("HINCRBY").arg(&free).arg("free").arg(3)).await;
    for (list, items) in [("/events?limit=100", "items"), ("/events/popular", "items")] {
        let listed = anybody.get(list).await.body;
        let ours =
            listed[items].as_array().unwrap().iter().find(|event| event["id"] == hall.event.to_string());
        assert!(ours.is_none_or(|event| event["available"] == 25), "{listed}");
    }
    let admin = hall.evently.admin().get(&format!("/admin/events/{}", hall.event)).await;
    assert_eq!(
        (&admin.body["capacity"], &admin.body["available"]),
        (&serde_json::json!(32), &serde_json::json!(25))
    );
    let inventory = hall.evently.admin().get(&format!("/admin/events/{}/inventory", hall.event)).await;
    assert_eq!(
        (&inventory.body["sold"], &inventory.body["free"]),
        (&serde_json::json!(3), &serde_json::json!(25))
    );

    // Without any state all is loaded anew.
    hall.evently.redis_command(&redis::cmd("FLUSHALL")).await;
    assert_eq!(seen().await, 29);
}

#[tokio::test]
async fn admins_add_areas_and_change_their_places_while_others_sell() {
    let evently = TestApp::with(|config| config.seats_per_shard = 3).await;
    let (protocol, now, ada) = (&evently.app.protocol, Timestamp::now(), evently.user());
    let plain = EventDetails { capacity: 10, max_per_user: 12, ..details(now) };
    let id = ::booking::create_event(protocol, plain.clone(), None, now).await.unwrap().id;
    let sold = ada.buy(&id.to_string(), 4).await;
    let replace = async |areas: Vec<AreaDetails>, status: EventStatus| {
        let details = EventDetails { areas, status, ..plain.clone() }.with_sums_of_areas();
        ::booking::replace_event(protocol, id, |_| true, |_| Ok(details), None, Timestamp::now()).await
    };
    let free =
        async |number| evently.app.redis.free_seats(&[AreaKey { event: id, number }]).await.unwrap()[0];
    let capacities = |event: &Event| {
        event
            .areas()
            .iter()
            .map(|area| (area.id.to_owned(), area.key.number, area.capacity))
            .collect::<Vec<_>>()
    };
    let published = EventStatus::Published;

    // What it had becomes its first area, with all that was sold of it.
    let general = |capacity| area("general", capacity, 2_500);
    let with_box = replace(vec![area("box", 4, 9_000), general(12)], published).await.unwrap();
    assert_eq!(capacities(&with_box), [("box".to_owned(), 1, 4), ("general".to_owned(), 0, 12)]);
    assert_eq!((with_box.details.capacity, with_box.price), (16, 2_500));
    assert_eq!(free(0).await, Some(8));
    let hall = Hall { evently: &evently, event: id };
    let held = hall.hold(&ada, 1, 3).await;
    assert_eq!(ada.confirm(&held).await.body["booking"]["total"], 27_000);

    // Down to what is sold, and no further; in one step with another that grows.
    let too_few = replace(vec![area("box", 2, 9_000), general(14)], published).await;
    assert!(matches!(too_few, Err(Error::CapacityBelowSold { lowest: 3, .. })), "{too_few:?}");
    assert_eq!(capacities(&hall.kept().await), capacities(&with_box), "nothing is changed");
    let resized =
        replace(vec![area("box", 3, 9_000), general(14), area("stand", 5, 1_000)], published).await.unwrap();
    assert_eq!(
        capacities(&resized).iter().map(|(_, number, places)| (*number, *places)).collect::<Vec<_>>(),
        [(1, 3), (0, 14), (2, 5)]
    );
    assert_eq!((resized.details.capacity, resized.price), (22, 1_000));
    assert_eq!((free(0).await, free(1).await), (Some(10), Some(0)));
    assert!(matches!(hall.reserve(&ada, 1, 1, "none").await, Err(Error::SoldOut { .. })));

    // One of which nothing is sold can go; its number and its id stay its own. One of which something is, can't.
    let gone = replace(vec![area("box", 3, 9_000), general(14)], published).await.unwrap();
    assert_eq!((gone.areas().len(), gone.details.capacity, free(2).await), (2, 17, Some(0)));
    let again = replace(
        vec![area("box", 3, 9_000), general(14), area("tent", 2, 50), area("stand", 1, 900)],
        published,
    )
    .await
    .unwrap();
    let numbers: Vec<_> = again.areas().iter().map(|area| (area.key.number, area.price)).collect();
    assert_eq!(numbers, [(1, 9_000), (0, 2_500), (3, 50), (2, 900)]);
    assert!(matches!(
        replace(vec![general(14)], published).await,
        Err(Error::AreaHasBookings { seats: 3, .. })
    ));

    assert_eq!(capacities(&hall.kept().await), capacities(&again), "nothing is changed");

    // A draft has nothing sold in any of them.
    let areas = || vec![area("box", 3, 9_000), general(14), area("tent", 2, 50), area("stand", 1, 900)];
    assert!(matches!(replace(areas(), EventStatus::Draft).await, Err(Error::EventHasBookings)));
    for booking in [sold, held] {
        assert_eq!(ada.cancel(&booking).await.status, 200);
    }
    let held = hall.hold(&ada, 3, 1).await;
    assert!(matches!(replace(areas(), EventStatus::Draft).await, Err(Error::EventHasBookings)));
    assert_eq!(ada.delete(&format!("/reservations/{held}")).await.status, 204);
    assert_eq!(replace(areas(), EventStatus::Draft).await.unwrap().details.status, EventStatus::Draft);
    hall.janitor().await;
    hall.assert_exact().await;

    // Only one that never sold anything can be deleted, with the shards of all its areas.
    let delete = async |id| ::booking::delete_draft(protocol, id, |_| true, None, Timestamp::now()).await;
    assert!(matches!(delete(id).await, Err(Error::EventHasBookings)));
    let hall = Hall::open(&evently).await;
    let draft = |event: &Event| Ok(EventDetails { status: EventStatus::Draft, ..event.details.clone() });
    ::booking::replace_event(protocol, hall.event, |_| true, draft, None, Timestamp::now()).await.unwrap();
    let shards = hall.kept().await.shards;
    delete(hall.event).await.unwrap();
    let left = evently.app.store.inventory_of_events(&[(hall.event, &shards)]).await.unwrap();
    assert!(left[&hall.event].is_empty(), "{left:?}");
    assert_eq!(
        evently.app.redis.free_seats(&[AreaKey { event: hall.event, number: BOX }]).await.unwrap(),
        [None]
    );
}
