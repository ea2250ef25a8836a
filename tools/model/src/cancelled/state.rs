//! All there is at one moment.

use super::{CONFIRMS, Config, FIRST_SHARDS, JANITORS, Mask, SHARDS};

/// The event in DynamoDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    pub version: u8,
    /// Its cancellation has begun: it is written together with the status.
    pub cancelled: bool,
    /// All of its bookings are cancelled.
    pub finished: bool,
    /// How many shards it has.
    pub shards: u8,
}

impl Event {
    pub(super) fn is_being_cancelled(self) -> bool {
        self.cancelled && !self.finished
    }
}

/// An inventory shard in DynamoDB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shard {
    pub capacity: u8,
    pub sold: u8,
    pub unsold: u8,
    pub version: u8,
    /// Bookings that it counts, and those of them that were cancelled: a booking counts on the first shard that it draws on.
    pub bookings: u8,
    pub cancelled_bookings: u8,
    pub closed: bool,
}

impl Shard {
    pub(super) fn new(capacity: u8, closed: bool) -> Self {
        Self { capacity, unsold: capacity, closed, ..Self::default() }
    }
}

/// What became of a booking; it only goes forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Booking {
    #[default]
    Absent,
    Confirmed,
    Cancelled,
}

impl Booking {
    pub(super) fn next(self) -> Self {
        match self {
            Self::Absent => Self::Confirmed,
            Self::Confirmed | Self::Cancelled => Self::Cancelled,
        }
    }
}

/// How far a confirm has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Attempt {
    #[default]
    Ready,
    /// Its commit may come at any moment.
    Begun,
    /// There is a booking, as it knows.
    Booked,
    /// A shard had too few seats, or is not there yet.
    SoldOut,
    /// A shard is closed.
    Closed,
}

/// How far an owner's cancel has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Owner {
    #[default]
    Ready,
    Seen,
    Ended,
}

/// How far a change of the capacity has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Raise {
    #[default]
    Ready,
    Seen(Event),
    Ended,
}

/// A run of the janitor. From `Opened` on it knows how many shards the event had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Janitor {
    #[default]
    Idle,
    /// It has read the event.
    Opened { shards: u8 },
    /// These shards were open.
    Closing { shards: u8, open: Mask },
    /// Its next page begins with this booking.
    Listing { shards: u8, from: usize },
    /// These bookings of the page are still to be cancelled.
    Cancelling { shards: u8, next: usize, left: Mask },
    /// These shards are still to be read; the others are closed and have nothing sold.
    Judging { shards: u8, unread: Mask },
    /// All is done, as it knows.
    Finishing,
    /// A shard had something sold, or was open.
    Unfinished,
}

/// Everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub event: Event,
    pub shards: [Shard; SHARDS],
    pub bookings: [Booking; CONFIRMS],
    /// What the index says of them.
    pub index: [Booking; CONFIRMS],
    pub attempts: [Attempt; CONFIRMS],
    pub owner: Owner,
    pub raise: Raise,
    pub janitors: [Janitor; JANITORS],
    /// Whether the event was ever marked as finished.
    pub was_finished: bool,
}

impl State {
    pub(super) fn start(config: &Config) -> Self {
        let mut shards = [Shard::default(); SHARDS];
        for (shard, capacity) in shards.iter_mut().zip(config.capacity) {
            *shard = Shard::new(capacity, false);
        }
        Self {
            event: Event { version: 0, cancelled: false, finished: false, shards: FIRST_SHARDS as u8 },
            shards,
            bookings: [Booking::Absent; CONFIRMS],
            index: [Booking::Absent; CONFIRMS],
            attempts: [Attempt::Ready; CONFIRMS],
            owner: Owner::Ready,
            raise: if config.raised > 0 { Raise::Ready } else { Raise::Ended },
            janitors: [Janitor::Idle; JANITORS],
            was_finished: false,
        }
    }

    /// Whether nothing is under way: no request, and no run of the janitor.
    pub(super) fn is_at_rest(&self) -> bool {
        !self.attempts.contains(&Attempt::Begun)
            && self.owner != Owner::Seen
            && !matches!(self.raise, Raise::Seen(_))
            && self.janitors.iter().all(|janitor| *janitor == Janitor::Idle)
    }
}

/// So many of the first shards or bookings.
pub(super) fn first(count: u8) -> Mask {
    (1 << count) - 1
}

/// The numbers of some.
pub(super) fn each(mask: Mask) -> impl Iterator<Item = usize> {
    (0..Mask::BITS as usize).filter(move |number| mask & (1 << number) != 0)
}
