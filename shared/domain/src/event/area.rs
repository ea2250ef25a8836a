//! Areas: what an event sells from. Each is a pool of places with a price of its own.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Event, EventDetails, Pricing};
use crate::id::{AreaKey, AreaNumber, ReservationId};

/// The id of the area of an event that names none.
pub const GENERAL: &str = "general";
const GENERAL_NAME: &str = "General";

/// What an admin decides about an area.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaDetails {
    /// By which a booking asks for it, unique in the event, and its own for ever.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Places in it.
    pub capacity: u32,
    /// What a place costs before demand pricing, in minor units of the event's currency.
    pub base_price: u32,
    /// Demand pricing, if wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing: Option<Pricing>,
}

/// As admins read it in tables: `floor 500 at 4500 (Floor)`.
impl fmt::Display for AreaDetails {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, name, capacity, base_price, pricing } = self;
        write!(out, "{id} {capacity} at {base_price}")?;
        if let Some(Pricing { min_percent, max_percent }) = pricing {
            write!(out, " {min_percent}-{max_percent} %")?;
        }
        write!(out, " ({name})")
    }
}

/// Areas in one line: `floor 500 at 4500 (Floor), box 8 at 9000 (Box)`.
pub fn areas_in_one_line(areas: &[AreaDetails]) -> String {
    areas.iter().map(AreaDetails::to_string).collect::<Vec<_>>().join(", ")
}

/// What becomes of an area. Its place in the event's list is the area's number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaState {
    /// The area's id.
    pub id: String,
    /// What a place costs now, in minor units.
    pub price: u32,
    /// The withdrawal of the last lowering of its capacity: tells the janitor whether it was committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_withdrawal: Option<ReservationId>,
    /// How many prices it has had.
    pub price_changes: u32,
    /// The day, in UTC, of the last pricing run that decided on its price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priced_on: Option<Date>,
}

impl AreaState {
    /// Of a new area; its price starts at the base price.
    pub fn new(details: &AreaDetails) -> Self {
        Self {
            id: details.id.clone(),
            price: details.base_price,
            last_withdrawal: None,
            price_changes: 1,
            priced_on: None,
        }
    }
}

/// An area as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area<'a> {
    /// What the stores know it by.
    pub key: AreaKey,
    /// By which a booking asks for it.
    pub id: &'a str,
    /// What it is called.
    pub name: &'a str,
    /// Places in it.
    pub capacity: u32,
    /// What a place costs before demand pricing, in minor units of the event's currency.
    pub base_price: u32,
    /// Demand pricing, if wanted.
    pub pricing: Option<Pricing>,
    /// What a place costs now, in minor units.
    pub price: u32,
}

impl EventDetails {
    /// With the sums of its areas, if it names any: the places of all, and the lowest base price.
    #[must_use]
    pub fn with_sums_of_areas(mut self) -> Self {
        if let Some(lowest) = self.areas.iter().map(|area| area.base_price).min() {
            self.capacity = self.areas.iter().map(|area| area.capacity).sum();
            self.base_price = lowest;
        }
        self
    }
}

impl Event {
    /// Its areas, in the order in which they are shown; the general one if it names none.
    pub fn areas(&self) -> Vec<Area<'_>> {
        if self.details.areas.is_empty() {
            return vec![self.general()];
        }
        self.details.areas.iter().filter_map(|details| self.area_of(details)).collect()
    }

    /// The area of that number, if there is one.
    pub fn area(&self, number: AreaNumber) -> Option<Area<'_>> {
        self.areas().into_iter().find(|area| area.key.number == number)
    }

    fn general(&self) -> Area<'_> {
        Area {
            key: self.id.into(),
            id: GENERAL,
            name: GENERAL_NAME,
            capacity: self.details.capacity,
            base_price: self.details.base_price,
            pricing: self.details.pricing,
            price: self.price,
        }
    }

    fn area_of<'a>(&'a self, details: &'a AreaDetails) -> Option<Area<'a>> {
        let states = (0..).zip(&self.area_states);
        let (number, state) = states.into_iter().find(|(_, state)| state.id == details.id)?;
        let AreaDetails { id, name, capacity, base_price, pricing } = details;
        Some(Area {
            key: AreaKey { event: self.id, number },
            id,
            name,
            capacity: *capacity,
            base_price: *base_price,
            pricing: *pricing,
            price: state.price,
        })
    }
}
