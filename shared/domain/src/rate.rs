//! Rates: what a place costs to whom, in percent of its price. They change what places cost, never which there are.

use std::{collections::BTreeMap, fmt, ops::RangeInclusive};

use serde::{Deserialize, Serialize};

use super::{inventory::Draw, sales::SoldAtRate};

/// Rates of one event at most.
pub const RATES_MAX: usize = 10;
/// What a rate may cost, in percent of the price.
pub const RATE_PERCENT: RangeInclusive<u32> = 1..=1_000;

/// A rate of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Rate {
    /// By which a booking asks for it, unique in the event.
    #[schema(example = "child", pattern = "^[a-z0-9-]{1,32}$")]
    pub id: String,
    /// 1 to 200 characters, something to be seen among them, and none of them a control character.
    #[schema(example = "Up to 14", max_length = 200)]
    pub name: String,
    /// What a place costs at this rate, in percent of its price, rounded to the nearest minor unit, half up.
    #[schema(example = 50, minimum = 1, maximum = 1_000)]
    pub percent: u32,
}

impl Rate {
    /// The rate of an event that names none.
    pub fn ordinary() -> Self {
        Self { id: "full".to_owned(), name: "Full price".to_owned(), percent: 100 }
    }

    /// What a place of that price costs at this rate. `reserve.lua` counts likewise.
    pub fn price_of(&self, price: u32) -> u32 {
        let exact = u64::from(price) * u64::from(self.percent);
        u32::try_from((exact + 50) / 100).unwrap_or(u32::MAX)
    }
}

/// As admins read it in tables: `child 50 % (Up to 14)`.
impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, name, percent } = self;
        write!(out, "{id} {percent} % ({name})")
    }
}

/// Rates in one line: `full 100 % (Full price), child 50 % (Up to 14)`.
pub fn in_one_line(rates: &[Rate]) -> String {
    rates.iter().map(Rate::to_string).collect::<Vec<_>>().join(", ")
}

/// How many places somebody wants at which rates, by their ids; the rest at the first.
pub type WantedRates = BTreeMap<String, u32>;

/// All places at the first rate.
pub static ALL_AT_FIRST: WantedRates = BTreeMap::new();

/// Places of one rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The rate's id.
    pub rate: String,
    /// The rate's name, as it was.
    pub name: String,
    /// How many places.
    pub quantity: u32,
    /// What each costs, in minor units.
    pub unit_price: u32,
}

impl Line {
    /// What they cost together, in minor units.
    pub fn total(&self) -> u64 {
        u64::from(self.quantity) * u64::from(self.unit_price)
    }
}

/// What some places cost.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    /// How many places.
    pub quantity: u32,
    /// What each costs; none where that differs, which a release that knows no rates can't read: it would take the wrong price.
    pub unit_price: Option<u32>,
    /// By rate; none for an event that names no rates.
    pub lines: &'a [Line],
}

impl<'a> Charge<'a> {
    /// What they cost together, in minor units.
    pub fn total(&self) -> u64 {
        match self.lines {
            [] => u64::from(self.quantity) * u64::from(self.unit_price.unwrap_or_default()),
            lines => lines.iter().map(Line::total).sum(),
        }
    }

    /// The same by rate.
    pub fn lines(&self) -> Vec<Line> {
        if !self.lines.is_empty() {
            return self.lines.to_vec();
        }
        let Rate { id: rate, name, .. } = Rate::ordinary();
        vec![Line { rate, name, quantity: self.quantity, unit_price: self.unit_price.unwrap_or_default() }]
    }

    /// What the places of each draw cost: those of the lines go to the draws, one after the other. It is the same whenever it is
    /// asked, so what a cancel takes back is what the sale brought.
    pub fn of_draws(&self, draws: &[Draw]) -> Vec<DrawCharge<'a>> {
        let mut lines = self.lines.iter().map(|line| (line.quantity, line));
        let mut line = lines.next();
        let mut of_draw = |draw: &Draw| {
            if self.lines.is_empty() {
                let revenue = u64::from(draw.seats) * u64::from(self.unit_price.unwrap_or_default());
                return DrawCharge { revenue, by_rate: Vec::new() };
            }
            let (mut seats, mut charge) = (draw.seats, DrawCharge::default());
            while seats > 0
                && let Some((left, Line { rate, unit_price, .. })) = line
            {
                let taken = seats.min(left);
                let sold =
                    SoldAtRate { seats: taken.into(), revenue: u64::from(taken) * u64::from(*unit_price) };
                charge.add(rate, sold);
                seats -= taken;
                line =
                    if taken == left { lines.next() } else { line.map(|(left, line)| (left - taken, line)) };
            }
            charge
        };
        draws.iter().map(&mut of_draw).collect()
    }
}

