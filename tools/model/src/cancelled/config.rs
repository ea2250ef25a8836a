//! What a run of the checker explores, and the guard that is taken away, if any.

use super::{CONFIRMS, FIRST_SHARDS, SHARDS};

/// A guard that is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The commit asks each shard that it draws on whether it is closed.
    CommitAsksClosed,
    /// The shards are closed before the bookings are listed. Without it they are closed after all that were listed are cancelled.
    ClosedBeforeListed,
    /// The end is judged by the shards. Without it the list is believed: who has cancelled all of it is done.
    ShardsJudge,
    /// A cancel asks whether the booking is confirmed.
    CancelAsksStatus,
    /// A shard that is added to a cancelled event is written closed.
    NewShardIsClosed,
    /// An admin's change asks whether the event is still as it was read.
    RaiseAsksVersion,
}

/// What is booked, and what comes between.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Seats of each shard that the event begins with.
    pub capacity: [u8; FIRST_SHARDS],
    /// Seats of the shard that an admin adds; none if nobody does.
    pub raised: u8,
    /// What each confirm draws from each shard; nothing from any if there is no such confirm.
    pub draws: [[u8; SHARDS]; CONFIRMS],
    /// Which of them are of the release before, whose commits know nothing of closed shards.
    pub of_old_release: [bool; CONFIRMS],
    /// The booking that its owner cancels.
    pub owner_cancels: Option<usize>,
    /// Runs of the janitor at once.
    pub janitors: usize,
    /// Bookings in a page.
    pub page: usize,
    /// Whether the index lags behind the bookings.
    pub index_lags: bool,
    /// Guards that are missing.
    pub without: [Option<Guard>; 2],
}

impl Config {
    pub(super) fn lacks(&self, guard: Guard) -> bool {
        self.without.contains(&Some(guard))
    }

    /// The same without a guard, or without two, one after the other.
    #[must_use]
    pub const fn without(self, guard: Guard) -> Self {
        Self { without: [Some(guard), self.without[0]], ..self }
    }

    /// The shards that a confirm draws on, with its seats of each, in their order.
    pub(super) fn draws_of(&self, confirm: usize) -> impl Iterator<Item = (usize, u8)> + Clone {
        self.draws[confirm].into_iter().enumerate().filter(|(_, seats)| *seats > 0)
    }
}
