//! Sales by the hour: exact, however the hours are moved.

use std::{collections::BTreeMap, future::ready};

use administration::AnalyticsFilter;
use domain::{
    event::Event,
    id::ReservationId,
    sales::{Hour, HourOfAllSales, HourOfSales, hour_of, start_of},
};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::common::{Session, TestApp};

/// More than analytics show.
const EVENTS: usize = 7;

/// A buyer's booking that still stands.
struct Bought {
    event: usize,
    buyer: Session,
    id: ReservationId,
    seats: u32,
    hour: Hour,
}

/// A box office whose clock the test drives, and its own count of everything.
struct BoxOffice {
    evently: TestApp,
    events: Vec<String>,
    /// Price and currency of each event.
    prices: Vec<(u64, &'static str)>,
    now: Timestamp,
    bought: Vec<Bought>,
    counted: Vec<BTreeMap<Hour, HourOfSales>>,
}

impl BoxOffice {
    async fn new(evently: TestApp) -> Self {
        let kinds = [(2_500, "EUR"), (4_000, "USD"), (0, "EUR")];
        let prices: Vec<_> = kinds.into_iter().cycle().take(EVENTS).collect();
        let mut events = Vec::new();
        for (price, currency) in &prices {
            let changes =
                json!({ "capacity": 45, "base_price": price, "currency": currency, "max_per_booking": 20 });
            events.push(evently.event_with(changes).await);
        }
        let counted = vec![BTreeMap::new(); events.len()];
        // Half an hour before a day ends.
        let tomorrow = start_of((hour_of(Timestamp::now()) / 24 + 1) * 24);
        let now = tomorrow - SignedDuration::from_mins(30);
        Self { evently, events, prices, now, bought: Vec::new(), counted }
    }

    /// Buys seats if they are there.
    async fn try_to_buy(&mut self, event: usize, seats: u32) {
        let buyer = self.evently.user();
        let held = buyer.book(&self.events[event], seats).await;
        if held.status != 201 {
            held.assert_problem(409, "sold_out");
            return;
        }
        let id: ReservationId = held.body["reservation"]["id"].as_str().unwrap().parse().unwrap();
        booking::confirm(
            &self.evently.app.protocol,
            buyer.user_id.unwrap(),
            id,
            self.now,
            None,
            ready(Ok(())),
        )
        .await
        .unwrap();
        let hour = self.counted[event].entry(hour_of(self.now)).or_default();
        hour.bookings += 1;
        hour.tickets += u64::from(seats);
        hour.amount += u64::from(seats) * self.prices[event].0;
        self.bought.push(Bought { event, buyer, id, seats, hour: hour_of(self.now) });
    }

    async fn cancel(&mut self, index: usize) {
        let Bought { event, buyer, id, seats, hour: hour_of_sale } = self.bought.swap_remove(index);
        let permitted = ready(Ok(()));
        booking::cancel(&self.evently.app.protocol, buyer.user_id.unwrap(), id, self.now, None, permitted)
            .await
            .unwrap();
        let hour = self.counted[event].entry(hour_of(self.now)).or_default();
        hour.cancelled_bookings += 1;
        hour.cancelled_tickets += u64::from(seats);
        hour.refunded += u64::from(seats) * self.prices[event].0;
        let of_sale = self.counted[event].entry(hour_of_sale).or_default();
        of_sale.returned_bookings += 1;
        of_sale.returned_tickets += u64::from(seats);
        of_sale.returned_amount += u64::from(seats) * self.prices[event].0;
    }

    async fn event(&self, event: usize) -> Event {
        let id = self.events[event].parse().unwrap();
        self.evently.app.store.event(id).await.unwrap().unwrap()
    }

    /// Asserts that the store says of these hours what was counted here.
    async fn assert_exact(&self, from: Hour, to: Hour) {
        let store = &self.evently.app.store;
        let mut all: BTreeMap<Hour, HourOfAllSales> = BTreeMap::new();
        for (index, counted) in self.counted.iter().enumerate() {
            let expected: BTreeMap<_, _> = counted.range(from..to).map(|(hour, one)| (*hour, *one)).collect();
            for (hour, one) in &expected {
                all.entry(*hour).or_default().add(one, self.prices[index].1);
            }
            let event = self.event(index).await;
            assert_eq!(store.sales_of_event(&event, from..to, self.now).await.unwrap(), expected);
        }
        assert_eq!(store.sales_of_all(from..to, self.now).await.unwrap(), all);
        self.assert_analytics(from, to).await;
    }

