//! Seats that can be had right now, and what they cost from.

use super::{Area, Event};
use crate::id::AreaNumber;

/// Seats of an event that can be had right now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Available {
    /// Of all its areas together.
    pub seats: u32,
    /// By the areas' numbers; none if all are of one.
    by_area: Vec<(AreaNumber, u32)>,
}

impl From<u32> for Available {
    /// Seats of an event that has one area.
    fn from(seats: u32) -> Self {
        Self { seats, by_area: Vec::new() }
    }
}

impl Available {
    /// Seats by the areas' numbers.
    pub fn by_area(by_area: Vec<(AreaNumber, u32)>) -> Self {
        let seats = by_area.iter().map(|(_, seats)| seats).sum();
        // All are of the one that there is.
        let by_area = if by_area.len() == 1 { Vec::new() } else { by_area };
        Self { seats, by_area }
    }

    /// All seats of a new event.
    pub fn all_of(event: &Event) -> Self {
        Self::by_area(event.areas().iter().map(|area| (area.key.number, area.capacity)).collect())
    }

    /// Seats by the areas' numbers; none if all are of one.
    pub fn areas(&self) -> &[(AreaNumber, u32)] {
        &self.by_area
    }

    /// The seats of an area.
    pub fn of(&self, area: &Area<'_>) -> u32 {
        if self.by_area.is_empty() {
            return self.seats;
        }
        self.by_area.iter().find(|(number, _)| *number == area.key.number).map_or(0, |(_, seats)| *seats)
    }
}

/// What a place costs, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceFrom {
    /// Before demand pricing.
    pub base_price: u32,
    /// Now.
    pub price: u32,
}

impl Event {
    /// What a place costs, or the cheapest one: of the areas that have something left, of all if none has.
    pub fn price_from(&self, available: &Available) -> PriceFrom {
        if self.details.areas.is_empty() {
            return PriceFrom { base_price: self.details.base_price, price: self.price };
        }
        let areas = self.areas();
        let has_left = areas.iter().any(|area| available.of(area) > 0);
        let open = || areas.iter().filter(|area| !has_left || available.of(area) > 0);
        PriceFrom {
            base_price: open().map(|area| area.base_price).min().unwrap_or(self.details.base_price),
            price: open().map(|area| area.price).min().unwrap_or(self.price),
        }
    }
}
