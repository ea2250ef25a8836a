//! Demand pricing: what a seat should cost, by how the event sells. And the prices that an event had, each with its
//! reason.
//!
//! # The rule
//!
//! Once a day the price takes a step towards a target that follows from two questions:
//!
//! - How full is it? `utilization = sold / capacity`.
//! - Does it sell fast enough to be sold out when sales close? `pace = tickets a day lately / tickets a day needed`,
//!   where `needed = unsold seats / days until sales close`. Time is in here: the same sales are fast enough for an
//!   event in three months, and too slow for one next week. Lately is the last [`RECENT_DAYS`] days, or since the
//!   event is on sale, if that is shorter. More than twice the needed pace counts as twice; no seat left, too.
//!
//! ```text
//! pressure = utilization / 2 + min(pace, 2) / 4            0 to 1
//!
//! pressure   0 ──────────────── ½ ──────────────── 1
//! target     min_percent ── 100 percent ── max_percent     of the base price, straight lines between
//! ```
//!
//! From there to a price:
//!
//! 1. It moves by at most [`MAX_STEP_PERCENT`] percent of the base price, so that nobody meets a jump.
//! 2. It is rounded to a step that suits its size ([`rounding_step`]): 1 or 5 times a power of ten, at most 2 % of the
//!    base price. Rounding takes it neither out of its bounds nor beyond 1.
//! 3. The bounds win over all else: a price outside of them, because an admin tightened them, goes to the nearest
//!    price inside at once, however far that is.
//!
//! A free event stays free, and an event without `pricing` keeps its price. So does an event that is on sale for less
//! than [`JUDGED_AFTER_DAYS`] day, or not yet: nothing is known of its demand.
//!
//! # An example
//!
//! A concert of 200 seats at 45.00 EUR, 80 to 150 percent. 120 seats are sold, 42 of them in the last seven days, and
//! sales close in 10 days. `utilization = 120/200 = 0.6`. It sells 6 tickets a day and needs 80 / 10 = 8, so
//! `pace = 0.75`. `pressure = 0.3 + 0.1875 = 0.4875`, a little below ½, so the target is 80 + 20 · 0.4875 / ½ = 99.5
//! percent: 44.77 EUR. Prices of this event are multiples of 0.50, so it is 45.00: the price is right as it is.
//!
//! # Cases
//!
//! The same concert, at 45.00 before the run. The test `the_cases_of_the_table` holds the rule to them.
//!
//! | Sold | In 7 days | Days left | Utilization | Pace | Target % | Price after | Why |
//! | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
//! | 0 | 0 | 30 | 0 | 0 | 80 | 40.50 | nobody wants it: down by one step, 10 % |
//! | 20 | 14 | 90 | 0.1 | 1 | 92 | 41.50 | just on pace, but still empty: cheap for the early |
//! | 120 | 42 | 10 | 0.6 | 0.75 | 99.5 | 45.00 | about right |
//! | 120 | 56 | 10 | 0.6 | 1 | 105 | 47.50 | will be just sold out |
//! | 120 | 56 | 5 | 0.6 | 0.5 | 97 | 43.50 | the same sales, but less time |
//! | 180 | 70 | 30 | 0.9 | 2 | 145 | 49.50 | far too cheap: up by one step, the next day again |
//! | 200 | 0 | 30 | 1 | 2 | 150 | 49.50 | sold out: what comes back may cost more |

use iso_currency::Currency;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    event::{Area, Event, Pricing},
    id::AreaNumber,
};

