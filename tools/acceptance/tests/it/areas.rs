//! Areas: each sells its own places, at its own price, from its own shards and under its own keys; and the event is exact.

use std::future::ready;

use ::booking::{Reserved, Wanted};
use domain::{
    error::Error,
    event::{AreaDetails, Event, EventDetails},
    id::{AreaKey, AreaNumber, EventId},
    inventory::place_of_shard,
    rate::ALL_AT_FIRST,
};
use exercise::Ledger;
use jiff::Timestamp;
use stores::dynamodb::client_for_endpoint;
use tokio::time::{Duration, sleep};

use crate::common::{Session, TestApp, details, shared_dynamodb};

const FLOOR: AreaNumber = 0;
const BALCONY: AreaNumber = 1;
const BOX: AreaNumber = 2;
const HOLD_TTL_MS: u64 = 400;

struct Hall {
    evently: TestApp,
    event: EventId,
}

fn area(id: &str, capacity: u32, base_price: u32) -> AreaDetails {
    AreaDetails { id: id.to_owned(), name: id.to_uppercase(), capacity, base_price, pricing: None }
}

impl Hall {
    /// Seven shards on the floor, three on the balcony, one box.
    async fn open() -> Self {
        let evently = TestApp::with(|config| {
            config.seats_per_shard = 3;
            config.hold_ttl_ms = HOLD_TTL_MS;
            config.confirm_grace_ms = 300;
        })
        .await;
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
        let wanted = Wanted {
            user: user.user_id.unwrap(),
            area: AreaKey { event: self.event, number },
            quantity,
            rates: &ALL_AT_FIRST,
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
    let hall = Hall::open().await;
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
    assert!(matches!(hall.reserve(&ben, BOX, 1, "box").await, Err(Error::SoldOut { available: 0 })));
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
    let hall = Hall::open().await;
    let (ada, redis) = (hall.evently.user(), &hall.evently.app.redis);
    let (floor, balcony) = (hall.hold(&ada, FLOOR, 7).await, hall.hold(&ada, BALCONY, 6).await);
    assert_eq!(ada.confirm(&floor).await.status, 201);
    ada.confirm(&balcony).await.assert_problem(409, "max_per_user_reached");
    assert_eq!(ada.confirm(&hall.hold(&ada, BALCONY, 3).await).await.status, 201);

    let ben = hall.evently.user();
    let first = hall.reserve(&ben, FLOOR, 1, "a key").await.unwrap();
    let other = hall.reserve(&ben, BOX, 1, "a key").await;
    assert!(matches!(other, Err(Error::IdempotencyKeyReused)), "{other:?}");
    assert_eq!(redis.free_seats(&[AreaKey { event: hall.event, number: BOX }]).await.unwrap(), [Some(3)]);
    let again = hall.reserve(&ben, FLOOR, 1, "a key").await.unwrap();
    assert!(again.replayed && again.reservation.id == first.reservation.id);
}

#[tokio::test]
async fn the_janitor_sweeps_and_mends_every_area() {
    let hall = Hall::open().await;
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
