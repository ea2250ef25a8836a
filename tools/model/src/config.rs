//! What a run of the checker explores: sizes, faults, and the guard that is taken away, if any.

use crate::state::{ATTEMPTS, Draws, RESERVATIONS};

/// A buyer's request to hold seats. Two with one key are the same request, delivered twice.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Stands for the pair of user and idempotency key.
    pub key: u8,
    /// Seats wanted.
    pub seats: u8,
    /// How often its confirm is called, at most.
    pub attempts: u8,
}

/// How often each fault may happen. A crash of any process between any two of its steps may always happen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Redis is emptied.
    pub losses: u8,
    /// Redis falls back to what a replica had copied earlier.
    pub failovers: u8,
    /// DynamoDB commits a confirm, but its reply is lost.
    pub lost_replies: u8,
    /// A script runs twice, because its first answer was lost.
    pub duplicates: u8,
    /// A write reaches DynamoDB when its hold's grace has long passed and its process is dead.
    pub lates: u8,
}

/// A guard of the protocol that is taken away, to see that the checker notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// `settle.lua` does not compare the deadline.
    SettleIgnoresDeadline,
    /// `finish.lua` counts a commit although its hold is gone.
    FinishWithoutHold,
    /// `reconcile` adopts DynamoDB's numbers without waiting a grace period.
    AdoptAtOnce,
    /// `reconcile` adopts DynamoDB's numbers while a confirming hold draws on the shard.
    AdoptDespiteConfirming,
    /// `reconcile` adopts DynamoDB's numbers only if they are ahead of Redis, never if they are behind.
    AdoptOnlyWhenAhead,
    /// `reconcile` reads DynamoDB before `applied`.
    ReconcileReadsDynamoFirst,
    /// `unbegin.lua` does not ask whether another confirm of the hold began.
    UnbeginIgnoresOthers,
    /// `release.lua` gives back a confirming hold.
    ReleaseConfirming,
    /// `expire.lua` returns overdue confirming holds as if they were held.
    ExpireConfirming,
    /// A repeated cancel restocks again.
    CancelRestocksAgain,
    /// `restock.lua` does not remember what it took in.
    RestockNotRemembered,
    /// `restock.lua` does not compare the epoch.
    RestockIgnoresEpoch,
    /// `load.lua` writes over a live state.
    LoadOverLive,
    /// `finish.lua` does not compare the committed draws with the hold's.
    FinishIgnoresDraws,
    /// `redraw.lua` takes a refused seat out of a count that is right already.
    RedrawTakesTwice,
    /// `redraw.lua` ends a hold that it cannot draw again, although another attempt may still commit it.
    RedrawEndsHold,
    /// The commit sells without asking what is left.
    CommitUnchecked,
    /// The commit puts its booking over one that is there.
    CommitOverwrites,
    /// The janitor returns a new draft's seats before Redis knows that it is one.
    SettleSkipsRefresh,
    /// Lowering the capacity does not finish the withdrawal before it.
    LowerSkipsFinish,
    /// The confirm charges what the event costs now.
    ChargeCurrentPrice,
}

/// One exploration.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// What it is about.
    pub name: &'static str,
    /// Seats of each shard; a shard with none does not exist yet.
    pub capacity: Draws,
    /// The buyers' requests; the first `booked` of them are confirmed bookings from the start.
    pub requests: &'static [Request],
    /// How many requests are bookings from the start, known to DynamoDB and Redis.
    pub booked: usize,
    /// Whether buyers may give holds back.
    pub releases: bool,
    /// Whether a confirm may be refused right after it began, because its buyer had too many requests.
    pub limits: bool,
    /// Cancel requests, each for the booking of a reservation.
    pub cancels: &'static [usize],
    /// Seats that an admin adds, to a new shard if there is none yet.
    pub raise: Option<Draws>,
    /// Requests to lower the capacity by so many seats, or, by [`ALL_SEATS`], to make the event a draft.
    pub lowers: &'static [u8],
    /// Whether the price changes once.
    pub reprices: bool,
    /// Whether Redis has the event's state from the start.
    pub loaded: bool,
    /// Processes that load at once.
    pub loaders: usize,
    /// Janitors at once.
    pub janitors: usize,
    /// Whether they reconcile, beside expiring and settling.
    pub reconciles: bool,
    /// What goes wrong.
    pub faults: Faults,
    /// The guard that is missing.
    pub mutation: Option<Mutation>,
}

/// As many seats as there are: a request to lower the capacity by so many is one to make the event a draft.
pub const ALL_SEATS: u8 = u8::MAX;

/// No faults at all.
pub const FAULTLESS: Faults = Faults { losses: 0, failovers: 0, lost_replies: 0, duplicates: 0, lates: 0 };

/// The least there is: one shard with one seat, nobody wants it, one janitor that does not reconcile.
pub const SMALLEST: Config = Config {
    name: "smallest",
    capacity: [1, 0],
    requests: &[],
    booked: 0,
    releases: false,
    limits: false,
    cancels: &[],
    raise: None,
    lowers: &[],
    reprices: false,
    loaded: true,
    loaders: 0,
    janitors: 1,
    reconciles: false,
    faults: FAULTLESS,
    mutation: None,
};

/// A request under a key of its own.
pub const fn wants(key: u8, seats: u8, attempts: u8) -> Request {
    assert!((key as usize) < RESERVATIONS && (attempts as usize) <= ATTEMPTS);
    Request { key, seats, attempts }
}

impl Config {
    /// Whether that guard is missing.
    pub fn lacks(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// The same without a guard.
    pub const fn without(self, mutation: Mutation) -> Self {
        Self { mutation: Some(mutation), ..self }
    }

    /// Shards at the start.
    pub fn shards(&self) -> usize {
        self.capacity.iter().filter(|seats| **seats > 0).count()
    }
}
