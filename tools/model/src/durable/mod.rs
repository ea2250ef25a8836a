//! Durable holds: a booking that is pending becomes confirmed or expires, once, whatever the outside says and when.
//!
//! A hold in Redis becomes by checkout a booking in DynamoDB that is pending until its `expires_at`: its seats are taken, and only DynamoDB
//! is needed to make it final or to end it. Somebody pays for it at the outside, which answers late, twice or never. Its time runs out, or
//! its owner gives it up, or its event is cancelled, at any moment of that; whoever works on it may be gone between any two steps; and
//! Redis may be lost.
//!
//! ```text
//! hold --checkout--> pending ----------------------------> confirmed --> cancelled
//!                       |  \                                  ^
//!                       |   `--> closing --- it was paid -----'
//!          no attempt   |           |
//!             was made  |           | nothing was paid, and nothing can be; or it was, and the booking is void
//!                       v           v
//!                     expired <-----'
//! ```
//!
//! Inner functions have Redis and decide about seats. Outer ones have the outside, and write what they know as a word on the booking; they
//! make it confirmed, too, as no seat moves for Redis by that.
//!
//! | Action | What does it |
//! | --- | --- |
//! | Reserve, End | `reserve.lua`; `expire.lua`, or settle: `finish.lua` if there is a booking, `settle.lua` if there is none |
//! | Begin, Commit, `CommitReplyLost`, Finish | a checkout, or a confirm where nothing is to be paid: begin, a transaction, finish |
//! | Close | a conditional write by the janitor, a give-up by the owner, or the cancellation of the event |
//! | Void | that cancellation, where it finds a booking closing |
//! | Extend | a conditional write |
//! | Confirm | an outer function's transaction, or an inner one's that finds the word |
//! | Open, `OpenOutside` | an outer function: its conditional write, and its call to the outside |
//! | Pay | the buyer, at the outside |
//! | `CloseOutside`, `ReturnMoney` | an outer function's calls to the outside; which may also close an attempt by itself |
//! | `SayNothing`, `SayPaid` | its conditional write of the word |
//! | `SeeEpoch`, Expire, Cancel, Restock, `RestockReplyLost`, Leave | an inner function: its transaction, then `restock.lua` |
//! | `CancelEvent`, `CloseShard`, Judge, `FinishEvent` | `booking::cancel_event`, `booking::cancel_bookings` |
//! | `LoadRead`, Load, `ReconcileSee`, `ReconcileRead`, Reconcile | as in [`crate::Protocol`], of all shards at once |
//!
//! Who only reads and then writes on a condition needs no memory here: such a write may come at any moment, with anything that was ever so
//! as what was read. That is why a booking may be closed by a time from before it was extended, and why what the outside decided is written
//! whenever anybody likes, or never. Only what is carried from one step to another is kept: an epoch that was seen, a commit of which Redis
//! is still to hear. An index of bookings is not here either: it may lag behind for ever, so a run that lists them may find any of them, or
//! none, at any moment; what it does to one is a step with a condition.
//!
//! Time is abstract as in [`crate::Protocol`]. Money is whether an attempt was paid: the outside decides between that and a close in one
//! step.
//!
//! Not here: a commit that draws its seats anew; seats with names; a user's limit, which counts in the same transactions; shards that are
//! added; how often an attempt may be declined; what is captured of a payment, and refunds of what was confirmed.
//!
//! What the checker taught:
//!
//! - Only who has let the seats return tells Redis, by the epoch that it saw before. That an outer function lets them return and nobody
//!   tells Redis holds, too: reconcile does, later. But an inner function that finds a booking expired, or has no reply to its transaction
//!   and finds it so, must not tell Redis to be sure ([`Guard::ExpiredIsLeft`]): without any loss of Redis the seat is free twice, if
//!   reconcile has taken the difference over meanwhile.
//! - The epoch may have been seen long before the transaction. From there to restock it may not take longer than a grace
//!   ([`Guard::GraceCoversReturns`]), so a page of bookings is not to be expired first, and Redis told of all of them after.
//! - Where a second attempt may follow the first, the word `none` is written only while the booking is closing, and only of the attempt
//!   that it has now ([`Guard::NoneAsksClosing`], [`Guard::NoneAsksAttempt`]): the first was closed, so that the second could be opened,
//!   and whoever comes late with that knows nothing of the second. With one attempt neither is needed.
//! - A close that finds no attempt at the outside leaves a mark there, so that it is not opened afterwards
//!   ([`Guard::CloseLeavesMark`]): who was to open it may only be slow.
//! - What a cancelled event has pending and what it has sold must be of one read of each shard ([`Guard::JudgeReadsAtOnce`]): a booking
//!   that becomes confirmed between a read of what is sold and one of what is pending is in neither. That its transaction does not ask
//!   whether a shard is closed is no harm, as long as what is pending counts.
//! - Neither seats nor the end of an event need bookings to be void: if none were, a paid one would become confirmed, and be cancelled in
//!   the next round ([`Guard::EventVoids`]). But who gives money back because a booking is void relies on it not being confirmed any more.
//!   A booking that was closing before may be made void, or left as it is.
//! - The word needs no condition that there is none yet ([`Guard::WordOnce`]).

