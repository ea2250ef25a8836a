//! All there is at one moment: both stores, and how far every process has come.
//!
//! Everything is small, fixed in size and put back to its default when it no longer matters, so that two moments
//! that differ in nothing are one state to the checker.

/// Shards at most.
pub const SHARDS: usize = 2;
/// Reservations at most.
pub const RESERVATIONS: usize = 3;
/// Confirm attempts of one reservation at most.
pub const ATTEMPTS: usize = 2;
/// Cancel requests at most.
pub const CANCELS: usize = 2;
/// Requests to lower the capacity at most.
pub const LOWERS: usize = 2;
/// Holds: one a reservation, and one a withdrawal behind them.
pub const HOLDS: usize = RESERVATIONS + LOWERS;
/// Janitors and loaders at most, of each.
pub const WORKERS: usize = 2;

/// Seats of each shard.
pub type Draws = [u8; SHARDS];

/// One shard in DynamoDB. Version 0: it does not exist yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard {
    pub capacity: u8,
    pub sold: u8,
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

/// A booking in DynamoDB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Booking {
    pub status: Status,
    pub draws: Draws,
    pub price: u8,
    /// How often it was put: a property looks at it, the protocol does not.
    pub puts: u8,
}

/// DynamoDB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dynamo {
    pub shards: [Shard; SHARDS],
    pub bookings: [Booking; RESERVATIONS],
    /// The event: its version, how many shards it has, its price, and the last withdrawal that was committed.
    pub event_version: u8,
    pub event_shards: u8,
    pub price: u8,
    pub draft: bool,
    pub last_withdrawal: Option<u8>,
    /// All withdrawals ever committed, as bits: a property looks at it, the protocol does not.
    pub withdrawn: u8,
}

/// Where a hold stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HoldState {
    #[default]
    Gone,
    Held,
    Confirming,
}

/// A hold in Redis. Time is abstract: a deadline is a number that no other deadline of this hold has, and at some
/// moment it has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hold {
    pub state: HoldState,
    pub draws: Draws,
    pub price: u8,
    pub deadline: u8,
    pub overdue: bool,
}

/// What reconcile saw of a shard and remembers beside `epoch` and `applied`, which stand in the same state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    pub version: u8,
    pub applied: u8,
    /// Requests that were in flight then, as bits, and still are: while there are any, grace has not passed.
    pub waiting: u16,
}

/// One shard in Redis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RedisShard {
    pub free: i8,
    pub applied: u8,
    pub remembered: Option<Memory>,
}

/// Redis while it has the event's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Redis {
    pub epoch: u8,
    pub price: u8,
    pub draft: bool,
    pub count: u8,
    pub shards: [RedisShard; SHARDS],
    pub holds: [Hold; HOLDS],
    /// Changes that restock took in, as bits.
    pub restocked: u8,
}

/// A reservation as its buyer knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reservation {
    pub made: Made,
    /// The price that the buyer was told.
    pub quoted: u8,
    /// How often its deadline was set: no two are the same.
    pub deadlines: u8,
    /// How often its seats returned without a booking: released, expired, settled, given up. Stops at 2.
    pub returns: u8,
    /// Redis losses before it was made.
    pub born: u8,
}

/// What became of a request to hold seats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Made {
    #[default]
    NotYet,
    /// It made this reservation.
    Held,
    /// It was delivered twice: answered with the reservation of the first time.
    Replayed,
}

/// How far a confirm attempt has come: the next thing it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AttemptAt {
    #[default]
    Begin,
    Commit,
    /// The commit's reply was lost.
    Ask,
    Redraw,
    Finish,
    Done,
}

/// What DynamoDB says of a shard that has too few seats left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Left {
    pub unsold: u8,
    pub version: u8,
}

