//! The rule of demand pricing: its cases, and what is true of all of them.

use proptest::prelude::*;

use super::*;
use crate::{
    event::{EventDetails, EventStatus, MAX_PER_BOOKING_DEFAULT},
    id::EventId,
    time::from_ms,
};

/// The next price of an event of one area that has this price now.
fn next_price(details: &EventDetails, price: u32, demand: &Demand) -> NextPrice {
    let event = Event::new(EventId::new(from_ms(0)), details.clone(), 1, from_ms(0));
    let event = Event { price, ..event };
    super::next_price(&event.areas()[0], details.currency, demand)
}

fn details(base_price: u32, currency: Currency, bounds: Option<(u32, u32)>) -> EventDetails {
    EventDetails {
        name: "Concert".into(),
        description: None,
        venue: None,
        starts_at: from_ms(0),
        ends_at: None,
        capacity: 200,
        base_price,
        currency,
        time_zone: None,
        sales_open_at: None,
        sales_close_at: None,
        cancel_until: None,
        max_per_booking: MAX_PER_BOOKING_DEFAULT,
        max_per_user: 10,
        status: EventStatus::Published,
        pricing: bounds.map(|(min_percent, max_percent)| Pricing { min_percent, max_percent }),
        rates: Vec::new(),
        areas: Vec::new(),
    }
}

/// How a concert of 200 seats sells.
fn demand(sold: u32, in_seven_days: i64, days_left: i64) -> Demand {
    Demand {
        capacity: 200,
        sold,
        recent_tickets: in_seven_days,
        recent_ms: RECENT_DAYS * DAY_MS,
        left_ms: days_left * DAY_MS,
    }
}

const NOBODY: Demand =
    Demand { capacity: 200, sold: 0, recent_tickets: 0, recent_ms: 7 * DAY_MS, left_ms: 30 * DAY_MS };
const EVERYBODY: Demand =
    Demand { capacity: 200, sold: 200, recent_tickets: 70, recent_ms: 7 * DAY_MS, left_ms: 30 * DAY_MS };

#[test]
fn the_cases_of_the_table() {
    let concert = details(4_500, Currency::EUR, Some((80, 150)));
    for (sold, recent, left, target, price) in [
        (0, 0, 30, 8_000, 4_050),
        (20, 14, 90, 9_200, 4_150),
        (120, 42, 10, 9_950, 4_500),
        (120, 56, 10, 10_500, 4_750),
        (120, 56, 5, 9_700, 4_350),
        (180, 70, 30, 14_500, 4_950),
        (200, 0, 30, 15_000, 4_950),
    ] {
        assert_eq!(
            next_price(&concert, 4_500, &demand(sold, recent, left)),
            NextPrice { price, target: Some(target) },
            "{sold} sold, {recent} in seven days, {left} days left"
        );
    }
}

#[test]
fn day_by_day_the_price_reaches_its_bound_and_stays() {
    let concert = details(4_500, Currency::EUR, Some((80, 150)));
    for (demand, way) in
        [(NOBODY, vec![4_050, 3_600, 3_600]), (EVERYBODY, vec![4_950, 5_400, 5_850, 6_300, 6_750, 6_750])]
    {
        let mut price = 4_500;
        for expected in way {
            price = next_price(&concert, price, &demand).price;
            assert_eq!(price, expected);
        }
    }
}

#[test]
fn prices_are_rounded_to_what_suits_the_currency_and_the_size() {
    for (base_price, currency, step) in [
        (4_500, Currency::EUR, 50),
        (5_000, Currency::JPY, 100),
        (45_000, Currency::KWD, 500),
        (250, Currency::USD, 5),
        (249, Currency::USD, 1),
        (1, Currency::USD, 1),
        (0, Currency::USD, 1),
        (100, Currency::CHF, 5),
        (499, Currency::CHF, 5),
        (2_500, Currency::CHF, 50),
        (100_000_000, Currency::IDR, 1_000_000),
        (u32::MAX, Currency::IDR, 50_000_000),
    ] {
        assert_eq!(rounding_step(base_price, currency), step, "{base_price} {}", currency.code());
    }
}

#[test]
fn tightened_bounds_are_kept_at_once_however_far_that_is() {
    for (bounds, before, after) in [
        ((80, 100), 6_700, 4_500),
        ((140, 150), 4_500, 6_300),
        ((100, 100), 4_000, 4_500),
        ((81, 150), 3_600, 3_650),
    ] {
        let concert = details(4_500, Currency::EUR, Some(bounds));
        let early = Demand { recent_ms: 0, ..NOBODY };
        assert_eq!(next_price(&concert, before, &early).price, after, "{bounds:?}");
    }
    let unround = details(4_523, Currency::EUR, Some((100, 100)));
    assert_eq!(next_price(&unround, 4_500, &NOBODY).price, 4_523, "the only price within the bounds");
}

#[test]
fn a_price_stays_as_long_as_nothing_is_known_of_demand() {
    let concert = details(4_523, Currency::EUR, Some((80, 150)));
    for recent_ms in [i64::MIN, -1, 0, DAY_MS - 1] {
        let early = Demand { recent_ms, ..NOBODY };
        assert_eq!(next_price(&concert, 4_523, &early).target, None);
        assert_ne!(next_price(&concert, 4_500, &NOBODY).price, 4_500);
        assert_eq!(next_price(&concert, 4_500, &early).price, 4_500);
    }
}

#[test]
fn a_free_event_stays_free() {
    let meetup = details(0, Currency::EUR, Some((1, 1_000)));
    for demand in [NOBODY, EVERYBODY] {
        assert_eq!(next_price(&meetup, 0, &demand).price, 0);
    }
}

