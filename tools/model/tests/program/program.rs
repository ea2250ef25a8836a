//! The program, taken apart: what each of its processes has in its hands between two steps. A step is one call of a
//! script or of the store, made as `booking` makes it.

use std::collections::HashMap;

use domain::{
    booking::Booking,
    event::{Event, EventDetails, EventStatus},
    id::{EventId, ReservationId, UserId},
    inventory::{Draw, InventoryShard, Refused},
    reservation::BegunHold,
};
use iso_currency::Currency;
use jiff::{SignedDuration, Timestamp};
use model::{
    Config,
    state::{
        ATTEMPTS, AttemptAt, CANCELS, FollowAt, HOLDS, LOWERS, LowerAt, Made, RESERVATIONS, SHARDS, WORKERS,
    },
};
use stores::{
    dynamodb::{CommitOutcome, Created},
    redis::{InventorySeen, scripts::OverdueConfirm},
};

use crate::stores::{Copied, Stores, now_ms};

/// Longer than any run, so that time passes only where a step says so.
pub(crate) const GRACE_MS: u64 = 600_000;
pub(crate) const HOLD_TTL_MS: u64 = 3_600_000;
/// What a seat costs, before and after the price changes.
pub(crate) const PRICES: [u32; 2] = [2_500, 3_000];
/// One user may have any number of seats: limits are not modelled.
pub(crate) const ANY_NUMBER: u32 = 1_000;

/// A confirm.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempt {
    pub(crate) at: AttemptAt,
    pub(crate) hold: Option<BegunHold>,
    pub(crate) deadline: i64,
    pub(crate) refused: Vec<Refused>,
    pub(crate) committed: Vec<Draw>,
    pub(crate) redrawn: bool,
    pub(crate) late: bool,
}

/// A cancel, or a raise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Follow {
    pub(crate) at: FollowAt,
    pub(crate) epoch: Option<String>,
    /// A cancel's.
    pub(crate) booking: Option<Booking>,
    /// A raise's.
    pub(crate) event: Option<Event>,
    pub(crate) late: bool,
}

/// A lowering.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lower {
    pub(crate) at: LowerAt,
    pub(crate) event: Option<Event>,
    pub(crate) before: Option<ReservationId>,
    /// All seats, to make the event a draft.
    pub(crate) wanted: u32,
    pub(crate) draws: Vec<Draw>,
    pub(crate) deadline: i64,
    pub(crate) late: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Loader {
    #[default]
    Idle,
    Reading {
        event: Box<Event>,
        shards: Vec<InventoryShard>,
    },
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Janitor {
    #[default]
    Idle,
    Settling(OverdueConfirm),
    Settled {
        overdue: OverdueConfirm,
        committed: Option<Vec<Draw>>,
    },
    Reconciling {
        seen: InventorySeen,
        shards: Vec<InventoryShard>,
    },
}

/// One event in both stores, and everybody who is at work on it.
pub(crate) struct Program<'a> {
    pub(crate) stores: &'a Stores,
    pub(crate) config: Config,
    pub(crate) event: EventId,
    /// Who has which idempotency key.
    pub(crate) users: [UserId; RESERVATIONS],
    /// The ids of all holds: of the reservations, then of the withdrawals.
    pub(crate) ids: [ReservationId; HOLDS],
    /// What each buyer was told, and at what price.
    pub(crate) told: [(Made, u32); RESERVATIONS],
    pub(crate) attempts: [[Attempt; ATTEMPTS]; RESERVATIONS],
    pub(crate) cancels: [Follow; CANCELS],
    pub(crate) raise: Follow,
    /// The event as the raise read it.
    pub(crate) raised_from: Option<Event>,
    pub(crate) lowers: [Lower; LOWERS],
    pub(crate) loaders: [Loader; WORKERS],
    pub(crate) janitors: [Janitor; WORKERS],
    pub(crate) replica: Option<Copied>,
    /// The epochs of Redis's state in the order in which they were seen: the model counts them.
    pub(crate) epochs: Vec<String>,
    /// The deadlines of each hold's confirms, by the numbers that the model gives them.
    pub(crate) deadlines: [HashMap<i64, u8>; HOLDS],
    pub(crate) numbers: [u8; HOLDS],
    /// Versions that the shards had before the story begins.
    pub(crate) earlier: [u64; SHARDS],
    /// Deadlines put into the past so far, so that no two are the same.
    passed: i64,
}

