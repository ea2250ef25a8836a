//! How events sell, all together.

use std::{collections::BTreeMap, ops::Range};

use domain::{
    event::{Event, EventStatus},
    field_error::Wrong,
    id::AreaNumber,
    inventory::{InventoryShard, place_of_shard},
    sales::{Hour, hours_of},
    time::{show, to_whole_ms},
};
use http_api::Problem;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use stores::dynamodb::EventsFilter;
use utoipa::ToSchema;

use super::numbers::{Amount, ratio};

/// Days of sales that can be asked for.
const SOLD_DAYS_MAX: u32 = 366;
/// How many events are shown.
const POPULAR_EVENTS: usize = 5;

/// How events sell. Past and cancelled events count, too; drafts only if they have ever sold. Where a time of sale was asked
/// for, bookings of that time alone count, as they are now, and `capacity` is still that of all events.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Analytics {
    /// Bookings confirmed, those cancelled since among them.
    #[schema(example = 92)]
    pub total_bookings: u64,
    /// Bookings that are confirmed now.
    #[schema(example = 85)]
    pub confirmed_bookings: u64,
    /// Bookings that were confirmed and are cancelled now.
    #[schema(example = 7)]
    pub cancelled_bookings: u64,
    /// `cancelled_bookings / total_bookings`; 0 without bookings.
    #[schema(example = 0.0761)]
    pub cancellation_rate: f64,
    /// Tickets in confirmed bookings. With `tickets_cancelled`, all tickets sold.
    #[schema(example = 170)]
    pub tickets_sold: u64,
    /// Tickets in cancelled bookings.
    #[schema(example = 12)]
    pub tickets_cancelled: u64,
    /// What the tickets in `tickets_sold` cost: cancelled ones are taken off. One amount for each currency in which there
    /// ever was a booking, or in which something was paid at the time that was asked for; they are never added together.
    pub revenue: Vec<Amount>,
    /// Seats in all.
    #[schema(example = 500)]
    pub capacity: u64,
    /// `tickets_sold / capacity`; 0 without events.
    #[schema(example = 0.34)]
    pub capacity_utilization: f64,
    /// The 5 events with most tickets sold, most first; none that has sold nothing.
    pub most_popular: Vec<PopularEvent>,
    /// The instant whose numbers these are.
    #[serde(serialize_with = "show")]
    pub generated_at: Timestamp,
}

/// An event that sells well.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PopularEvent {
    /// UUIDv7.
    #[schema(value_type = uuid::Uuid)]
    pub event_id: String,
    /// What it is called.
    #[schema(example = "Open Air 2031")]
    pub name: String,
    /// When it starts.
    #[serde(serialize_with = "show")]
    pub starts_at: Timestamp,
    /// Tickets in confirmed bookings.
    #[schema(example = 170)]
    pub tickets_sold: u64,
    /// Seats in all.
    #[schema(example = 500)]
    pub capacity: u64,
    /// `tickets_sold / capacity`.
    #[schema(example = 0.34)]
    pub utilization: f64,
    /// The same of each of its areas, in the order in which they are shown.
    #[serde(default)]
    pub by_area: Vec<PopularArea>,
}

/// How an area of an event sells.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PopularArea {
    /// The area's id; `general` of an event that names none.
    #[schema(example = "floor")]
    pub area: String,
    /// What it is called.
    #[schema(example = "Floor")]
    pub name: String,
    /// Tickets of it in confirmed bookings.
    #[schema(example = 120)]
    pub tickets_sold: u64,
    /// Seats in it.
    #[schema(example = 300)]
    pub capacity: u64,
    /// `tickets_sold / capacity`.
    #[schema(example = 0.4)]
    pub utilization: f64,
}

/// What analytics are counted of.
#[derive(Clone, Debug, Default)]
pub struct AnalyticsFilter {
    /// Events that start then or later.
    pub starts_from: Option<Timestamp>,
    /// Events that start then or earlier.
    pub starts_to: Option<Timestamp>,
    /// Bookings that were made in these hours.
    pub sold: Option<Range<Hour>>,
}

impl AnalyticsFilter {
    /// Adds when the bookings were made, in whole hours: as long before `sold_to` as can be, or up to now, where a bound is
    /// missing.
    ///
    /// # Errors
    /// When it is too long.
    pub fn sold(
        self,
        (sold_from, sold_to): (Option<Timestamp>, Option<Timestamp>),
        now: Timestamp,
    ) -> Result<Self, Problem> {
        if sold_from.is_none() && sold_to.is_none() {
            return Ok(self);
        }
        let to = sold_to.unwrap_or(now);
        let longest = SignedDuration::from_hours(i64::from(24 * SOLD_DAYS_MAX));
        let earliest = to.checked_sub(longest).unwrap_or(Timestamp::MIN);
        let from = sold_from.unwrap_or(earliest);
        if from < earliest {
            let too_long = Wrong::TooLongBefore { other: "sold_to", days: SOLD_DAYS_MAX.into() };
            return Err(Problem::bad_parameter("sold_from", too_long));
        }
        Ok(Self { sold: Some(hours_of(from, to)), ..self })
    }