/// One call of confirm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attempt {
    pub at: AttemptAt,
    /// Drawn seats; at Finish those committed.
    pub draws: Draws,
    pub price: u8,
    /// The deadline it set when it began or drew again.
    pub deadline: u8,
    /// Whether the hold was only held before it began.
    pub is_first: bool,
    /// At Redraw: what each refused shard has left.
    pub left: [Option<Left>; SHARDS],
    pub redrawn: bool,
    pub late: bool,
}

/// How far a request that changes DynamoDB first and Redis after has come: a cancel, or a raise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FollowAt {
    #[default]
    Read,
    Commit,
    Restock,
    Done,
}

/// A cancel, or a raise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Follow {
    pub at: FollowAt,
    /// The epoch seen before the commit; none if Redis had no state.
    pub epoch: Option<u8>,
    /// A raise: the event's version that was read.
    pub event_version: u8,
    pub late: bool,
}

/// How far a request to lower the capacity has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LowerAt {
    #[default]
    Read,
    FinishBefore,
    Withdraw,
    /// Before an event becomes a draft: whether any seat is sold.
    Look,
    Commit,
    Finish,
    /// After an event became a draft: Redis must know.
    Refresh,
    Settle,
    Done,
}

/// A request to lower the capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lower {
    pub at: LowerAt,
    pub event_version: u8,
    pub before: Option<u8>,
    /// All seats, until they are withdrawn for an event to become a draft.
    pub wanted: u8,
    pub draws: Draws,
    pub deadline: u8,
    pub late: bool,
}

/// What a loader does next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Loader {
    #[default]
    Idle,
    /// It knows the event and has read so many of its shards.
    Reading { event: Read, read: u8, shards: [Shard; SHARDS] },
}

/// What a loader has read of the event: how many shards it has, and its facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Read {
    pub count: u8,
    pub price: u8,
    pub draft: bool,
}

/// What a janitor does next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Janitor {
    #[default]
    Idle,
    /// It found this overdue confirming hold and is about to ask DynamoDB.
    Settling { hold: u8, deadline: u8 },
    /// DynamoDB answered: these draws were committed, or none.
    Settled { hold: u8, deadline: u8, committed: Option<Draws> },
    /// Reconcile: `seen` is what Redis said, once it was asked; so many shards were read.
    Reconciling { seen: Option<Seen>, read: u8, shards: [Shard; SHARDS] },
}

/// What reconcile saw in Redis: the fence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seen {
    pub epoch: u8,
    pub applied: [u8; SHARDS],
}

/// What has upset Redis's promises, so that the properties know what may be expected of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Upset {
    /// Nothing, or it has been made good.
    #[default]
    No,
    /// Redis was emptied or a write came late, and those in flight then, as bits, or their traces are still there.
    Yes { waiting: u16 },
    /// Redis fell back to old data; what follows is only judged at rest.
    FellBack,
}

/// Everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub dynamo: Dynamo,
    pub redis: Option<Redis>,
    /// Idempotency records that Redis has, as bits by key.
    pub answered: u8,
    /// What a replica has copied, with its idempotency records.
    pub replica: Option<(Redis, u8)>,
    pub reservations: [Reservation; RESERVATIONS],
    pub attempts: [[Attempt; ATTEMPTS]; RESERVATIONS],
    pub cancels: [Follow; CANCELS],
    pub raise: Follow,
    pub lowers: [Lower; LOWERS],
    /// How often the deadline of each withdrawal was set: again only if Redis lost it in between.
    pub withdrawals: [u8; LOWERS],
    pub loaders: [Loader; WORKERS],
    pub janitors: [Janitor; WORKERS],
    pub upset: Upset,
    /// Epochs given so far.
    pub epochs: u8,
    /// Faults that happened.
    pub losses: u8,
    pub failovers: u8,
    pub lost_replies: u8,
    pub duplicates: u8,
    pub lates: u8,
}

impl Shard {
    /// Seats not sold; below zero only if a guard is missing.
    pub fn unsold(self) -> i8 {
        self.capacity as i8 - self.sold as i8
    }
}
