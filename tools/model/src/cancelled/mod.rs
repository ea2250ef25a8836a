//! A cancelled event: its bookings go with it, and none comes after.
//!
//! An event of two inventory shards, or of a third that an admin adds. Confirms are under way while an admin cancels the event; an owner
//! cancels their own booking; the janitor cancels all of them, in two runs at once, each of which may break off anywhere. What is to be
//! shown: the run that calls the event finished is right, for ever.
//!
//! | Action | Rust |
//! | --- | --- |
//! | Begin, Commit, `CommitReplyLost` | `booking::confirm`, `Store::commit_booking` |
//! | `OwnerRead`, `OwnerCancel`, `OwnerReplyLost` | `booking::cancel`, `Store::cancel_booking` |
//! | `CancelEvent` | `booking::cancel_event`, or a replace that makes the status cancelled |
//! | `RaiseRead`, Raise | `raise` in `replace.rs`, `Store::replace_event_adding` |
//! | Index | DynamoDB, for the index `by_event` |
//! | `ReadEvent`, `ReadShards`, Close | the beginning of `booking::cancel_bookings`, `Store::close_shard` |
//! | List, Cancel | a page of `Store::bookings_of_event`, `cancel_with_event` |
//! | Judge, Finish | the end of `booking::cancel_bookings`, `Store::finish_cancellation` |
//! | Leave | a crash, an error, or a budget that is over; or a run that has done what it could |
//!
//! One action is a transaction, or a read of what can't change in between. The shards are read one by one at the end, in any order, as
//! a batch of reads is no snapshot. In the beginning they are read at once: what is open then is closed, and that another run closed it
//! meanwhile changes nothing.
//!
//! Redis is not here. All that it does for this is to let a confirm begin or not, and it may hear of the event's status late, forget it, or
//! be told by an old copy. So every confirm may begin at any moment, also when all is finished, and its commit may come at any later one.
//! What a cancel tells Redis of its seats is in [`crate::Protocol`].
//!
//! The index is a copy of the bookings' states, and each booking's takes its next step whenever it likes. A page of it lists what stands
//! there then, so the pages of one list are of different moments.
//!
//! Not here: a confirm that draws its seats anew where one shard had too few; a user's limit; the release before but for its commits.
//!
//! What the checker taught:
//!
//! - It rests on two things: the commit looks at `closed`, and the end is judged by the shards, read with strong consistency after all of
//!   them were closed. That the bookings are listed after that, too, is only for speed: if they are listed before, a later run cancels
//!   what one missed.
//! - The shards need not be read as a snapshot: one that is closed and empty stays so ([`STAYS_EMPTY`]).
//! - `finished_at` may go again: it makes no new version, so an admin's change that read the event before writes it as it was
//!   ([`FINISHED_AGAIN`]). Nothing is sold meanwhile, and the next run finishes it once more, at a later time.
//! - A commit of a release that does not look at `closed` may come after the end, and nobody cancels that booking: [`FINISHED`] does not
//!   hold then, [`FINISHED_FOR_NEW`] does. Likewise a shard that such a release adds is open. So events should be cancelled only once no
//!   such release runs any more.

mod config;
mod dynamo;
mod properties;
#[expect(missing_docs, reason = "what a field is, its type and the protocol say; the rest have comments")]
mod state;
mod steps;

use stateright::{Model, Property};

pub use config::{Config, Guard};
pub use properties::{
    AT_REST, CANCELLED, CLOSED, COUNTED, FINISHED, FINISHED_AGAIN, FINISHED_FOR_NEW, JANITORS_MEET, LAGGED,
    LATE, OWNER_MEETS, REPEATED, SOLD, STAYS_EMPTY, STILL_BEGUN,
};
pub use state::{Attempt, Booking, Event, Janitor, Owner, Raise, Shard, State};

/// Inventory shards, with the one that an admin adds.
pub const SHARDS: usize = 3;
/// Shards that the event begins with.
pub const FIRST_SHARDS: usize = 2;
/// Reservations that are confirmed, each of which makes one booking.
pub const CONFIRMS: usize = 3;
/// Runs of the janitor at once.
pub const JANITORS: usize = 2;

/// Some shards or bookings, a bit each.
pub type Mask = u8;

/// One step of somebody. Confirms go by their numbers, and so do the bookings that they make. A janitor's may change under way, because
/// those that are alike are not told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Redis lets a confirm begin.
    Begin(usize),
    /// Its transaction.
    Commit(usize),
    /// Its transaction, of which nobody hears: it is sent again.
    CommitReplyLost(usize),
    /// The owner's cancel reads the booking.
    OwnerRead,
    /// Its transaction.
    OwnerCancel,
    /// Its transaction, of which nobody hears: it is sent again.
    OwnerReplyLost,
    /// An admin cancels the event.
    CancelEvent,
    /// An admin who raises the capacity reads the event.
    RaiseRead,
    /// It is written, with a new shard, unless it has another version now.
    Raise,
    /// The index hears of the next thing that happened to a booking.
    Index(usize),
    /// A run of the janitor reads the event.
    ReadEvent(usize),
    /// And its shards.
    ReadShards(usize),
    /// It closes a shard that was open.
    Close(usize, usize),
    /// It lists the bookings, a page of them.
    List(usize),
    /// It cancels a booking of the page.
    Cancel(usize, usize),
    /// In the end it reads a shard.
    Judge(usize, usize),
    /// It marks the event as finished.
    Finish(usize),
    /// It is over.
    Leave(usize),
}

/// An event that is cancelled, and those who want of it.
#[derive(Clone, Debug)]
pub struct Cancelled {
    /// What happens.
    pub config: Config,
}

impl Model for Cancelled {
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
        next.janitors[..self.config.janitors].sort_unstable();
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
