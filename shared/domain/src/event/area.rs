//! Areas: what an event sells from. Each is a pool of places with a price of its own.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Event, EventDetails, Pricing};
use crate::id::{AreaKey, AreaNumber, ReservationId};

/// Areas of one event at most.
pub const AREAS_MAX: usize = 50;
/// The id of the area of an event that names none.
pub const GENERAL: &str = "general";
const GENERAL_NAME: &str = "General";

/// How people know an area.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaName {
    /// Its id.
    pub id: String,
    /// What it is called, or was.
    pub name: String,
}

impl Default for AreaName {
    /// Of the area of an event that names none.
    fn default() -> Self {
        Self { id: GENERAL.to_owned(), name: GENERAL_NAME.to_owned() }
    }
}

impl AreaName {
    /// Whether it is the one of an event that names none: that is not kept.
    pub fn is_general(&self) -> bool {
        self.id == GENERAL && self.name == GENERAL_NAME
    }
}

/// What an admin decides about an area.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaDetails {
    /// By which a booking asks for it, unique in the event, and its own for ever.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Seats in it.
    pub capacity: u32,
    /// What a seat costs before demand pricing, in minor units of the event's currency.
    pub base_price: u32,
    /// Demand pricing, if wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing: Option<Pricing>,
    /// How many rows its seats stand in; none of a general area. Which ones, the event's layout says.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rows: u16,
    /// Whether no single seat is to stay free between taken ones, where the system chooses.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_single_seats: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(rows: &u16) -> bool {
    *rows == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl From<&Area<'_>> for AreaDetails {
    fn from(area: &Area<'_>) -> Self {
        let Area { id, name, capacity, base_price, pricing, rows, no_single_seats, .. } = *area;
        let (id, name) = (id.to_owned(), name.to_owned());
        Self { id, name, capacity, base_price, pricing, rows, no_single_seats }
    }
}

/// As admins read it in tables: `floor 500 at 4500 (Floor)`, `balcony 47 in 2 rows at 6500 (Balcony)`.
impl fmt::Display for AreaDetails {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, name, capacity, base_price, pricing, rows, no_single_seats } = self;
        write!(out, "{id} {capacity}")?;
        match rows {
            0 => {}
            1 => write!(out, " in 1 row")?,
            rows => write!(out, " in {rows} rows")?,
        }
        if *no_single_seats {
            write!(out, " without single seats")?;
        }
        write!(out, " at {base_price}")?;
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
}

impl AreaState {
    /// Of a new area; its price starts at the base price.
    pub fn new(details: &AreaDetails) -> Self {
        Self { id: details.id.clone(), price: details.base_price, last_withdrawal: None }
    }
}

/// A change of an area's capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resized {
    /// The area's id.
    pub id: String,
    /// Its number, also if it is new.
    pub number: AreaNumber,
    /// Places that it has; none if it is new.
    pub from: u32,
    /// Places that it is to have; none if it is to go.
    pub to: u32,
    /// Rows that it has; none of a general area, or if it is new.
    pub from_rows: u16,
    /// Rows that it is to have.
    pub to_rows: u16,
}

/// How large an area is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size<'a> {
    /// The area's id.
    pub area: &'a str,
    /// Its places.
    pub capacity: u32,
    /// Its rows; none of a general area.
    pub rows: u16,
}

impl Resized {
    /// Whether it gets fewer places.
    pub fn is_lowered(&self) -> bool {
        self.to < self.from
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
    /// How many rows its seats stand in; none of a general area.
    pub rows: u16,
    /// Whether no single seat is to stay free between taken ones, where the system chooses.
    pub no_single_seats: bool,
}

impl Area<'_> {
    /// Whether its seats have names.
    pub fn is_numbered(&self) -> bool {
        self.rows > 0
    }

    /// What it is, in one word: `general` or `numbered`.
    pub fn kind(&self) -> &'static str {
        if self.is_numbered() { "numbered" } else { "general" }
    }
}

