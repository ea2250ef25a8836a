//! The program, taken apart: what each of its processes has in its hands between two steps, and the event that they are at work on.

use domain::{
    booking::Booking,
    event::{AreaDetails, AreaName, Event, EventDetails, EventStatus},
    id::{AreaKey, EventId, ReservationId, UserId},
    inventory::{Draw, InventoryShard, Shards, new_shards, shard_number, shards_of_rows},
    reservation::BegunHold,
    row::{Labels, Row, SeatSet, in_parts},
};
use iso_currency::Currency;
use jiff::{SignedDuration, Timestamp};
use model::numbered::{ATTEMPTS, CANCELS, Config, Dynamo, REQUESTS, SEATS, Seats, USERS};
use stores::{
    dynamodb::{CommitOutcome, Created},
    redis::InventorySeen,
};
use uuid::Uuid;

use crate::{steps::unexpected, stores::Stores};

pub(super) const ROW: &str = "row";
pub(super) const PLACES: &str = "places";

/// A confirm.
#[derive(Clone, Debug)]
pub(super) enum Attempt {
    Ready,
    Begun(BegunHold),
    /// With what it is answered: these seats are taken.
    Refused(BegunHold),
    OverLimit(BegunHold),
    Committed(Vec<Draw>),
    Ended,
}

/// A cancel, with the epoch that it saw.
#[derive(Clone, Debug)]
pub(super) enum Cancel {
    Ready,
    Seen(Option<String>, Booking),
    Committed(Option<String>, Booking),
    Ended,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Janitor {
    pub(super) seen: Option<InventorySeen>,
    pub(super) read: Option<Vec<InventoryShard>>,
}

/// One event in both stores, and everybody who is at work on it.
pub(super) struct Program<'a> {
    pub(super) stores: &'a Stores,
    pub(super) config: Config,
    pub(super) event: Event,
    /// The row, as the event's layout has it.
    pub(super) layout: Vec<Row>,
    pub(super) row: AreaKey,
    /// The general area, where there is one.
    pub(super) places: Option<AreaKey>,
    pub(super) users: [UserId; USERS],
    pub(super) ids: [ReservationId; REQUESTS],
    pub(super) reserved: [bool; REQUESTS],
    pub(super) attempts: [[Attempt; ATTEMPTS]; REQUESTS],
    pub(super) cancels: [Cancel; CANCELS],
    pub(super) loader: Option<Vec<InventoryShard>>,
    pub(super) janitor: Janitor,
    /// The row's epochs in their order. It was loaded once after each loss.
    pub(super) epochs: Vec<String>,
    pub(super) losses: u8,
    /// What DynamoDB had when it was read last.
    pub(super) dynamo: Option<Dynamo>,
    /// Which seats were shown as free, and the version of that.
    pub(super) shown: Option<(u64, String)>,
}

impl<'a> Program<'a> {
    /// Makes an event as the configuration has it at the start, bookings and all.
    pub(super) async fn start(stores: &'a Stores, config: Config) -> Result<Self, String> {
        stores.empty_redis().await;
        let now = Timestamp::now();
        // The row is the first area or the second one.
        let number_of_row = u8::from(config.places > 0 && fastrand::bool());
        let event = make_event(stores, &config, number_of_row, now).await;
        let area = |number| AreaKey { event: event.id, number };
        let (row, places) = (area(number_of_row), (config.places > 0).then(|| area(1 - number_of_row)));
        let ids = config.requests.map(|request| {
            let is_of_row = request.is_none_or(|request| request.wanted.seats() != 0);
            ReservationId::new(if is_of_row { row } else { places.unwrap_or(row) }, now)
        });
        let layout = stores.store.layout(&event).await.map_err(unexpected)?;
        let mut program = Self {
            stores,
            config,
            layout: layout.rows_of(row.number).cloned().collect(),
            row,
            places,
            users: [(); USERS].map(|()| UserId::new()),
            ids,
            reserved: [true; REQUESTS],
            attempts: [const { [const { Attempt::Ended }; ATTEMPTS] }; REQUESTS],
            cancels: config.cancels.map(|booking| booking.map_or(Cancel::Ended, |_| Cancel::Ready)),
            loader: None,
            janitor: Janitor::default(),
            epochs: Vec::new(),
            losses: 0,
            dynamo: None,
            shown: None,
            event,
        };
        for (id, request) in config.requests.into_iter().enumerate() {
            let Some(request) = request else { continue };
            if id < config.booked {
                program.book(id, request.user, request.wanted.seats(), now).await?;
            } else {
                program.reserved[id] = false;
                program.attempts[id][..request.attempts].fill(Attempt::Ready);
            }
        }
        let inventory = program.inventory(row).await;
        program.load(&inventory).await?;
        if let Some(places) = places {
            let inventory = program.inventory(places).await;
            let loaded = stores.redis.load(&program.event, places.number, &inventory, &[], "of the places");
            loaded.await.map_err(unexpected)?;
        }
        Ok(program)
    }

