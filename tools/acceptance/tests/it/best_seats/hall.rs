//! A hall in Redis, and the same in the test's own words.

use std::collections::HashMap;

use domain::{
    error::Error,
    event::{AreaDetails, Event, EventDetails},
    id::{AreaKey, EventId, ReservationId, UserId},
    inventory::{Shards, shards_of_rows},
    rate::ALL_AT_FIRST,
    reservation::WantedSeats,
    row::{Labels, Row},
};
use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, test_runner::TestCaseError};
use stores::redis::scripts::{Begin, Release, Reserve, ReserveRequest};

use crate::common::TestApp;

const MINUTE_MS: u64 = 60_000;

/// A row: which of its seats are free, and which are for people who need them.
#[derive(Clone, Debug)]
pub(super) struct RowOfSeats {
    pub(super) free: Vec<bool>,
    pub(super) accessible: Vec<bool>,
}

/// A seat, both from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seat {
    pub(super) row: usize,
    pub(super) place: usize,
}

impl Seat {
    /// What it is called.
    pub(super) fn name(&self) -> String {
        format!("row-{}-{}", self.row, self.place + 1)
    }

    fn of_name(name: &str) -> Self {
        let mut parts =
            name.strip_prefix("row-").unwrap().split('-').map(|part| part.parse::<usize>().unwrap());
        let (row, label) = (parts.next().unwrap(), parts.next().unwrap());
        Self { row, place: label - 1 }
    }
}

/// Whose seats are looked at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Ordinary,
    Any,
    Accessible,
}

pub(super) struct Hall<'a> {
    evently: &'a TestApp,
    area: AreaKey,
    pub(super) rows: Vec<RowOfSeats>,
    /// A character a seat, as the scripts keep them.
    seats: Vec<Vec<char>>,
    /// Everybody is the same.
    user: UserId,
}

impl<'a> Hall<'a> {
    pub(super) async fn load(evently: &'a TestApp, rows: &[RowOfSeats], tidy: bool) -> Self {
        let set =
            |seats: &[bool]| (0_u8..).zip(seats).filter(|(_, is_in)| **is_in).map(|(seat, _)| seat).collect();
        let count = |row: &RowOfSeats| u8::try_from(row.free.len()).unwrap();
        let named = |(number, row): (usize, &RowOfSeats)| Row {
            name: format!("row-{number}"),
            labels: Labels::Numbers(count(row)),
            accessible: set(&row.accessible),
        };
        let layout: Vec<Row> = rows.iter().enumerate().map(named).collect();
        let mut inventory = shards_of_rows(0, 0, &layout);
        for (shard, row) in inventory.iter_mut().zip(rows) {
            let taken: Vec<bool> = row.free.iter().map(|is_free| !is_free).collect();
            shard.taken = set(&taken);
            (shard.sold, shard.unsold) = (shard.taken.count(), shard.capacity - shard.taken.count());
        }
        let capacity = inventory.iter().map(|shard| shard.capacity).sum();
        let count = u16::try_from(rows.len()).unwrap();
        let area = AreaDetails {
            id: "hall".to_owned(),
            name: "Hall".to_owned(),
            capacity,
            base_price: 2_500,
            rows: count,
            no_single_seats: tidy,
            ..AreaDetails::default()
        };
        let now = Timestamp::now();
        let details = kit::sample::event("Play", now + SignedDuration::from_hours(24), capacity);
        let details = EventDetails { areas: vec![area], max_per_user: 1_000, ..details }.with_sums_of_areas();
        let event = Event::new(EventId::new(now), details, Shards::from(count).of_numbered(), now);
        let rows_of: Vec<&Row> = layout.iter().collect();
        evently.app.redis.load(&event, 0, &inventory, &rows_of, "a test's").await.unwrap();
        let seats = rows
            .iter()
            .map(|row| row.free.iter().map(|is_free| if *is_free { '1' } else { 's' }).collect())
            .collect();
        let area = AreaKey { event: event.id, number: 0 };
        Self { evently, area, rows: rows.to_vec(), seats, user: UserId::new() }
    }

    /// Holds seats. Answers with them, in their order.
    pub(super) async fn hold(&self, quantity: u32, wish: &WantedSeats) -> Result<Vec<Seat>, Error> {
        self.try_hold(quantity, wish).await.map(|(_, seats)| seats)
    }