    /// Asserts that the analytics of these hours are what was counted here, of all events and of those that one filter finds.
    async fn assert_analytics(&self, from: Hour, to: Hour) {
        let mut sum = HourOfAllSales::default();
        let mut best = Vec::new();
        for (index, counted) in self.counted.iter().enumerate() {
            let mut of_event = HourOfSales::default();
            counted.range(from..to).for_each(|(_, hour)| of_event.add(hour));
            sum.add(&of_event, self.prices[index].1);
            best.push((of_event.tickets - of_event.returned_tickets, self.events[index].clone()));
        }
        best.retain(|(tickets, _)| *tickets > 0);
        best.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
        best.truncate(5);
        let range = (Some(start_of(from)), Some(start_of(to)));
        let long_ago = Some(Timestamp::UNIX_EPOCH);
        for filter in [
            AnalyticsFilter::default(),
            AnalyticsFilter { starts_from: long_ago, ..AnalyticsFilter::default() },
        ] {
            let filter = filter.sold(range, self.now).unwrap();
            let seen = administration::analytics(&self.evently.app, &filter, self.now).await.unwrap();
            let popular: Vec<(u64, String)> =
                seen.most_popular.iter().map(|one| (one.tickets_sold, one.event_id.clone())).collect();
            assert_eq!(popular, best, "{filter:?}");
            assert_eq!(
                [seen.total_bookings, seen.cancelled_bookings, seen.tickets_sold, seen.tickets_cancelled],
                [
                    sum.bookings,
                    sum.returned_bookings,
                    sum.tickets - sum.returned_tickets,
                    sum.returned_tickets
                ],
            );
            let revenue: BTreeMap<_, _> =
                seen.revenue.into_iter().map(|one| (one.currency, one.amount)).collect();
            let returned = |currency| sum.returned_amounts.get(currency).copied().unwrap_or_default();
            let expected: BTreeMap<_, _> = sum
                .amounts
                .iter()
                .map(|(currency, amount)| (currency.clone(), amount - returned(currency)))
                .collect();
            assert_eq!(revenue, expected);
            assert_eq!(seen.capacity, 45 * EVENTS as u64);
        }
    }

    async fn janitor(&self) -> janitor::Sweep {
        let report = janitor::run(&self.evently.app, self.now).await.unwrap();
        assert_eq!((report.events_failed, report.done.shards_hours_failed), (0, 0));
        report.done
    }