    /// A booking that is there from the start.
    async fn book(&self, id: usize, user: usize, seats: Seats, now: Timestamp) -> Result<(), String> {
        let draws = vec![Draw::named(shard_number(self.row.number, 0), set_of(seats))];
        let hold = BegunHold {
            id: self.ids[id],
            quantity: seats.count_ones(),
            seats: self.names_of(seats),
            unit_price: Some(self.event.price),
            lines: Vec::new(),
            currency: "EUR".to_owned(),
            draws,
            event_name: self.event.details.name.clone(),
            starts_at: self.event.details.starts_at,
            area: AreaName { id: ROW.to_owned(), name: ROW.to_owned() },
            max_per_user: self.event.details.max_per_user,
            event: None,
            begins: 1,
            is_first: true,
        };
        let booking = Booking::from_hold(&hold, self.users[user], now);
        match self.stores.store.commit_booking(&booking, hold.max_per_user).await {
            Ok(CommitOutcome::Committed) => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    /// An area's shards as DynamoDB has them.
    pub(super) async fn inventory(&self, area: AreaKey) -> Vec<InventoryShard> {
        self.stores.store.inventory_of_area(area, &self.event.shards).await.unwrap()
    }

    /// The row as it was read becomes that of Redis.
    pub(super) async fn load(&mut self, read: &[InventoryShard]) -> Result<(), String> {
        let epoch = Uuid::now_v7().to_string();
        self.load_as(read, &epoch).await?;
        self.epochs.push(epoch);
        Ok(())
    }

    /// Whoever loads what is loaded changes nothing.
    pub(super) async fn load_again(&self, read: &[InventoryShard]) -> Result<(), String> {
        self.load_as(read, "another").await
    }

    async fn load_as(&self, read: &[InventoryShard], epoch: &str) -> Result<(), String> {
        let rows: Vec<_> = self.layout.iter().collect();
        let loaded = self.stores.redis.load(&self.event, self.row.number, read, &rows, epoch).await;
        loaded.map_err(unexpected)
    }

    pub(super) fn user(&self, id: usize) -> UserId {
        self.users[self.config.requests[id].map_or(0, |request| request.user)]
    }

    /// A request's booking, as DynamoDB has it.
    pub(super) async fn booking(&self, id: usize) -> Option<Booking> {
        self.stores.store.booking(self.user(id), self.ids[id]).await.unwrap()
    }

    /// What seats are called.
    pub(super) fn names_of(&self, seats: Seats) -> Vec<String> {
        let row = &self.layout[0];
        set_of(seats).iter().map(|seat| format!("{}-{}", row.name, row.labels.label(seat))).collect()
    }
}

/// Seats of the row, by their places.
pub(super) fn set_of(seats: Seats) -> SeatSet {
    (0..8).filter(|seat| seats & (1 << seat) != 0).collect()
}

/// And back.
pub(super) fn bits_of(set: &SeatSet) -> Seats {
    set.iter().fold(0, |seats, seat| seats | 1 << seat)
}

async fn make_event(stores: &Stores, config: &Config, number_of_row: u8, now: Timestamp) -> Event {
    let labels = u8::try_from(SEATS).unwrap();
    let row = Row { name: "A".to_owned(), labels: Labels::Numbers(labels), accessible: SeatSet::default() };
    let places = u32::try_from(config.places).unwrap();
    let area = |id: &str, capacity, rows| AreaDetails {
        id: id.to_owned(),
        name: id.to_owned(),
        capacity,
        base_price: 2_500,
        rows,
        ..AreaDetails::default()
    };
    let mut areas = vec![area(ROW, labels.into(), 1)];
    let mut inventory = shards_of_rows(number_of_row, 0, std::slice::from_ref(&row));
    if places > 0 {
        let number = 1 - number_of_row;
        areas.insert(number.into(), area(PLACES, places, 0));
        inventory.extend(new_shards(number, places, 50));
    }
    let shards: Shards = areas.iter().map(|_| 1).collect();
    let most = u32::try_from(config.most).unwrap();
    let details = details(areas, most, now + SignedDuration::from_hours(1_000));
    let layout = in_parts([(number_of_row, &[row][..])]);
    loop {
        let event = Event::new(EventId::new(now), details.clone(), shards.clone().of_numbered(), now);
        let event = Event { layout_parts: 1, ..event };
        let created = stores.store.create_event(&event, &inventory, &layout, None, None).await;
        if matches!(created.unwrap(), Created::Done) {
            return event;
        }
    }
}

fn details(areas: Vec<AreaDetails>, most: u32, starts_at: Timestamp) -> EventDetails {
    let details = EventDetails {
        name: "Concert".to_owned(),
        description: None,
        venue: None,
        starts_at,
        ends_at: None,
        capacity: 0,
        base_price: 0,
        currency: Currency::EUR,
        time_zone: None,
        sales_open_at: None,
        sales_close_at: None,
        cancel_until: None,
        max_per_booking: 10,
        max_per_user: most,
        status: EventStatus::Published,
        pricing: None,
        rates: Vec::new(),
        areas,
    };
    details.with_sums_of_areas()
}