    pub(super) async fn try_hold(
        &self,
        quantity: u32,
        wish: &WantedSeats,
    ) -> Result<(ReservationId, Vec<Seat>), Error> {
        let request = ReserveRequest {
            id: ReservationId::new(self.area, Timestamp::now()),
            user: self.user,
            area: None,
            quantity,
            rates: &ALL_AT_FIRST,
            seats: wish,
            idempotency_key: &UserId::new().to_string(),
            hold_ttl_ms: MINUTE_MS,
            unbought_max_ms: 0,
        };
        match self.evently.app.redis.reserve(&request).await? {
            Reserve::Held { reservation, .. } => {
                Ok((reservation.id, reservation.seats.iter().map(|name| Seat::of_name(name)).collect()))
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn release(&self, id: ReservationId) {
        let released = self.evently.app.redis.release(id, self.user).await.unwrap();
        assert!(matches!(released, Release::Released { .. }), "{released:?}");
    }

    pub(super) async fn buy(&self, id: ReservationId) {
        let redis = &self.evently.app.redis;
        let Begin::Begun(hold) = redis.begin(id, self.user, MINUTE_MS).await.unwrap() else {
            panic!("no hold")
        };
        assert!(redis.finish(id, Some(&hold.draws), None).await.unwrap());
    }

    /// Notes what becomes of a seat. Answers with what it was.
    pub(super) fn becomes(&mut self, seat: Seat, what: char) -> char {
        self.rows[seat.row].free[seat.place] = what == '1';
        std::mem::replace(&mut self.seats[seat.row][seat.place], what)
    }

    pub(super) fn has(&self, seat: Seat) -> bool {
        self.rows.get(seat.row).is_some_and(|row| seat.place < row.free.len())
    }

    pub(super) fn is_free(&self, kind: Kind, Seat { row, place }: Seat) -> bool {
        let row = &self.rows[row];
        let is_of_kind = match kind {
            Kind::Ordinary => !row.accessible[place],
            Kind::Any => true,
            Kind::Accessible => row.accessible[place],
        };
        row.free[place] && is_of_kind
    }

    fn all(&self) -> impl Iterator<Item = Seat> {
        let seats = |(row, of_row): (usize, &RowOfSeats)| {
            (0..of_row.free.len()).map(move |place| Seat { row, place })
        };
        self.rows.iter().enumerate().flat_map(seats)
    }

    pub(super) fn free(&self, kind: Kind) -> Vec<Seat> {
        self.all().filter(|seat| self.is_free(kind, *seat)).collect()
    }

    /// Where so many free seats begin that stand side by side.
    pub(super) fn places(&self, kind: Kind, quantity: usize) -> Vec<Seat> {
        let fits = |first: &Seat| {
            (first.place..first.place + quantity)
                .map(|place| Seat { place, ..*first })
                .all(|seat| self.has(seat) && self.is_free(kind, seat))
        };
        self.all().filter(fits).collect()
    }

    /// How many free seats stand side by side at most.
    pub(super) fn longest(&self, kind: Kind) -> usize {
        self.rows.iter().enumerate().map(|(row, _)| self.longest_of(kind, row)).max().unwrap_or(0)
    }

    fn longest_of(&self, kind: Kind, row: usize) -> usize {
        let (mut longest, mut run) = (0, 0);
        for place in 0..self.rows[row].free.len() {
            run = if self.is_free(kind, Seat { row, place }) { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        longest
    }

    /// Whether a single free seat would stay beside so many from that one on.
    pub(super) fn leaves_single(&self, kind: Kind, first: Seat, quantity: usize) -> bool {
        let is_free = |place: Option<usize>| {
            place
                .map(|place| Seat { place, ..first })
                .is_some_and(|seat| self.has(seat) && self.is_free(kind, seat))
        };
        let (before, behind) = (first.place.checked_sub(1), Some(first.place + quantity));
        let two_before = before.and_then(|place| place.checked_sub(1));
        is_free(before) && !is_free(two_before) || is_free(behind) && !is_free(behind.map(|place| place + 1))
    }

    /// Redis has each seat as it is known here, and counts as many as are free, side by side and in all.
    pub(super) async fn is_kept_as_known(&self) -> Result<(), TestCaseError> {
        let state = redis::cmd("HGETALL").arg(self.evently.keys().state(self.area)).clone();
        let state: HashMap<String, Vec<u8>> = self.evently.redis_query(&state).await;
        let text = |field: &str| String::from_utf8(state[field].clone()).unwrap();
        let mut all = 0;
        for (row, seats) in self.seats.iter().enumerate() {
            prop_assert_eq!(text(&format!("row:{row}")), seats.iter().collect::<String>());
            let free = seats.iter().filter(|seat| **seat == '1').count();
            prop_assert_eq!(text(&format!("free:{row}")), free.to_string());
            all += free;
        }
        prop_assert_eq!(text("free"), all.to_string());
        let has_accessible = self.rows.iter().any(|row| row.accessible.contains(&true));
        let kinds = [("ordinary", Kind::Ordinary), ("any", Kind::Any), ("accessible", Kind::Accessible)];
        for (name, kind) in kinds.into_iter().take(if has_accessible { 3 } else { 1 }) {
            let runs: Vec<usize> = (0..self.rows.len()).map(|row| self.longest_of(kind, row)).collect();
            let kept =
                state[&format!("runs:{name}")].iter().map(|run| usize::from(run - b'+')).collect::<Vec<_>>();
            prop_assert_eq!(kept, runs, "{}", name);
        }
        Ok(())
    }
}