    /// Hours that are still on the events' shards.
    async fn hours_on_shards(&self) -> Vec<Hour> {
        let mut hours = Vec::new();
        for event in &self.events {
            hours.extend(
                self.evently.inventory(event).await.iter().flat_map(|shard| shard.hours.keys().copied()),
            );
        }
        hours.sort_unstable();
        hours.dedup();
        hours
    }
}

async fn box_office() -> (BoxOffice, local::redis_server::RedisServer) {
    let (evently, redis) = TestApp::with_own_redis(|config| config.seats_per_shard = 10).await;
    (BoxOffice::new(evently).await, redis)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hour_is_exact_whatever_was_sold_cancelled_and_moved() {
    for seed in [1, 2] {
        let mut random = Rng::with_seed(seed);
        let (mut office, _redis) = box_office().await;
        let first = hour_of(office.now);
        for _ in 0..160 {
            match random.u32(..100) {
                0..45 => office.try_to_buy(random.usize(..EVENTS), random.u32(1..=14)).await,
                45..75 if !office.bought.is_empty() => {
                    let index = random.usize(..office.bought.len());
                    office.cancel(index).await;
                }
                75..90 => office.now += SignedDuration::from_mins(random.i64(1..40)),
                90..94 => drop(office.janitor().await),
                94..97 => drop(tokio::join!(office.janitor(), office.janitor())),
                97 => office.evently.redis_command(&redis::cmd("FLUSHALL")).await,
                98 => office.assert_exact(first + 1, first + 4).await,
                _ => office.assert_exact(first, hour_of(office.now) + 1).await,
            }
        }
        let last = hour_of(office.now);
        assert!(last > first + 5, "{last}");
        office.assert_exact(first, last + 1).await;
        for index in (0..office.bought.len()).rev() {
            office.cancel(index).await;
        }
        office.assert_exact(first, last + 1).await;
        let sold: u32 = office.evently.sold(&office.events[0]).await;
        assert_eq!(sold, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_no_hour_twice_and_none_missing_while_hours_are_moved() {
    let (mut office, _redis) = box_office().await;
    let first = hour_of(office.now);
    for _ in 0..4 {
        for event in 0..3 {
            office.try_to_buy(event, 9).await;
        }
        office.now += SignedDuration::from_hours(1);
    }
    let office = &office;
    let readers = async {
        for _ in 0..12 {
            office.assert_exact(first, first + 24).await;
        }
    };
    let (_, one, other) = tokio::join!(readers, office.janitor(), office.janitor());
    assert!(one.shards_hours_moved + other.shards_hours_moved >= 12, "{one:?} {other:?}");
    assert_eq!(office.hours_on_shards().await, Vec::<Hour>::new());
    office.assert_exact(first, first + 24).await;
}

#[tokio::test]
async fn an_hour_moves_two_minutes_after_its_end_and_late_sales_follow() {
    let (mut office, _redis) = box_office().await;
    let hour = hour_of(office.now);
    office.try_to_buy(0, 3).await;
    office.now = start_of(hour + 1) + SignedDuration::from_secs(119);
    assert_eq!(office.janitor().await.shards_hours_moved, 0);
    assert_eq!(office.hours_on_shards().await, [hour]);
    office.now += SignedDuration::from_secs(1);
    let before = office.evently.inventory(&office.events[0]).await;
    assert_eq!(office.janitor().await.shards_hours_moved, 1);
    let after = office.evently.inventory(&office.events[0]).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(after.version, before.version, "no seat has changed");
        assert_eq!(after.hours_moved, u64::from(!before.hours.is_empty()));
    }

    let later = std::mem::replace(&mut office.now, start_of(hour));
    office.try_to_buy(0, 3).await;
    office.now = later;
    office.assert_exact(hour, hour + 2).await;
    assert_eq!(office.janitor().await.shards_hours_moved, 1);
    office.assert_exact(hour, hour + 2).await;
}

#[tokio::test]
async fn what_was_read_is_moved_once_only() {
    let (mut office, _redis) = box_office().await;
    office.try_to_buy(0, 5).await;
    let hour = hour_of(office.now);
    let event = office.event(0).await;
    let shards = office.evently.inventory(&office.events[0]).await;
    let shard = shards.into_iter().find(|shard| !shard.hours.is_empty()).unwrap();
    office.now += SignedDuration::from_hours(2);
    let store = office.evently.app.store.clone();
    let (one, other) = tokio::join!(
        store.move_hours(&event, &shard, office.now),
        store.move_hours(&event, &shard, office.now)
    );
    assert_eq!([one.unwrap(), other.unwrap()].iter().filter(|moved| **moved).count(), 1);
    assert!(!store.move_hours(&event, &shard, office.now).await.unwrap());
    office.assert_exact(hour, hour + 1).await;
}

#[tokio::test]
async fn a_party_over_several_shards_is_one_booking() {
    let (mut office, _redis) = box_office().await;
    let hour = hour_of(office.now);
    office.try_to_buy(0, 20).await;
    office.cancel(0).await;
    let expected = HourOfSales {
        bookings: 1,
        tickets: 20,
        amount: 50_000,
        cancelled_bookings: 1,
        cancelled_tickets: 20,
        refunded: 50_000,
        returned_bookings: 1,
        returned_tickets: 20,
        returned_amount: 50_000,
    };
    assert_eq!(office.counted[0], BTreeMap::from([(hour, expected)]));
    office.assert_exact(hour, hour + 1).await;
}

#[tokio::test]
async fn an_event_that_redis_does_not_know_keeps_no_old_hours_for_long() {
    let (mut office, _redis) = box_office().await;
    let hour = hour_of(office.now);
    for event in 0..3 {
        office.try_to_buy(event, 12).await;
    }
    office.evently.redis_command(&redis::cmd("FLUSHALL")).await;
    office.now = start_of(hour + 2);
    let mut moved = 0;
    for _ in 0..60 {
        moved += office.janitor().await.shards_hours_moved;
        office.now += SignedDuration::from_mins(1);
    }
    assert!(moved >= 3, "{moved}");
    assert_eq!(office.hours_on_shards().await, Vec::<Hour>::new());
    office.assert_exact(hour, hour + 3).await;
}
