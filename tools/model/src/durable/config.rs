//! What a run of the checker explores, and the guard that is taken away, if any.

use super::{BOOKINGS, CALLS, SHARDS};

/// A guard that is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Only inner functions let seats return in DynamoDB. Without it an outer one does, and leaves it to an inner one to tell Redis.
    InnerExpires,
    /// Who finds that a booking has expired touches nothing. Without it an inner function that is brought the record, late or twice,
    /// tells Redis, by the epoch that it has just seen.
    ExpiredIsLeft,
    /// The epoch is seen before the transaction.
    EpochFirst,
    /// Restock compares the epoch.
    RestockAsksEpoch,
    /// Restock remembers whose seats it took in, so that a repeated call does nothing.
    RestockRemembers,
    /// What is pending is not free: Redis is loaded and reconciled with what is unsold, not with what is not sold.
    PendingIsTaken,
    /// Reconcile waits a grace before it adopts what Redis has not heard of.
    AdoptWaits,
    /// That grace is longer than an inner function takes from its transaction to its restock.
    GraceCoversReturns,
    /// Settle finishes the hold of a booking of any status. Without it only a confirmed one counts.
    SettleFindsAny,
    /// A commit asks each shard that it draws on whether it has the seats.
    CommitAsksUnsold,
    /// It asks each of them whether it is closed.
    CommitAsksClosed,
    /// Who meets a booking that exists reads it and answers by its status.
    ExistsIsRead,
    /// What has an attempt does not expire directly.
    DirectAsksAttempt,
    /// A booking that is closing expires only once the outside's word is there.
    ExpireAsksWord,
    /// It expires only if it is still closing.
    ExpireAsksStatus,
    /// What expires makes a new version of each shard that it drew on.
    ExpireCounts,
    /// Only what is pending begins to close.
    CloseAsksPending,
    /// What ends by its time asks whether that is still the one that was read.
    CloseAsksTime,
    /// Only what is pending is extended.
    ExtendAsksPending,
    /// An attempt opens only while the booking is pending.
    OpenAsksPending,
    /// A second attempt opens only once the outside has closed the first.
    OpenAsksLast,
    /// A close leaves its mark at the outside also if that has not heard of the attempt yet.
    CloseLeavesMark,
    /// The word `none` is written only while the booking is closing.
    NoneAsksClosing,
    /// It is written only of the attempt that the booking has.
    NoneAsksAttempt,
    /// A word is not written over another.
    WordOnce,
    /// Only what is pending or closing becomes confirmed.
    ConfirmAsksStatus,
    /// What is void does not.
    ConfirmAsksVoid,
    /// A cancelled event's bookings are void when they begin to close.
    EventVoids,
    /// The end is judged by the shards. Without it an index that shows nothing is believed.
    ShardsJudge,
    /// The shards are asked for what is pending, too, not only for what is sold.
    JudgeCountsPending,
    /// What is pending and what is sold are of one read. Without it what is sold is read first.
    JudgeReadsAtOnce,
    /// The shards are asked whether they are closed.
    JudgeAsksClosed,
}

/// What is called for a hold, over and over until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// It becomes a pending booking.
    Checkout,
    /// It becomes a confirmed one at once, as where nothing is to be paid.
    Confirm,
}

/// A reservation, and what is called for it.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Seats of each shard; none at all if there is no such reservation.
    pub draws: [i8; SHARDS],
    /// The calls; those that are alike come in their order.
    pub calls: [Option<Call>; CALLS],
}

/// What is wanted, and what goes wrong.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Seats of each shard; a shard without seats is not there.
    pub capacity: [i8; SHARDS],
    /// The reservations.
    pub requests: [Request; BOOKINGS],
    /// How many attempts to pay each booking may have.
    pub payments: usize,
    /// Whether the time of a pending booking may be extended, once.
    pub extends: bool,
    /// Whether an owner may give up what is pending.
    pub gives_up: bool,
    /// Whether an owner may cancel what is confirmed.
    pub cancels: bool,
    /// Whether an admin may cancel the event.
    pub event_ends: bool,
    /// Inner functions at once that let seats return.
    pub returners: usize,
    /// How often Redis may be lost.
    pub losses: u8,
    /// Whether a call's commit may come late, when its grace is over: a fault of its own.
    pub late: bool,
    /// Whether reconcile comes between. At rest it always does.
    pub reconciles: bool,
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

    /// Reservations by their numbers.
    pub(super) fn by_number(&self) -> impl Iterator<Item = (usize, Request)> {
        let is_wanted = |request: &Request| request.draws.iter().any(|seats| *seats > 0);
        self.requests.into_iter().enumerate().filter(move |(_, request)| is_wanted(request))
    }

    /// The shards that there are.
    pub(super) fn shards(&self) -> impl Iterator<Item = usize> + Clone {
        self.capacity.into_iter().enumerate().filter(|(_, seats)| *seats > 0).map(|(shard, _)| shard)
    }

    /// The shards that a booking draws on, with its seats of each.
    pub(super) fn draws_of(&self, booking: usize) -> impl Iterator<Item = (usize, i8)> + Clone {
        self.requests[booking].draws.into_iter().enumerate().filter(|(_, seats)| *seats > 0)
    }
}