mod act;
mod config;
mod dynamo;
mod properties;
mod reached;
mod redis;
mod rest;
#[expect(missing_docs, reason = "what a field is, its type and the protocol say; the rest have comments")]
mod state;
mod steps;

use stateright::{Model, Property};

pub use config::{Call, Config, Guard, Request};
pub use properties::{
    AT_REST, BEFORE_FINISH, CHARGED, CLOSED_UNHEARD, COMES_LATE, CONFIRMED_LATE, CONSERVED, ENDS, ENDS_ONCE,
    EXPIRED_BY_WORD, EXPIRED_DIRECTLY, EXTENDED, FINISHED, FINISHES, KNOWN, LATE, LATE_CLOSE, MEET,
    MET_EXPIRED, MET_PENDING, ONE_PAYMENT, OTHER_EPOCH, PAID_FOR, PAID_WHILE_CLOSING, PROMISES, REFUSED,
    SECOND_PAID, SETTLED, STILL_BEGUN, TOLD, VOID_PAID, WAITED,
};
pub use state::{
    Booking, Differs, Hold, Janitor, Judge, Payment, Progress, Read, Redis, RedisShard, Returner, Shard,
    State, Status, Word,
};

/// Inventory shards.
pub const SHARDS: usize = 2;
/// Reservations, each of which makes one booking.
pub const BOOKINGS: usize = 2;
/// Calls for a reservation, to check out or to confirm.
pub const CALLS: usize = 2;
/// Attempts to pay for a booking.
pub const PAYMENTS: usize = 2;
/// Inner functions at once that let seats return.
pub const RETURNERS: usize = 2;

/// Some shards, bookings, or of what is under way, a bit each.
pub type Mask = u8;

/// Why a booking is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Its time is over, which was read: the first, or the one that it was extended to.
    Time(u8),
    /// Its owner gives it up.
    Owner,
    /// Its event is cancelled.
    Event,
    /// It is closing, and the outside has answered.
    Word,
}

/// One step of somebody. Bookings go by their reservations' numbers; calls and attempts to pay by theirs within it. The numbers of inner
/// functions may change under way, because those that are alike are not told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Seats are held.
    Reserve(usize),
    /// A hold's time is over: expired, or settled as DynamoDB has it.
    End(usize),
    /// A call begins; or is answered, if the hold is gone.
    Begin(usize, usize),
    /// Its transaction.
    Commit(usize, usize),
    /// Its transaction, of which nobody hears: it is sent again.
    CommitReplyLost(usize, usize),
    /// Redis hears of the commit.
    Finish(usize, usize),
    /// Whoever calls is gone.
    Crash(usize, usize),
    /// A pending booking begins to close.
    Close(usize, By),
    /// A run that lists a cancelled event's bookings finds it closing.
    Void(usize),
    /// Its time is extended.
    Extend(usize),
    /// It is confirmed, for it was paid.
    Confirm(usize),
    /// The booking's next attempt to pay opens.
    Open(usize),
    /// The outside hears of it.
    OpenOutside(usize, usize),
    /// Somebody pays.
    Pay(usize, usize),
    /// The outside closes an attempt, unless it was paid.
    CloseOutside(usize, usize),
    /// A void booking's money goes back.
    ReturnMoney(usize, usize),
    /// The outside's word that nothing was paid is written.
    SayNothing(usize, usize),
    /// Its word that it was paid.
    SayPaid(usize),
    /// An inner function sees the epoch in Redis.
    SeeEpoch(usize),
    /// It lets a booking expire.
    Expire(usize, usize, By),
    /// It cancels a confirmed booking.
    Cancel(usize, usize),
    /// Redis hears that its seats are back.
    Restock(usize),
    /// Likewise, and nobody hears of that: it is sent again.
    RestockReplyLost(usize),
    /// The inner function is over, or gone.
    Leave(usize),
    /// Without [`Guard::InnerExpires`]: an outer function lets a booking expire.
    ExpireOutside(usize, By),
    /// And an inner one is to tell Redis of it.
    TakeUp(usize, usize),
    /// An admin cancels the event.
    CancelEvent,
    /// A shard is closed.
    CloseShard(usize),
    /// A run reads a shard, to judge the end.
    Judge(usize),
    /// The event is marked as finished.
    FinishEvent,
    /// The shards are read, to be loaded.
    LoadRead,
    /// And loaded.
    Load,
    /// The janitor sees the epoch, and what was applied.
    ReconcileSee,
    /// It reads the shards from DynamoDB.
    ReconcileRead,
    /// It judges.
    Reconcile,
    /// Redis is lost.
    Lose,
}

/// An event, and those who want of it.
#[derive(Clone, Debug)]
pub struct Durable {
    /// What happens.
    pub config: Config,
}

impl Model for Durable {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::start(&self.config)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        state.next_steps(&self.config, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = *state;
        next.act(&self.config, action);
        next.normalise(&self.config);
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
