//! Seats with names: who gets seat A.
//!
//! A numbered area of one row, which is one shard, with the seats A and B; beside it a general area of a few places. DynamoDB keeps who
//! has which seat and the row's version. Redis keeps one state a seat, the holds with their seats, and how many commits of the row it
//! knows of. What differs from a general area: seats are no numbers that add up, so *which* seat is free has to be right, not only how
//! many are, and what is said of a seat must not come in the wrong order.
//!
//! | Action | Rust | Lua |
//! | --- | --- | --- |
//! | Reserve | `booking::reserve` | `reserve.lua` |
//! | Begin, Commit, Finish | `booking::confirm`, `Store::commit_booking` | `begin.lua`, `finish.lua` |
//! | Refuse | `commit_redrawing` in `confirm.rs` | |
//! | Unbegin | `unbegin_hold` in `confirm.rs` | `unbegin.lua` |
//! | CancelRead, Cancel, Restock | `booking::cancel`, `Store::cancel_booking` | `restock.lua` |
//! | LoadRead, Load | `catalogue::load` | `load.lua` |
//! | End | `booking::expire` | `expire.lua`, `settle.lua` |
//! | ReconcileSee, ReconcileRead, Reconcile | `booking::reconcile` | `reconcile.lua` |
//!
//! A hold names its seats, whoever chose them, the buyer or the system; so here all of them are named from the start. The general
//! area's slot is never lost and its bookings are not cancelled: it is there for the limit, and [`crate::areas`] looks at the rest. Time
//! is abstract as in [`crate::Protocol`]: a hold may run out at any moment, one that is being confirmed once no confirm of it is under
//! way, and who waits for a grace waits for all that was under way when it began.
//!
//! What the checker taught, since steps on a seat do not add up in any order as those on a number do:
//!
//! - A restock first finishes its booking's own hold, if that is still there: a finish that came after it would show a free seat as
//!   sold, until the next reconcile ([`Guard::RestockFinishes`]).
//! - A hold from before a loss can be bought, once who had bought its seat has cancelled, before Redis hears of that cancel. Its restock
//!   must not free the seat: [`Seat::SoldAgain`] waits for it ([`Guard::FinishMindsRestock`]).
//! - A hold that is gone is not made anew, not even with its own seats: another confirm of it may have been faster, and its commit would
//!   count twice ([`Config::makes_anew`]).
//! - That somebody has the seat is too little to ask before a cancel: its booking must be confirmed, or be the one that has it
//!   ([`Guard::CancelAsksWhose`]).

mod config;
mod dynamo;
mod properties;
mod scripts;
#[expect(missing_docs, reason = "what a field is, its type and the protocol say; the rest have comments")]
mod state;
mod steps;

use stateright::{Model, Property};

pub use config::{Config, Guard, Request, Wanted};
pub use properties::{
    AT_LIMIT, AT_REST, DYNAMO, HELD_BUT_SOLD, KNOWN, LIMIT, NEVER_FREE, ONE_BOOKING, ONE_HOLD, OTHER_EPOCH,
    PROMISES, SOLD_OUT, TAKEN, TOLD, WAITED,
};
pub use state::{Attempt, Booking, Cancel, Differs, Dynamo, HoldAt, Janitor, Read, Row, Seat, State, Status};

/// Seats of the row.
pub const SEATS: usize = 2;
/// Users.
pub const USERS: usize = 2;
/// Requests to hold something, each of which makes one reservation.
pub const REQUESTS: usize = 4;
/// Confirms of one reservation.
pub const ATTEMPTS: usize = 2;
/// Requests to cancel a booking.
pub const CANCELS: usize = 2;

/// Some seats of the row, a bit each.
pub type Seats = u8;
/// The first seat.
pub const A: Seats = 1;
/// The second.
pub const B: Seats = 2;

/// One step of somebody. Requests and cancels go by their numbers; a confirm by those of its request and attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// What is wanted is held.
    Reserve(usize),
    /// A confirm begins.
    Begin(usize, usize),
    /// Its transaction.
    Commit(usize, usize),
    /// DynamoDB has refused the seats: the answer is `seats_taken`, or the hold is made anew.
    Refuse(usize, usize),
    /// DynamoDB has refused so many for its user: the hold is held as before, unless another confirm of it began.
    Unbegin(usize, usize),
    /// Redis hears of the commit.
    Finish(usize, usize),
    /// Whoever confirms is gone.
    Crash(usize, usize),
    /// A cancel sees the booking, and the row's epoch in Redis.
    CancelRead(usize),
    /// Its transaction.
    Cancel(usize),
    /// Redis hears of it.
    Restock(usize),
    /// Whoever cancels is gone.
    CrashCancel(usize),
    /// A hold's time is over: expired, or settled as DynamoDB has it.
    End(usize),
    /// The row is read, to be loaded.
    LoadRead,
    /// And made in Redis.
    Load,
    /// The janitor sees the epoch, and what was applied.
    ReconcileSee,
    /// It reads the row from DynamoDB.
    ReconcileRead,
    /// It judges.
    Reconcile,
    /// Redis loses the row.
    Lose,
}

/// A row, a general area, and those who want of them.
#[derive(Clone, Debug)]
pub struct Numbered {
    /// What happens.
    pub config: Config,
}

impl Model for Numbered {
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
        next.forget_what_ended();
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
