//! What can happen next. The names are those of the functions and scripts that do it.

use crate::state::{HOLDS, RESERVATIONS};

/// A request under way that changes something: a bit in the masks of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// The confirm attempt of a reservation.
    Attempt {
        /// Which reservation.
        reservation: usize,
        /// Which of its attempts.
        attempt: usize,
    },
    /// A cancel.
    Cancel(usize),
    /// The raise.
    Raise,
    /// A lowering.
    Lower(usize),
}

/// One step of one process, or one fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields say which reservation, attempt, hold or worker acts; `start` is the \
                                 random shard that a draw looks at first"
)]
pub enum Action {
    /// `reserve.lua`: seats are held, or the answer of the first time is given again.
    Reserve {
        reservation: usize,
        start: usize,
    },
    /// `begin.lua`.
    Begin {
        reservation: usize,
        attempt: usize,
    },
    /// The confirm that has just begun may not go on: `unbegin.lua`.
    Refuse {
        reservation: usize,
        attempt: usize,
    },
    /// `Store::commit_booking`, and its answer arrives.
    Commit {
        reservation: usize,
        attempt: usize,
    },
    /// `Store::commit_booking`, and its answer is lost.
    CommitReplyLost {
        reservation: usize,
        attempt: usize,
    },
    /// `Store::booking` after a lost reply.
    AskById {
        reservation: usize,
        attempt: usize,
    },
    /// `redraw.lua`.
    Redraw {
        reservation: usize,
        attempt: usize,
        start: usize,
    },
    /// `finish.lua`.
    Finish {
        reservation: usize,
        attempt: usize,
    },
    /// `release.lua`.
    Release {
        reservation: usize,
    },
    /// `cancel`: the booking and the epoch are read.
    CancelRead {
        cancel: usize,
    },
    /// `Store::cancel_booking`.
    Cancel {
        cancel: usize,
    },
    /// `restock.lua` after a cancel.
    Restock {
        cancel: usize,
    },
    /// `raise`: the event and the epoch are read.
    RaiseRead,
    /// `Store::replace_event_adding`.
    Raise,
    /// `restock.lua` after a raise.
    RestockRaised,
    /// `lower`: the event is read.
    LowerRead {
        lower: usize,
    },
    /// `finish.lua` for the withdrawal before.
    FinishBefore {
        lower: usize,
    },
    /// `withdraw.lua`.
    Withdraw {
        lower: usize,
    },
    /// `Store::replace_event_removing`; for a draft `Store::replace_event_adding`.
    Lower {
        lower: usize,
    },
    /// `finish.lua` after a lowering.
    FinishLowered {
        lower: usize,
    },
    /// `settle.lua` after a refused lowering.
    SettleLowered {
        lower: usize,
    },
    /// `unpublish`: the shards are read, when all seats are withdrawn.
    LookUnpublished {
        lower: usize,
    },
    /// `refresh.lua` after the event became a draft.
    RefreshUnpublished {
        lower: usize,
    },
    /// The event's price changes: in DynamoDB, then `refresh.lua`.
    Reprice,
    Refresh,
    /// `load`: the event is read, then its shards one by one, then `load.lua`.
    LoadEvent {
        loader: usize,
    },
    LoadShard {
        loader: usize,
    },
    Load {
        loader: usize,
    },
    /// `expire.lua`.
    Expire,
    /// The janitor learns from `expire.lua` of an overdue confirm; asks DynamoDB; then `finish.lua` or `settle.lua`.
    SettleFound {
        janitor: usize,
        hold: usize,
    },
    SettleRead {
        janitor: usize,
    },
    Settle {
        janitor: usize,
    },
    /// Reconcile reads the epoch and what is applied; then each shard; then acts.
    ReconcileSee {
        janitor: usize,
    },
    ReconcileRead {
        janitor: usize,
    },
    Reconcile {
        janitor: usize,
    },
    /// Time: the deadline of a hold passes.
    DeadlinePasses {
        hold: usize,
    },
    /// Faults.
    Crash(Process),
    CrashOfLoader {
        loader: usize,
    },
    CrashOfJanitor {
        janitor: usize,
    },
    /// The process's next script runs, but its answer is lost: the process will run it again.
    Twice(Process),
    /// The process is dead, but what it sent to DynamoDB has yet to arrive.
    WriteIsLate(Process),
    RedisEmptied,
    /// A replica copies Redis; later Redis falls back to that.
    ReplicaCopies,
    RedisFallsBack,
}

impl Process {
    /// Every process there can be.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let attempts = (0..RESERVATIONS)
            .flat_map(|reservation| (0..2).map(move |attempt| Self::Attempt { reservation, attempt }));
        attempts
            .chain((0..2).map(Self::Cancel))
            .chain([Self::Raise])
            .chain((0..HOLDS - RESERVATIONS).map(Self::Lower))
    }

    /// Its bit in a mask.
    pub(crate) fn bit(self) -> u16 {
        let index = match self {
            Self::Attempt { reservation, attempt } => reservation * 2 + attempt,
            Self::Cancel(cancel) => RESERVATIONS * 2 + cancel,
            Self::Raise => RESERVATIONS * 2 + 2,
            Self::Lower(lower) => RESERVATIONS * 2 + 3 + lower,
        };
        1 << index
    }
}