impl EventDetails {
    /// With the sums of its areas, if it names any: the places of all, and the lowest base price.
    #[must_use]
    pub fn with_sums_of_areas(mut self) -> Self {
        if let Some(lowest) = self.areas.iter().map(|area| area.base_price).min() {
            let places: u64 = self.areas.iter().map(|area| u64::from(area.capacity)).sum();
            self.capacity = u32::try_from(places).unwrap_or(u32::MAX);
            self.base_price = lowest;
        }
        self
    }
}

impl EventDetails {
    fn sizes(&self) -> Vec<Size<'_>> {
        if self.areas.is_empty() {
            return vec![Size { area: GENERAL, capacity: self.capacity, rows: 0 }];
        }
        self.areas
            .iter()
            .map(|area| Size { area: &area.id, capacity: area.capacity, rows: area.rows })
            .collect()
    }

    fn base_price_of(&self, id: &str) -> Option<u32> {
        match self.areas.as_slice() {
            [] => (id == GENERAL).then_some(self.base_price),
            areas => areas.iter().find(|area| area.id == id).map(|area| area.base_price),
        }
    }
}

impl Event {
    /// Its areas whose capacity is another one in these details, those first that get fewer places: what is given up comes before what
    /// is added. Only where none of them stays, the new ones come before: an event always has an area.
    pub fn to_resize(&self, details: &EventDetails) -> Vec<Resized> {
        let (before, after) = (self.details.sizes(), details.sizes());
        let size = |of: &[Size<'_>], id: &str| {
            of.iter().find(|known| known.area == id).map_or((0, 0), |known| (known.capacity, known.rows))
        };
        let states = self.area_states_under(details);
        let number =
            |id: &str| (0..).zip(&states).find(|(_, state)| state.id == id).map_or(0, |(number, _)| number);
        let gone = before.iter().filter(|known| after.iter().all(|other| other.area != known.area));
        let areas = after.iter().chain(gone).map(|Size { area, .. }| {
            let ((from, from_rows), (to, to_rows)) = (size(&before, area), size(&after, area));
            Resized { id: (*area).to_owned(), number: number(area), from, to, from_rows, to_rows }
        });
        let mut resized: Vec<Resized> = areas.filter(|area| area.from != area.to).collect();
        let keeps_one = before.iter().any(|known| size(&after, known.area).0 > 0);
        resized.sort_by_key(|area| area.is_lowered() != keeps_one);
        resized
    }

    /// All new details, but of the capacities only those of these areas; the others keep theirs, and come or go when it is their
    /// turn.
    #[must_use]
    pub fn details_with(&self, details: &EventDetails, resized: &[Size<'_>]) -> EventDetails {
        if details.areas.is_empty() {
            let capacity = resized.first().map_or(self.details.capacity, |resized| resized.capacity);
            return EventDetails { capacity, ..details.clone() };
        }
        let kept = self.areas().into_iter().map(|area| AreaDetails::from(&area));
        let kept: Vec<AreaDetails> = kept.collect();
        let gone = kept.iter().filter(|area| details.areas.iter().all(|other| other.id != area.id));
        let areas = details.areas.iter().chain(gone).map(|area| {
            let before = kept.iter().find(|before| before.id == area.id);
            let before = before.map_or((0, 0), |before| (before.capacity, before.rows));
            let resized = resized.iter().find(|resized| resized.area == area.id);
            let (capacity, rows) = resized.map_or(before, |resized| (resized.capacity, resized.rows));
            AreaDetails { capacity, rows, ..area.clone() }
        });
        let areas = areas.filter(|area| area.capacity > 0).collect();
        EventDetails { areas, ..details.clone() }.with_sums_of_areas()
    }

    /// What becomes of its areas under other details. A new base price is the new price; demand pricing moves it from there.
    pub(super) fn area_states_under(&self, details: &EventDetails) -> Vec<AreaState> {
        if self.area_states.is_empty() && details.areas.is_empty() {
            return Vec::new();
        }
        let mut states = self.area_states.clone();
        if states.is_empty() {
            // It had the general area alone, whose number is the first.
            states.push(AreaState {
                id: GENERAL.to_owned(),
                price: self.price,
                last_withdrawal: self.last_withdrawal,
            });
        }
        for area in &details.areas {
            let before = self.details.base_price_of(&area.id);
            match states.iter_mut().find(|state| state.id == area.id) {
                Some(state) => {
                    let stays = before == Some(area.base_price)
                        && (area.pricing.is_some() || state.price == area.base_price);
                    if !stays {
                        state.price = area.base_price;
                    }
                }
                None => states.push(AreaState::new(area)),
            }
        }
        states
    }

    /// Areas that another state of the event sells at another price than this one, or did not sell before, each with its price here.
    pub fn areas_repriced<'a>(&self, after: &'a Self) -> Vec<(Area<'a>, Option<u32>)> {
        let before = self.areas();
        let price_of = |id: &str| before.iter().find(|area| area.id == id).map(|area| area.price);
        let areas = after.areas().into_iter().map(|area| (area, price_of(area.id)));
        areas.filter(|(area, before)| *before != Some(area.price)).collect()
    }