/// How far one run moves a price at most, in percent of the base price.
pub const MAX_STEP_PERCENT: u32 = 10;
/// Sales of so many days count as recent.
pub const RECENT_DAYS: i64 = 7;
/// An event must be on sale for so many days before its demand is judged.
pub const JUDGED_AFTER_DAYS: i64 = 1;
/// Swiss coins begin at 5 rappen.
const CHF_STEP_MIN: u32 = 5;
/// The rounding step is at most the base price divided by this: 2 percent.
const ROUNDING_STEPS_MIN: u32 = 50;
/// Milliseconds in a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// How an event sells: what its price is decided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// Seats in all.
    pub capacity: u32,
    /// Seats sold and not cancelled.
    pub sold: u32,
    /// Seats sold lately and not cancelled since.
    pub recent_tickets: i64,
    /// How long "lately" was, in ms; not above zero if sales have not opened.
    pub recent_ms: i64,
    /// Until sales close, in ms; not above zero if they have.
    pub left_ms: i64,
}

/// What the rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextPrice {
    /// The price from now on, in minor units.
    pub price: u32,
    /// Where demand draws the price, in hundredths of a percent of the base price; `None` if it was not asked.
    pub target: Option<u32>,
}

/// Why a price became what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(example = "demand")]
pub enum PriceReason {
    /// The event was created: the base price.
    Created,
    /// An admin set another base price.
    BasePriceChanged,
    /// An admin switched demand pricing off: back to the base price.
    PricingRemoved,
    /// Demand pricing moved it.
    Demand,
}

impl PriceReason {
    /// Its word in the API and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::BasePriceChanged => "base_price_changed",
            Self::PricingRemoved => "pricing_removed",
            Self::Demand => "demand",
        }
    }
}

/// How an area was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The area's number.
    pub area: AreaNumber,
    /// How it sells.
    pub demand: Demand,
    /// What follows.
    pub next: NextPrice,
}

/// A price that an event has or had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceChange {
    /// The event's prices are counted from 1, those of all its areas together.
    pub number: u32,
    /// The id of the area whose price it is; `None` if the event named no areas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
    /// The price from then on, in minor units.
    pub price: u32,
    /// The price before; `None` for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_price: Option<u32>,
    /// The base price at that time.
    pub base_price: u32,
    /// Why.
    pub reason: PriceReason,
    /// How the event sold, where that was the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demand: Option<Demand>,
    /// Where demand drew the price, in hundredths of a percent of the base price, where that was the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<u32>,
    /// When.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub changed_at: Timestamp,
}

/// The price that an area of an event should have by how it sells; the present one without `pricing`.
pub fn next_price(area: &Area<'_>, currency: Currency, demand: &Demand) -> NextPrice {
    let Area { base_price, price, pricing, .. } = *area;
    let Some(pricing) = pricing else {
        return NextPrice { price, target: None };
    };
    let target = demand.is_known().then(|| target(&pricing, demand.pressure()));
    let aim = target.map_or(price, |target| share(base_price, target, HUNDREDTHS));
    let range = Range::of(base_price, &pricing);
    let step = share(base_price, MAX_STEP_PERCENT, PERCENT);
    let price = range.towards(price, aim, step, rounding_step(base_price, currency));
    NextPrice { price, target }
}

/// What prices of an event are multiples of, in minor units: the largest 1 or 5 times a power of ten that is at most
/// 2 percent of the base price, and no fraction of the smallest coin. 45.00 EUR gives 0.50, 5,000 JPY gives 100.
pub fn rounding_step(base_price: u32, currency: Currency) -> u32 {
    let most = base_price / ROUNDING_STEPS_MIN;
    let mut step = 1;
    for factor in [5, 2].into_iter().cycle() {
        match u32::checked_mul(step, factor) {
            Some(larger) if larger <= most => step = larger,
            _ => break,
        }
    }
    if currency == Currency::CHF { step.max(CHF_STEP_MIN) } else { step }
}

const PERCENT: u32 = 100;
const HUNDREDTHS: u32 = 100 * PERCENT;
/// Pressure is counted in millionths.
const PRESSURE_MAX: u32 = 1_000_000;

