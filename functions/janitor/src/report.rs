//! What a run did, and what one of its jobs leaves to the next.

use booking::Conservation;
use domain::{event::Event, id::EventId, inventory::InventoryShard};
use serde::Serialize;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Events looked at.
    pub events_swept: u32,
    /// Times that something could not be done for an event because a store failed.
    pub events_failed: u32,
    /// Whether all jobs came to the end of what they had to do.
    pub complete: bool,
    /// What was done for them.
    #[serde(flatten)]
    pub done: Sweep,
}

impl Report {
    /// Whether there was nothing to do, as in most minutes.
    pub(crate) fn is_idle(&self) -> bool {
        let nothing = Sweep { seats: self.done.seats, ..Sweep::default() };
        self.complete && self.events_failed == 0 && self.done == nothing
    }
}

/// What was done for all events together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// Holds that ran out and returned their seats.
    pub holds_expired: u32,
    /// Confirms that were committed but not finished: finished now.
    pub confirms_finished: u32,
    /// Confirms that were begun but never committed: their seats returned.
    pub confirms_undone: u32,
    /// Confirms that could not be settled because a store failed.
    pub confirms_failed: u32,
    /// Pending bookings that were paid after all: confirmed now.
    pub bookings_confirmed: u32,
    /// Pending bookings that expired, so that their seats returned.
    pub bookings_expired: u32,
    /// Pending bookings that were closed: the outside has yet to say whether they were paid.
    pub bookings_closed: u32,
    /// Pending bookings that are due and could not be decided because a store failed.
    pub bookings_undecided: u32,
    /// How late the pending booking was that was due the longest, in ms.
    pub oldest_due_booking_ms: u64,
    /// Where the seats of the events that Redis knows are.
    pub seats: Conservation,
    /// Shards whose free seats in Redis were wrong, and are right now.
    pub shards_repaired: u32,
    /// Seats that Redis took for free and were not.
    pub seats_too_many: u32,
    /// Seats that were free and Redis did not know.
    pub seats_too_few: u32,
    /// Shards that could not be judged yet: a commit is under way, or was a moment ago.
    pub shards_waiting: u32,
    /// Bookings that were cancelled because their events were.
    pub bookings_cancelled: u32,
    /// Bookings of which that failed because a store did. A later run does it.
    pub bookings_not_cancelled: u32,
    /// Events that were cancelled and may have bookings left.
    pub events_being_cancelled: u32,
    /// Events whose popularity was wrong: a process ended between a sale and its counting.
    pub ranks_corrected: u32,
    /// Events whose facts in Redis were old.
    pub events_refreshed: u32,
    /// Events that Redis forgot, because their sales are over.
    pub events_unloaded: u32,
    /// Shards whose past hours of sales were moved to the day items.
    pub shards_hours_moved: u32,
    /// Shards whose past hours could not be moved because a store failed. A later run does it.
    pub shards_hours_failed: u32,
    /// How late the latest overdue confirm was, in ms.
    pub oldest_overdue_ms: u64,
}

/// A run under way.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) events_swept: u32,
    pub(crate) events_failed: u32,
    /// Jobs that had no time for all that they had to do, or failed.
    pub(crate) unfinished: bool,
    pub(crate) done: Sweep,
    /// Events that were cancelled, and whose bookings are still to be.
    pub(crate) cancelling: Vec<EventId>,
    /// Events whose popularity can be held against what was sold.
    pub(crate) ranks: Vec<Ranked>,
    /// Events that may have hours to move, with their shards where they were just read.
    pub(crate) hours: Vec<(Event, Option<Vec<InventoryShard>>)>,
}

/// How popular an event was, and how popular it should be, by what was sold a moment later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranked {
    pub(crate) event: EventId,
    pub(crate) seen: Option<i64>,
    pub(crate) should_be: i64,
}

impl Run {
    pub(crate) fn report(&self) -> Report {
        let Self { events_swept, events_failed, unfinished, done, .. } = *self;
        Report { events_swept, events_failed, complete: !unfinished, done }
    }
}
