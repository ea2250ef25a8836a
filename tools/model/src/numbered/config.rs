//! What a run of the checker explores, and the guard that is taken away, if any.

use super::{CANCELS, REQUESTS, Seats};

/// A guard that is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The commit sells a seat only if it is not taken.
    SaleAsksTaken,
    /// The commit counts the user's places over both areas.
    LimitOverAll,
    /// A hold that is gone is made anew with its own seats or not at all.
    SameSeats,
    /// A cancel asks whether its booking is confirmed and has the seats.
    CancelAsks,
    /// It asks that of its booking, not only whether somebody has the seats.
    CancelAsksWhose,
    /// Restock compares the epoch.
    RestockAsksEpoch,
    /// Restock first finishes the booking's own hold.
    RestockFinishes,
    /// A held seat that is sold is known to be both, and stays sold when its hold ends.
    HeldButSold,
    /// A hold that is finished over somebody's sold seat leaves word that a restock of that seat is still to come.
    FinishMindsRestock,
    /// Reconcile acts only if the epoch and what was applied are still those that it saw.
    ReconcileCompares,
    /// Reconcile sees them before it reads DynamoDB.
    ReconcileSeesFirst,
    /// Reconcile waits a grace before it adopts what Redis has not heard of.
    AdoptWaits,
    /// It does not adopt while a hold is being confirmed.
    AdoptLeavesConfirming,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Seats of the row, all or nothing.
    Named(Seats),
    /// So many places of the general area.
    Places(i8),
}

impl Wanted {
    /// Its seats of the row; none of the general area.
    pub fn seats(self) -> Seats {
        match self {
            Self::Named(seats) => seats,
            Self::Places(_) => 0,
        }
    }

    pub(super) fn is_of_row(self) -> bool {
        matches!(self, Self::Named(_))
    }

    /// How many places of either area.
    pub fn count(self) -> i8 {
        match self {
            Self::Named(seats) => seats.count_ones() as i8,
            Self::Places(places) => places,
        }
    }
}

/// A request to hold something.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Whose it is.
    pub user: usize,
    /// Of what.
    pub wanted: Wanted,
    /// How often its confirm is called, at most.
    pub attempts: usize,
}

/// What is asked for, and what goes wrong.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The buyers' requests.
    pub requests: [Option<Request>; REQUESTS],
    /// How many of them, all of the row, are bookings from the start.
    pub booked: usize,
    /// Requests to cancel, each by its booking.
    pub cancels: [Option<usize>; CANCELS],
    /// Places of the general area.
    pub places: i8,
    /// Places that a user may have of both areas.
    pub most: i8,
    /// How often Redis may lose the row.
    pub losses: u8,
    /// Whether a hold that is gone when DynamoDB refuses its seats is made anew, if exactly those are free.
    pub makes_anew: bool,
    /// A guard that is missing.
    pub without: Option<Guard>,
}

impl Config {
    pub(super) fn lacks(&self, guard: Guard) -> bool {
        self.without == Some(guard)
    }

    /// The same without a guard.
    #[must_use]
    pub const fn without(self, guard: Guard) -> Self {
        Self { without: Some(guard), ..self }
    }

    /// How many places a request asks for.
    pub(super) fn places_of(&self, id: usize) -> i8 {
        self.requests[id].map_or(0, |request| request.wanted.count())
    }

    /// Requests by their numbers.
    pub(super) fn by_number(&self) -> impl Iterator<Item = (usize, Request)> {
        self.requests.into_iter().enumerate().filter_map(|(id, request)| Some((id, request?)))
    }
}