impl<'a> Program<'a> {
    /// Makes an event as the configuration has it at the start, bookings and all.
    pub(crate) async fn start(stores: &'a Stores, config: Config) -> Self {
        stores.empty_redis().await;
        let now = Timestamp::now();
        let event = make_event(stores, &config, now).await;
        let users = [(); RESERVATIONS].map(|()| UserId::new());
        let ids = [(); HOLDS].map(|()| ReservationId::new(event.id, now));
        let mut earlier = [0; SHARDS];
        for (id, request) in config.requests.iter().enumerate().take(config.booked) {
            let user = users[usize::from(request.key)];
            let draws = vec![Draw::places(0, request.seats.into())];
            let booking = Booking::from_hold(&begun(ids[id], draws, &event), user, now);
            let committed = stores.store.commit_booking(&booking, ANY_NUMBER).await.unwrap();
            assert!(matches!(committed, CommitOutcome::Committed));
            earlier[0] += 1;
        }
        let mut program = Self {
            stores,
            config,
            event: event.id,
            users,
            ids,
            told: [(Made::NotYet, 0); RESERVATIONS],
            attempts: Default::default(),
            cancels: Default::default(),
            raise: Follow::default(),
            raised_from: None,
            lowers: Default::default(),
            loaders: Default::default(),
            janitors: Default::default(),
            replica: None,
            epochs: Vec::new(),
            deadlines: Default::default(),
            numbers: [0; HOLDS],
            earlier,
            passed: 0,
        };
        for told in program.told.iter_mut().take(config.booked) {
            *told = (Made::Held, PRICES[0]);
        }
        if config.loaded {
            let inventory = stores.store.inventory(event.id, &event.shards).await.unwrap();
            stores.redis.load(&event, 0, &inventory, &[], "the first").await.unwrap();
        }
        program
    }

    pub(crate) fn user(&self, reservation: usize) -> UserId {
        self.users[usize::from(self.config.requests[reservation].key)]
    }

    pub(crate) fn id_of_withdrawal(&self, lower: usize) -> ReservationId {
        self.ids[RESERVATIONS + lower]
    }

    /// The model's number of a hold.
    pub(crate) fn number_of(&self, id: ReservationId) -> usize {
        self.ids.iter().position(|known| *known == id).unwrap()
    }

    pub(crate) async fn event_now(&self) -> Event {
        self.stores.store.event(self.event).await.unwrap().unwrap()
    }

    /// A shard by itself, for a batch of reads is no snapshot.
    pub(crate) async fn shard(&self, shard: usize) -> InventoryShard {
        let shards = u16::try_from(shard + 1).unwrap();
        self.stores.store.inventory(self.event, &shards.into()).await.unwrap().remove(shard)
    }

    /// A hold's deadline in Redis; 0 if it is gone.
    pub(crate) async fn deadline_of(&self, hold: usize) -> i64 {
        let mut score = redis::cmd("ZSCORE");
        score.arg(self.stores.keys.deadlines(self.event)).arg(self.ids[hold].to_string());
        self.stores.ask::<Option<i64>>(&score).await.unwrap_or(0)
    }

    /// A deadline that somebody saw, as Redis has it now. It may be in another place of the past than it was seen at: back
    /// in the future, if Redis fell back to what it had before the deadline passed.
    pub(crate) async fn same_deadline(&self, hold: usize, seen: i64) -> i64 {
        let (now, numbers) = (self.deadline_of(hold).await, &self.deadlines[hold]);
        if numbers.get(&now).is_some_and(|number| numbers.get(&seen) == Some(number)) { now } else { seen }
    }

    /// A hold's time runs out: its deadline is one in the past. The model sees the same deadline, which has passed.
    pub(crate) async fn deadline_passes(&mut self, hold: usize) {
        let before = self.deadline_of(hold).await;
        self.passed += 1;
        let after = now_ms() - 1_000 * self.passed;
        if let Some(number) = self.deadlines[hold].get(&before).copied() {
            self.deadlines[hold].insert(after, number);
        }
        self.stores.set_deadline(self.ids[hold], after).await;
    }
}

/// The next step is in another millisecond than the last: the model has no two deadlines of a hold that are the same.
pub(crate) fn clock_ticks() {
    let last = now_ms();
    while now_ms() <= last {
        std::thread::sleep(std::time::Duration::from_micros(100));
    }
}

async fn make_event(stores: &Stores, config: &Config, now: Timestamp) -> Event {
    let capacity = config.capacity.iter().map(|seats| u32::from(*seats)).sum();
    let details = EventDetails {
        name: "Concert".to_owned(),
        description: None,
        venue: None,
        starts_at: now + SignedDuration::from_hours(1_000),
        ends_at: None,
        capacity,
        base_price: PRICES[0],
        currency: Currency::EUR,
        time_zone: None,
        sales_open_at: None,
        sales_close_at: None,
        cancel_until: None,
        max_per_booking: 10,
        max_per_user: ANY_NUMBER,
        status: EventStatus::Published,
        pricing: None,
        rates: Vec::new(),
        areas: Vec::new(),
    };
    let shards: Vec<_> = (0..)
        .zip(config.capacity)
        .filter(|(_, seats)| *seats > 0)
        .map(|(shard, seats)| InventoryShard::new(shard, seats.into()))
        .collect();
    let count = u16::try_from(shards.len()).unwrap();
    loop {
        let event = Event::new(EventId::new(now), details.clone(), count, now);
        if matches!(stores.store.create_event(&event, &shards, &[], None, None).await.unwrap(), Created::Done)
        {
            return event;
        }
    }
}

fn begun(id: ReservationId, draws: Vec<Draw>, event: &Event) -> BegunHold {
    BegunHold {
        id,
        quantity: draws.iter().map(|draw| draw.seats).sum(),
        seats: Vec::new(),
        unit_price: Some(event.price),
        lines: Vec::new(),
        currency: "EUR".to_owned(),
        draws,
        event_name: event.details.name.clone(),
        starts_at: event.details.starts_at,
        area: Default::default(),
        max_per_user: ANY_NUMBER,
        event: None,
        begins: 1,
        is_first: true,
    }
}