fn any_currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec![Currency::EUR, Currency::JPY, Currency::KWD, Currency::CHF])
}

fn any_demand() -> impl Strategy<Value = Demand> {
    let ms = prop_oneof![any::<i64>(), 0..400 * DAY_MS];
    let tickets = prop_oneof![any::<i64>(), -50..2_000_i64];
    (prop_oneof![any::<u32>(), 0..2_000_u32], any::<u32>(), tickets, ms.clone(), ms).prop_map(
        |(capacity, sold, recent_tickets, recent_ms, left_ms)| Demand {
            capacity,
            sold: sold % capacity.saturating_add(1).max(1),
            recent_tickets,
            recent_ms,
            left_ms,
        },
    )
}

/// An event as admins may write it, and a price within three times its base price.
fn any_priced() -> impl Strategy<Value = (EventDetails, u32)> {
    let base = prop_oneof![0..200_u32, 0..=crate::event::PRICE_MAX];
    (base, any_currency(), 1..=1_000_u32, 1..=1_000_u32, 0..=300_u32).prop_map(
        |(base, currency, one, other, percent)| {
            let bounds = (one.min(other), one.max(other));
            (details(base, currency, Some(bounds)), share(base, percent, PERCENT))
        },
    )
}

fn is_within(details: &EventDetails, price: u32) -> bool {
    let pricing = details.pricing.unwrap();
    let (price, base) = (u64::from(price) * 100, u64::from(details.base_price));
    (base * u64::from(pricing.min_percent)..=base * u64::from(pricing.max_percent)).contains(&price)
}

fn some_price_is_within(details: &EventDetails) -> bool {
    is_within(details, Range::of(details.base_price, &details.pricing.unwrap()).high)
}

proptest! {
    #[test]
    fn a_price_never_leaves_its_bounds((details, price) in any_priced(), demand in any_demand()) {
        let next = next_price(&details, price, &demand).price;
        prop_assert!(is_within(&details, next) || !some_price_is_within(&details), "{next}");
    }

    #[test]
    fn a_price_moves_by_a_step_at_most_unless_its_bounds_moved(
        (details, price) in any_priced(), demand in any_demand(),
    ) {
        let next = next_price(&details, price, &demand).price;
        let step = details.base_price / 10;
        let inside = Range::of(details.base_price, &details.pricing.unwrap());
        if price.abs_diff(next) > step {
            // Then it was further than a step from its bounds, and went to the nearest round price inside.
            let nearest = price.clamp(inside.low, inside.high);
            prop_assert!(price.abs_diff(nearest) > step);
            prop_assert!(nearest.abs_diff(next) < rounding_step(details.base_price, details.currency));
        }
    }

    #[test]
    fn more_seats_sold_never_make_it_cheaper(
        (details, price) in any_priced(), demand in any_demand(), more in any::<u32>(),
    ) {
        let fuller = Demand { sold: demand.sold.saturating_add(more).min(demand.capacity), ..demand };
        let (before, after) = (next_price(&details, price, &demand), next_price(&details, price, &fuller));
        prop_assert!(before.price <= after.price && before.target <= after.target);
    }

    #[test]
    fn more_sold_lately_never_makes_it_cheaper(
        (details, price) in any_priced(), demand in any_demand(), more in 0..1_000_i64,
    ) {
        let faster = Demand { recent_tickets: demand.recent_tickets.saturating_add(more), ..demand };
        prop_assert!(
            next_price(&details, price, &demand).price <= next_price(&details, price, &faster).price
        );
    }

    #[test]
    fn without_pricing_nothing_changes(
        base in any::<u32>(), price in any::<u32>(), demand in any_demand(), currency in any_currency(),
    ) {
        let next = next_price(&details(base, currency, None), price, &demand);
        prop_assert_eq!(next, NextPrice { price, target: None });
    }

    #[test]
    fn a_rounded_price_is_rounded_to_itself(
        base in any::<u32>(), currency in any_currency(), low in any::<u32>(), width in any::<u32>(),
        aim in any::<u32>(),
    ) {
        let (range, step) = (Range { low, high: low.saturating_add(width) }, rounding_step(base, currency));
        if let Some(rounded) = range.rounded(aim, step) {
            prop_assert_eq!(range.rounded(rounded, step), Some(rounded));
            prop_assert_eq!(rounded % step, 0);
            prop_assert!((range.low..=range.high).contains(&rounded));
        }
    }

    #[test]
    fn a_price_that_moved_is_round_where_a_round_one_lies_within_reach(
        (details, price) in any_priced(), demand in any_demand(),
    ) {
        let next = next_price(&details, price, &demand).price;
        let step = rounding_step(details.base_price, details.currency);
        prop_assert!(next.is_multiple_of(step) || next == price || !is_within(&details, price));
    }

    #[test]
    fn nothing_makes_it_panic(
        base in any::<u32>(), currency in any_currency(), bounds in any::<(u32, u32)>(), price in any::<u32>(),
        capacity in any::<u32>(), sold in any::<u32>(), times in any::<(i64, i64, i64)>(),
    ) {
        let (recent_tickets, recent_ms, left_ms) = times;
        let demand = Demand { capacity, sold, recent_tickets, recent_ms, left_ms };
        next_price(&details(base, currency, Some(bounds)), price, &demand);
        let shown = [demand.utilization(), demand.tickets_per_day(), demand.days_left()];
        prop_assert!(shown.iter().all(|number| number.is_finite()));
    }
}