    /// The withdrawal of the last lowering of an area's capacity.
    pub fn last_withdrawal_of(&self, area: AreaNumber) -> Option<ReservationId> {
        match self.area_states.get(usize::from(area)) {
            Some(state) => state.last_withdrawal,
            None => self.last_withdrawal,
        }
    }

    /// With that withdrawal as the last one of its area.
    #[must_use]
    pub fn with_withdrawal(mut self, id: ReservationId) -> Self {
        match self.area_states.get_mut(usize::from(id.area().number)) {
            Some(state) => state.last_withdrawal = Some(id),
            None => self.last_withdrawal = Some(id),
        }
        self
    }

    /// The area of that id; without one the only area. `None` if there is no such area, or without an id there are several.
    pub fn area_called(&self, id: Option<&str>) -> Option<Area<'_>> {
        let mut areas = self.areas();
        match id {
            Some(id) => areas.into_iter().find(|area| area.id == id),
            None => areas.pop().filter(|_| areas.is_empty()),
        }
    }

    /// Its areas, in the order in which they are shown; the general one if it names none.
    pub fn areas(&self) -> Vec<Area<'_>> {
        if self.details.areas.is_empty() {
            return vec![self.general()];
        }
        self.details.areas.iter().filter_map(|details| self.area_of(details)).collect()
    }

    /// Another number for another layout: each change of it adds parts, or takes an area away. JavaScript can count as far.
    pub fn layout_version(&self) -> u64 {
        // The largest prime of 32 bits: no two areas, one of which is there, have the same rest.
        const PRIME: u64 = 4_294_967_291;
        let there = self.areas().iter().fold(0, |there, area| there | 1_u64 << area.key.number);
        (u64::from(self.layout_parts) << 32) + there % PRIME
    }

    /// What the stores know its areas by, those among them that were taken away.
    pub fn area_keys(&self) -> impl Iterator<Item = AreaKey> + use<'_> {
        self.shards.areas().map(|number| AreaKey { event: self.id, number })
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
            rows: 0,
            no_single_seats: false,
        }
    }

    fn area_of<'a>(&'a self, details: &'a AreaDetails) -> Option<Area<'a>> {
        let states = (0..).zip(&self.area_states);
        let (number, state) = states.into_iter().find(|(_, state)| state.id == details.id)?;
        let AreaDetails { id, name, capacity, base_price, pricing, rows, no_single_seats } = details;
        Some(Area {
            key: AreaKey { event: self.id, number },
            id,
            name,
            capacity: *capacity,
            base_price: *base_price,
            pricing: *pricing,
            price: state.price,
            rows: *rows,
            no_single_seats: *no_single_seats,
        })
    }
}