/// Where demand draws the price, in hundredths of a percent of the base price.
fn target(pricing: &Pricing, pressure: u32) -> u32 {
    const HALF: u32 = PRESSURE_MAX / 2;
    let (min, max) = (pricing.min_percent, pricing.max_percent.max(pricing.min_percent));
    let middle = PERCENT.clamp(min, max);
    let (from, to, beyond) =
        if pressure < HALF { (min, middle, pressure) } else { (middle, max, pressure - HALF) };
    let way = u64::from(to - from) * u64::from(PERCENT) * u64::from(beyond) / u64::from(HALF);
    u32::try_from(u64::from(from) * u64::from(PERCENT) + way).unwrap_or(u32::MAX)
}

/// So many parts of `amount`, rounded down.
fn share(amount: u32, parts: u32, of: u32) -> u32 {
    u32::try_from(u64::from(amount) * u64::from(parts) / u64::from(of)).unwrap_or(u32::MAX)
}

/// The lowest and the highest price, in minor units.
#[derive(Clone, Copy)]
struct Range {
    low: u32,
    high: u32,
}

impl Range {
    /// The prices inside the bounds. If no whole minor unit lies there, the one above: what costs something is
    /// never given away.
    fn of(base_price: u32, pricing: &Pricing) -> Self {
        let low = (u64::from(base_price) * u64::from(pricing.min_percent)).div_ceil(u64::from(PERCENT));
        let low = u32::try_from(low).unwrap_or(u32::MAX);
        Self { low, high: share(base_price, pricing.max_percent, PERCENT).max(low) }
    }

    /// From `price` as near to `aim` as a step allows, rounded; but inside this range in any case.
    fn towards(self, price: u32, aim: u32, step: u32, rounding: u32) -> u32 {
        let near = Self {
            low: self.low.max(price.saturating_sub(step)),
            high: self.high.min(price.saturating_add(step)),
        };
        if near.low <= near.high {
            // Where nothing round lies near, an unround price stays, if it may.
            near.rounded(aim, rounding).unwrap_or(price.clamp(self.low, self.high))
        } else {
            let nearest = price.clamp(self.low, self.high);
            self.rounded(nearest, rounding).unwrap_or(nearest)
        }
    }

    /// The multiple of `rounding` in this range that is nearest to `aim`, the higher of two; `None` if there is none.
    fn rounded(self, aim: u32, rounding: u32) -> Option<u32> {
        let aim = aim.clamp(self.low, self.high);
        let below = aim - aim % rounding;
        let above = if below == aim { Some(aim) } else { below.checked_add(rounding) };
        let above = above.filter(|above| *above <= self.high);
        let below = Some(below).filter(|below| *below >= self.low);
        match (below, above) {
            (Some(below), Some(above)) if aim - below < above - aim => Some(below),
            (below, above) => above.or(below),
        }
    }
}

impl Demand {
    /// Whether the event is on sale for long enough to say anything.
    fn is_known(&self) -> bool {
        self.recent_ms >= JUDGED_AFTER_DAYS * DAY_MS
    }

    /// How much people want it: 0 to [`PRESSURE_MAX`].
    fn pressure(&self) -> u32 {
        let full = u128::from(PRESSURE_MAX);
        let sold = self.sold.min(self.capacity);
        let utilization = u128::from(sold) * full / u128::from(self.capacity.max(1));
        let pressure = utilization / 2 + self.pace(full) / 4;
        u32::try_from(pressure).unwrap_or(PRESSURE_MAX).min(PRESSURE_MAX)
    }

    /// How fast it sells compared with what is needed to be sold out when sales close, in parts of `one`: twice that
    /// at most.
    fn pace(&self, one: u128) -> u128 {
        let unsold = u128::from(self.capacity.saturating_sub(self.sold));
        if unsold == 0 {
            return 2 * one;
        }
        let whole = |number: i64| u128::try_from(number).unwrap_or(0);
        let expected = whole(self.recent_tickets.min(u32::MAX.into())).saturating_mul(whole(self.left_ms));
        let needed = unsold * whole(self.recent_ms).max(1);
        (expected.saturating_mul(one) / needed).min(2 * one)
    }

