//! The box office: people hold seats, by the real script in a real Redis, and so draw them from the shards as they do in
//! production.
//!
//! Only a hold decides on shards. Whether a confirm is quick or slow changes nothing in what others draw, since its seats
//! are not free before it and not after it. So a sale is held through first, in the order in which the people come, and
//! then confirmed in virtual time (`rush`). How long each thinks in between does not matter either: people who come
//! independently of each other and think independently confirm independently.

use domain::{
    error::Error,
    event::{AreaDetails, Event, EventDetails},
    id::{AreaKey, EventId, ReservationId, UserId},
    inventory::{Draw, InventoryShard, Shards, of_area, shards_of_rows},
    rate::ALL_AT_FIRST,
    reservation::BEST_SEATS,
    row::{Labels, Row, SeatSet},
};
use fastrand::Rng;
use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use kit::Failure;
use local::redis_server::{RedisOptions, RedisServer};
use settings::Config;
use stores::redis::{
    Redis,
    scripts::{Begin, Reserve, ReserveRequest},
};

/// Calls under way at once. They are written to one connection in their order, and Redis keeps that. Few enough that
/// all are polled, and so draw their random numbers, in that order.
const CALLS_AT_ONCE: usize = 30;

/// Asked so often at most. The product's client waits half a second for Redis, which a busy machine may exceed; what was
/// asked is the same when it is asked again.
const ASKED_MAX: usize = 20;

/// How many seats people take, by how many in a hundred. Assumed: couples first, families, friends.
const PARTIES: [(u32, u32); 6] = [(1, 20), (2, 45), (3, 12), (4, 15), (5, 4), (6, 4)];
/// Of a hundred people who hold seats, so many never confirm; their holds outlast the rush. Assumed.
pub(crate) const NEVER_CONFIRM_PERCENT: u32 = 10;

/// What somebody holds and is about to confirm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which shards the seats come from.
    pub draws: Vec<Draw>,
}

impl Held {
    /// How many seats.
    pub fn seats(&self) -> u32 {
        self.draws.iter().map(|draw| draw.seats).sum()
    }
}

/// What came of a sale's holds.
#[derive(Debug)]
pub struct Sale {
    /// Holds that are about to be confirmed, in their order.
    pub held: Vec<Held>,
    /// Seats that are held by people who never confirm.
    pub never_confirmed: u32,
    /// Seats that Redis says are free at the end.
    pub free: u32,
    /// Seats that Redis says are held at the end.
    pub held_seats: u32,
}

/// A Redis server, and the product's client of it.
#[derive(Debug)]
pub struct BoxOffice {
    redis: Redis,
    hold_ttl_ms: u64,
    _server: RedisServer,
}

impl BoxOffice {
    /// Starts a Redis server.
    ///
    /// # Errors
    /// When there is none, or it does not start.
    pub async fn open() -> Result<Self, Failure> {
        let server = RedisServer::start(RedisOptions::default()).await?;
        let config = Config::from_lookup(|name| match name {
            "REDIS_URL" => Some(server.url().to_owned()),
            "JWT_SECRET" => Some("nobody ever signs in to a simulation".to_owned()),
            // Names of tables that nobody asks for.
            name => name.ends_with("_TABLE").then(|| name.to_owned()),
        })?;
        let redis = Redis::new(&config.redis)?;
        Ok(Self { redis, hold_ttl_ms: config.hold_ttl_ms, _server: server })
    }

    /// Lets `people` come one after the other, until nobody gets seats any more: of one area of the event, or of several, by whose
    /// shards these are. The same seed draws the same.
    ///
    /// # Errors
    /// When Redis fails.
    pub async fn sell(&self, shards: &[InventoryShard], people: u32, seed: u64) -> Result<Sale, Failure> {
        let now = Timestamp::now();
        let event = event(shards, now)?;
        let areas: Vec<(AreaKey, u32)> = event
            .area_keys()
            .map(|area| (area, of_area(shards, area.number).iter().map(|shard| shard.capacity).sum()))
            .collect();
        for (area, _) in &areas {
            self.redis
                .load(&event, area.number, of_area(shards, area.number), &[], "the simulation's")
                .await?;
        }
        // The product's own random numbers, which choose the shards, come from here.
        fastrand::seed(seed);
        let mut rng = Rng::with_seed(!seed);
        let mut sale = Sale { held: Vec::new(), never_confirmed: 0, free: 0, held_seats: 0 };
        let people: Vec<u32> = (0..people).collect();
        for group in people.chunks(CALLS_AT_ONCE) {
            let wanted: Vec<(u32, u32, AreaKey)> = group
                .iter()
                .map(|person| {
                    let seats = party(&mut rng);
                    (*person, seats, area_of(&areas, &mut rng))
                })
                .collect();
            let calls = wanted.iter().map(|(person, seats, area)| self.hold(*area, *person, *seats, now));
            let mut confirming = Vec::new();
            let mut turned_away = 0;
            for (hold, (person, seats, _)) in try_join_all(calls).await?.into_iter().zip(&wanted) {
                match hold {
                    None => turned_away += 1,
                    Some(_) if rng.u32(0..100) < NEVER_CONFIRM_PERCENT => sale.never_confirmed += seats,
                    Some(id) => confirming.push(self.begin(id, *person)),
                }
            }
            sale.held.extend(try_join_all(confirming).await?);
            if turned_away == group.len() {
                break;
            }
        }
        let areas: Vec<AreaKey> = event.area_keys().collect();
        for seats in self.redis.unsold_seats(&areas).await? {
            let seats = seats.ok_or("Redis lost the event")?;
            sale.free += seats.free;
            sale.held_seats += seats.held;
        }
        Ok(sale)
    }