/// What the places of one draw cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrawCharge<'a> {
    /// In minor units.
    pub revenue: u64,
    /// The same by rate, each rate once; nothing for an event that names no rates.
    pub by_rate: Vec<(&'a str, SoldAtRate)>,
}

impl<'a> DrawCharge<'a> {
    fn add(&mut self, rate: &'a str, sold: SoldAtRate) {
        self.revenue += sold.revenue;
        match self.by_rate.iter_mut().find(|(known, _)| *known == rate) {
            Some((_, known)) => known.add(sold),
            None => self.by_rate.push((rate, sold)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(percent: u32) -> Rate {
        Rate { percent, ..Rate::ordinary() }
    }

    fn line(rate: &str, quantity: u32, unit_price: u32) -> Line {
        Line { rate: rate.to_owned(), name: rate.to_owned(), quantity, unit_price }
    }

    #[test]
    fn a_price_is_rounded_to_the_nearest_minor_unit_half_up() {
        for (percent, price, expected) in
            [(100, 4_500, 4_500), (50, 4_501, 2_251), (33, 100, 33), (1, 49, 0), (1, 50, 1), (1_000, 7, 70)]
        {
            assert_eq!(rate(percent).price_of(price), expected, "{percent} % of {price}");
        }
    }

    #[test]
    fn what_is_charged_is_shared_out_over_the_draws_in_their_order() {
        let lines = [line("full", 2, 100), line("child", 3, 50)];
        let charge = Charge { quantity: 5, unit_price: None, lines: &lines };
        assert_eq!(charge.total(), 350);
        let draws = [(7, 1), (2, 2), (0, 2)].map(|(shard, seats)| Draw::places(shard, seats));
        let at = |seats, revenue| SoldAtRate { seats, revenue };
        let expected = [
            (100, vec![("full", at(1, 100))]),
            (150, vec![("full", at(1, 100)), ("child", at(1, 50))]),
            (100, vec![("child", at(2, 100))]),
        ];
        assert_eq!(
            charge.of_draws(&draws),
            expected.map(|(revenue, by_rate)| DrawCharge { revenue, by_rate })
        );
        let plain = Charge { quantity: 3, unit_price: Some(30), lines: &[] };
        let of_draws = plain.of_draws(&[Draw::places(0, 1), Draw::places(1, 2)]);
        let of_no_rate = |revenue| DrawCharge { revenue, by_rate: Vec::new() };
        assert_eq!((plain.total(), of_draws), (90, [30, 60].map(of_no_rate).to_vec()));
        assert_eq!(plain.lines(), [Line { name: "Full price".to_owned(), ..line("full", 3, 30) }]);
    }

    proptest! {
        #[test]
        fn the_draws_together_bring_what_is_charged(
            lines in prop::collection::vec((1_u32..9, 0_u32..1_000), 1..4),
            cuts in prop::collection::vec(1_u32..6, 1..40),
        ) {
            let lines: Vec<_> =
                ["x", "y", "z"].into_iter().zip(lines).map(|(rate, (quantity, price))| line(rate, quantity, price)).collect();
            let quantity: u32 = lines.iter().map(|line| line.quantity).sum();
            let (mut left, mut draws) = (quantity, Vec::new());
            for (shard, cut) in (0_u32..).zip(cuts) {
                let seats = cut.min(left);
                draws.extend((seats > 0).then_some(Draw::places(shard, seats)));
                left -= seats;
            }
            draws.extend((left > 0).then_some(Draw::places(99, left)));
            let charge = Charge { quantity, unit_price: None, lines: &lines };
            let of_draws = charge.of_draws(&draws);
            prop_assert_eq!(of_draws.iter().map(|draw| draw.revenue).sum::<u64>(), charge.total());
            for (draw, charged) in draws.iter().zip(of_draws) {
                let mut sum = SoldAtRate::default();
                charged.by_rate.iter().for_each(|(_, sold)| sum.add(*sold));
                prop_assert_eq!((sum.seats, sum.revenue), (draw.seats.into(), charged.revenue));
            }
        }
    }
}