    /// What Redis keeps them under.
    pub(super) fn name(&self) -> String {
        let ms =
            |instant: Option<Timestamp>| instant.map_or(String::new(), |at| at.as_millisecond().to_string());
        let of_starts = format!("analytics:{}:{}", ms(self.starts_from), ms(self.starts_to));
        match &self.sold {
            None => of_starts,
            Some(Range { start, end }) => format!("{of_starts}:{start}:{end}"),
        }
    }

    pub(super) fn events(&self) -> EventsFilter {
        EventsFilter { from: self.starts_from, to: self.starts_to, ..EventsFilter::default() }
    }
}

/// What an event has sold since it is there.
pub(super) struct Sold {
    pub(super) bookings: u64,
    pub(super) cancelled_bookings: u64,
    pub(super) tickets: u64,
    pub(super) cancelled_tickets: u64,
    pub(super) revenue: u64,
    pub(super) capacity: u64,
}

/// Tickets by the numbers of areas.
pub(super) type SoldByArea = BTreeMap<AreaNumber, u64>;

/// What stands on these shards as sold, by area.
pub(super) fn sold_by_area(inventory: &[InventoryShard]) -> SoldByArea {
    let mut sold = SoldByArea::new();
    for shard in inventory {
        *sold.entry(place_of_shard(shard.shard).0).or_default() += u64::from(shard.sold);
    }
    sold
}

impl Sold {
    /// Nothing of a draft that has never sold: it does not count.
    pub(super) fn of(event: &Event, inventory: &[InventoryShard]) -> Option<Self> {
        let sum = |of: fn(&InventoryShard) -> u32| inventory.iter().map(|shard| u64::from(of(shard))).sum();
        let bookings = sum(|shard| shard.bookings);
        (bookings > 0 || event.details.status != EventStatus::Draft).then(|| Self {
            bookings,
            cancelled_bookings: sum(|shard| shard.cancelled_bookings),
            tickets: sum(|shard| shard.sold),
            cancelled_tickets: sum(|shard| shard.cancelled),
            revenue: inventory.iter().map(|shard| shard.revenue).sum(),
            capacity: sum(|shard| shard.capacity),
        })
    }
}

impl PopularEvent {
    /// An event, with what each of its areas sold, by their numbers.
    pub(super) fn new(event: &Event, sold: &SoldByArea, capacity: u64) -> Self {
        let tickets_sold = sold.values().sum();
        let areas = event.areas().into_iter().map(|area| {
            let (tickets_sold, capacity) =
                (sold.get(&area.key.number).copied().unwrap_or(0), area.capacity.into());
            let (id, name) = (area.id.to_owned(), area.name.to_owned());
            PopularArea { area: id, name, tickets_sold, capacity, utilization: ratio(tickets_sold, capacity) }
        });
        Self {
            event_id: event.id.to_string(),
            name: event.details.name.clone(),
            starts_at: event.details.starts_at,
            tickets_sold,
            capacity,
            utilization: ratio(tickets_sold, capacity),
            by_area: areas.collect(),
        }
    }
}

impl Analytics {
    pub(super) fn at(now: Timestamp) -> Self {
        Self { generated_at: to_whole_ms(now), ..Self::default() }
    }

    pub(super) fn add(&mut self, sold: &Sold) {
        self.total_bookings += sold.bookings;
        self.cancelled_bookings += sold.cancelled_bookings;
        self.tickets_sold += sold.tickets;
        self.tickets_cancelled += sold.cancelled_tickets;
        self.capacity += sold.capacity;
    }

    /// Puts an event among the most popular, if it is one of them. Ties go to the earlier start.
    pub(super) fn rank(&mut self, event: PopularEvent) {
        if event.tickets_sold == 0 {
            return;
        }
        let before = self.most_popular.partition_point(|other| {
            let order = event.tickets_sold.cmp(&other.tickets_sold);
            order
                .then(other.starts_at.cmp(&event.starts_at))
                .then_with(|| other.event_id.cmp(&event.event_id))
                .is_lt()
        });
        self.most_popular.insert(before, event);
        self.most_popular.truncate(POPULAR_EVENTS);
    }

    /// Whether an event of so many tickets can't be among the most popular any more.
    pub(super) fn has_more_popular(&self, tickets: u64) -> bool {
        self.most_popular.len() == POPULAR_EVENTS
            && self.most_popular.last().is_some_and(|last| last.tickets_sold > tickets)
    }

    pub(super) fn with_ratios(mut self) -> Self {
        self.confirmed_bookings = self.total_bookings.saturating_sub(self.cancelled_bookings);
        self.cancellation_rate = ratio(self.cancelled_bookings, self.total_bookings);
        self.capacity_utilization = ratio(self.tickets_sold, self.capacity);
        self
    }
}