    /// Seats sold as a part of all, 0 to 1.
    pub fn utilization(&self) -> f64 {
        f64::from(self.sold) / f64::from(self.capacity.max(1))
    }

    /// Seats sold a day lately.
    pub fn tickets_per_day(&self) -> f64 {
        let days = days(self.recent_ms);
        if days > 0.0 { fraction(self.recent_tickets) / days } else { 0.0 }
    }

    /// Days until sales close.
    pub fn days_left(&self) -> f64 {
        days(self.left_ms).max(0.0)
    }
}

fn days(ms: i64) -> f64 {
    fraction(ms) / fraction(DAY_MS)
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with a few digits")]
fn fraction(number: i64) -> f64 {
    number as f64
}

impl PriceChange {
    /// The first prices of a new event: one for each area that it names, or its own.
    pub fn created(event: &Event) -> Vec<Self> {
        let areas = event.areas();
        let before = u32::try_from(areas.len()).map_or(0, |new| event.price_changes.saturating_sub(new));
        let prices = (before + 1..).zip(&areas).map(|(number, area)| {
            let changed_at = event.created_at;
            Self { number, changed_at, ..Self::of(event, area, PriceReason::Created) }
        });
        prices.collect()
    }

    /// The prices that an admin's change of the event brought.
    pub fn by_admin(before: &Event, after: &Event, now: Timestamp) -> Vec<Self> {
        if after.details.areas.is_empty() {
            // A price that is set anew is one, also if it is the same.
            let had = before.price_changes != after.price_changes;
            let areas = after.areas().into_iter().filter(|_| had).map(|area| (area, Some(before.price)));
            return Self::following(before, after, areas.collect(), now, PriceReason::of_admin);
        }
        Self::following(before, after, before.areas_repriced(after), now, PriceReason::of_admin)
    }

    /// The prices that demand brought, and how each area sold.
    pub fn by_demand(before: &Event, after: &Event, judged: &[Judged], now: Timestamp) -> Vec<Self> {
        let mut prices =
            Self::following(before, after, before.areas_repriced(after), now, |_, _| PriceReason::Demand);
        let areas = before.areas_repriced(after);
        for (price, (area, _)) in prices.iter_mut().zip(&areas) {
            let judged = judged.iter().find(|judged| judged.area == area.key.number);
            price.demand = judged.map(|judged| judged.demand);
            price.target = judged.and_then(|judged| judged.next.target);
        }
        prices
    }

    /// Prices of areas, each after the one before if there was one.
    fn following(
        before: &Event,
        after: &Event,
        areas: Vec<(Area<'_>, Option<u32>)>,
        now: Timestamp,
        reason: impl Fn(&Event, &Area<'_>) -> PriceReason,
    ) -> Vec<Self> {
        let changed_at = super::time::to_whole_ms(now);
        let prices = (before.price_changes + 1..).zip(areas).map(|(number, (area, previous_price))| {
            let reason = if previous_price.is_some() { reason(before, &area) } else { PriceReason::Created };
            Self { number, previous_price, changed_at, ..Self::of(after, &area, reason) }
        });
        prices.collect()
    }

    fn of(event: &Event, area: &Area<'_>, reason: PriceReason) -> Self {
        Self {
            number: event.price_changes,
            area: (!event.details.areas.is_empty()).then(|| area.id.to_owned()),
            price: area.price,
            previous_price: None,
            base_price: area.base_price,
            reason,
            demand: None,
            target: None,
            changed_at: event.created_at,
        }
    }
}

impl PriceReason {
    /// Why an area that the event had before has another price.
    fn of_admin(before: &Event, area: &Area<'_>) -> Self {
        let is_same = before.areas().iter().any(|had| had.id == area.id && had.base_price == area.base_price);
        if is_same { Self::PricingRemoved } else { Self::BasePriceChanged }
    }
}

#[cfg(test)]
mod tests;
