//! All there is at one moment.

use super::{ATTEMPTS, CANCELS, Config, REQUESTS, SEATS, Seats, USERS, Wanted};

/// A seat in Redis: a character of the row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Seat {
    #[default]
    Free,
    Held,
    Sold,
    /// DynamoDB has sold it, and a hold from before a loss still names it.
    HeldButSold,
    /// Sold to such a hold, since who had the seat before has cancelled: the restock of that cancel is still to come.
    SoldAgain,
}

/// A hold in Redis, with its seats; with none if it is of the general area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HoldAt {
    #[default]
    None,
    Held(Seats),
    Confirming(Seats),
}

impl HoldAt {
    pub(super) fn seats(self) -> Option<Seats> {
        match self {
            Self::None => None,
            Self::Held(seats) | Self::Confirming(seats) => Some(seats),
        }
    }

    pub(super) fn is_confirming(self) -> bool {
        matches!(self, Self::Confirming(_))
    }

    pub(super) fn is_of_row(self) -> bool {
        self.seats().is_some_and(|seats| seats != 0)
    }
}

/// A difference between the stores that reconcile remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Differs {
    pub version: u8,
    pub applied: u8,
    /// Who of those under way then still is, a bit each: a grace is over when nobody is.
    pub waits_for: u16,
}

/// The row in Redis, but for its holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    pub seats: [Seat; SEATS],
    /// Commits of the row that Redis knows of, in DynamoDB's versions.
    pub applied: u8,
    pub differs: Option<Differs>,
}

/// The row, read from DynamoDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Read {
    pub taken: Seats,
    pub version: u8,
}

/// What became of a booking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    #[default]
    Absent,
    Confirmed,
    Cancelled,
}

/// A booking, its seats as they were committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Booking {
    pub status: Status,
    pub seats: Seats,
}

/// The truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dynamo {
    /// Which booking has a seat.
    pub taken: [Option<u8>; SEATS],
    pub version: u8,
    /// Places of the general area.
    pub unsold: i8,
    /// Each user's places of both areas.
    pub counted: [i8; USERS],
    pub bookings: [Booking; REQUESTS],
}

/// How far a confirm has come, with the seats that it asks DynamoDB for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Attempt {
    #[default]
    Ready,
    /// Also whether the hold was only held before.
    Begun(Seats, bool),
    Refused(Seats),
    /// The first to begin may not go on: its user would have too many.
    OverLimit,
    Committed,
    /// Answered, or crashed.
    Ended,
}

impl Attempt {
    fn is_under_way(&self) -> bool {
        !matches!(self, Self::Ready | Self::Ended)
    }
}

/// How far a cancel has come, with the epoch that it saw, if the row was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Cancel {
    #[default]
    Ready,
    Seen(Option<u8>),
    Committed(Option<u8>),
    /// Answered, or crashed.
    Ended,
}

/// The janitor on its way through reconcile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Janitor {
    /// The epoch and what was applied.
    pub seen: Option<(u8, u8)>,
    pub read: Option<Read>,
}

/// Everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub dynamo: Dynamo,
    pub row: Option<Row>,
    /// Places of the general area that are free in Redis.
    pub free: i8,
    /// Of both areas; those of the row go with it.
    pub holds: [HoldAt; REQUESTS],
    /// How often the row was lost: the epoch of what is loaded now.
    pub losses: u8,
    /// Which requests have had their hold.
    pub reserved: [bool; REQUESTS],
    pub attempts: [[Attempt; ATTEMPTS]; REQUESTS],
    pub cancels: [Cancel; CANCELS],
    pub loader: Option<Read>,
    pub janitor: Janitor,
}

/// Numbers of some seats.
pub(super) fn each(seats: Seats) -> impl Iterator<Item = usize> {
    (0..SEATS).filter(move |seat| seats & (1 << seat) != 0)
}

impl State {
    /// Redis has the row, and knows of the bookings that there are.
    pub(super) fn start(config: &Config) -> Self {
        let dynamo = Dynamo {
            taken: [None; SEATS],
            version: 0,
            unsold: config.places,
            counted: [0; USERS],
            bookings: [Booking::default(); REQUESTS],
        };
        let mut state = Self {
            dynamo,
            row: None,
            free: config.places,
            holds: [HoldAt::None; REQUESTS],
            losses: 0,
            reserved: [true; REQUESTS],
            attempts: [[Attempt::Ended; ATTEMPTS]; REQUESTS],
            cancels: config.cancels.map(|booking| booking.map_or(Cancel::Ended, |_| Cancel::Ready)),
            loader: None,
            janitor: Janitor::default(),
        };
        for (id, request) in config.by_number() {
            match request.wanted {
                Wanted::Named(seats) if id < config.booked => {
                    state.dynamo.sell(id, request.user, request.wanted, seats)
                }
                _ => {
                    state.reserved[id] = false;
                    state.attempts[id][..request.attempts].fill(Attempt::Ready);
                }
            }
        }
        state.load(state.dynamo.read());
        state
    }

    /// Whether a confirm of that reservation is under way.
    pub(super) fn is_being_confirmed(&self, id: usize) -> bool {
        self.attempts[id].iter().any(Attempt::is_under_way)
    }

    /// Confirms and cancels that are under way, a bit each.
    pub(super) fn under_way(&self) -> u16 {
        let confirms = self.attempts.iter().flatten().map(Attempt::is_under_way);
        let cancels = self.cancels.iter().map(|cancel| !matches!(cancel, Cancel::Ready | Cancel::Ended));
        confirms.chain(cancels).fold(0, |bits, is_under_way| bits << 1 | u16::from(is_under_way))
    }

    /// What ended is waited for no longer.
    pub(super) fn forget_what_ended(&mut self) {
        let under_way = self.under_way();
        if let Some(Row { differs: Some(differs), .. }) = &mut self.row {
            differs.waits_for &= under_way;
        }
    }
}