    /// Opens the sale of rows of one length, all of them free.
    ///
    /// # Errors
    /// When Redis fails.
    pub(crate) async fn open_hall(&self, rows: u16, of_row: u8) -> Result<AreaKey, Failure> {
        let row = |number: u16| Row {
            name: (number + 1).to_string(),
            labels: Labels::Numbers(of_row),
            accessible: SeatSet::default(),
        };
        let all: Vec<Row> = (0..rows).map(row).collect();
        let capacity = u32::from(rows) * u32::from(of_row);
        let now = Timestamp::now();
        let area = AreaDetails {
            id: "hall".to_owned(),
            name: "Hall".to_owned(),
            capacity,
            base_price: 2_500,
            rows,
            ..AreaDetails::default()
        };
        let details = kit::sample::event("The hot evening", now + SignedDuration::from_hours(24), capacity);
        let details = EventDetails { areas: vec![area], ..details }.with_sums_of_areas();
        let event = Event::new(EventId::new(now), details, Shards::from(rows).of_numbered(), now);
        let of_rows: Vec<&Row> = all.iter().collect();
        self.redis.load(&event, 0, &shards_of_rows(0, 0, &all), &of_rows, "the simulation's").await?;
        Ok(AreaKey { event: event.id, number: 0 })
    }

    /// What was held is sold.
    pub(crate) async fn sold(&self, id: ReservationId, held: &Held) -> Result<(), Failure> {
        let finished = patiently(|| self.redis.finish(id, Some(&held.draws), None)).await?;
        if finished { Ok(()) } else { Err("a hold ran out during the simulation".into()) }
    }

    /// Holds seats; `None` if too few are free.
    pub(crate) async fn hold(
        &self,
        area: AreaKey,
        person: u32,
        seats: u32,
        now: Timestamp,
    ) -> Result<Option<ReservationId>, Failure> {
        // An id is random within a millisecond; of thousands within one, some would be the same.
        let at = now + SignedDuration::from_millis(person.into());
        let request = ReserveRequest {
            id: ReservationId::new(area, at),
            user: user(person)?,
            area: None,
            quantity: seats,
            rates: &ALL_AT_FIRST,
            seats: &BEST_SEATS,
            idempotency_key: "the rush",
            hold_ttl_ms: self.hold_ttl_ms,
            unbought_max_ms: 0,
        };
        match patiently(|| self.redis.reserve(&request)).await {
            Ok(Reserve::Held { reservation, .. } | Reserve::Replayed { reservation, .. }) => {
                Ok(Some(reservation.id))
            }
            Err(Error::SoldOut { .. } | Error::AllHeld { .. } | Error::NotTogether { .. }) => Ok(None),
            Ok(other) => Err(format!("a hold was answered with {other:?}").into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Begins to confirm, which tells the draws.
    pub(crate) async fn begin(&self, id: ReservationId, person: u32) -> Result<Held, Failure> {
        let user = user(person)?;
        match patiently(|| self.redis.begin(id, user, self.hold_ttl_ms)).await? {
            Begin::Begun(hold) => Ok(Held { draws: hold.draws }),
            Begin::NoHold => Err("a hold ran out during the simulation".into()),
        }
    }
}

async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for _ in 1..ASKED_MAX {
        match ask().await {
            Err(Error::OutOfReach { .. }) => {}
            answer => return answer,
        }
    }
    ask().await
}

pub(crate) fn party(rng: &mut Rng) -> u32 {
    let mut left = rng.u32(0..100);
    for (seats, percent) in PARTIES {
        if left < percent {
            return seats;
        }
        left -= percent;
    }
    1
}

/// Everybody is somebody else, and the same in each run.
fn user(person: u32) -> Result<UserId, Failure> {
    Ok(format!("{person:08x}-0000-7000-8000-000000000000").parse()?)
}

fn event(shards: &[InventoryShard], now: Timestamp) -> Result<Event, Failure> {
    let capacity = shards.iter().map(|shard| shard.capacity).sum();
    let details = kit::sample::event("The hot event", now + SignedDuration::from_hours(24), capacity);
    let first = u16::try_from(of_area(shards, 0).len())?;
    let shards = shards.iter().fold(Shards::from(first), |known, shard| known.up_to(shard.shard));
    Ok(Event::new(EventId::new(now), details, shards, now))
}

/// Somebody wants an area, the larger the likelier.
fn area_of(areas: &[(AreaKey, u32)], rng: &mut Rng) -> AreaKey {
    if let [(only, _)] = areas {
        return *only;
    }
    let mut seat = rng.u32(0..areas.iter().map(|(_, seats)| seats).sum());
    for (area, seats) in areas {
        match seat.checked_sub(*seats) {
            Some(beyond) => seat = beyond,
            None => return *area,
        }
    }
    unreachable!("a seat is in an area")
}
