//! Several areas of one event: what they share.
//!
//! Each area has its shards and its keys in Redis for itself, and within one the protocol is that of [`crate::Protocol`]. Three things
//! go over all areas: a user's limit, which the commit holds; an idempotency key, which is claimed in the user's slot, side by side
//! with the hold in the area's; and DynamoDB. So here an area is one shard, the confirm has its three steps, and what is looked at are
//! the steps of several areas between each other, with each slot of Redis lost by itself.
//!
//! | Action | Rust | Lua |
//! | --- | --- | --- |
//! | Reserve, Claim, Undo, Unclaim | `booking::reserve` | `reserve.lua`, `claim_booking.lua`, `undo.lua`, `unclaim_booking.lua` |
//! | Begin, Commit, Finish | `booking::confirm`, `Store::commit_booking` | `begin.lua`, `finish.lua` |
//! | Cancel, Restock | `booking::cancel`, `Store::cancel_booking` | `restock.lua` |
//! | Load | `catalogue::load` | `load.lua` |
//! | Expire, Settle | `booking::expire` | `expire.lua`, `settle.lua` |
//! | Reconcile | `booking::reconcile` | `reconcile.lua` |

#[expect(missing_docs, reason = "what a field is, its type and the protocol say; the rest have comments")]
mod state;
mod steps;

use stateright::{Model, Property};

pub use state::{AreaRedis, Asked, Booked, HoldAt, Request, Sees, State, Step};

/// Areas of the event.
pub const AREAS: usize = 3;
/// Requests of one user to hold places.
pub const REQUESTS: usize = 3;

/// A guard that is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The commit counts the user's places over all areas.
    LimitOverAll,
    /// What a key ties is the area, not the event alone.
    KeyOfArea,
    /// Whose key is another request's gives the hold back.
    Undo,
    /// A claim of what was refused is given back only if it is one's own.
    UnclaimOwn,
}

/// What a user wants, and of what.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Places of each area.
    pub capacity: [u8; AREAS],
    /// Places that the user may have of all.
    pub most: u8,
    /// Each request by its key, its area and its places.
    pub wants: [Option<(u8, usize, u8)>; REQUESTS],
    /// Whether a booking may be cancelled.
    pub cancels: bool,
    /// How often a slot of Redis may be lost: that of an area, or of the user.
    pub losses: u8,
    /// A guard that is missing.
    pub without: Option<Guard>,
}

impl Config {
    pub(crate) fn lacks(&self, guard: Guard) -> bool {
        self.without == Some(guard)
    }

    /// The same without a guard.
    #[must_use]
    pub const fn without(self, guard: Guard) -> Self {
        Self { without: Some(guard), ..self }
    }
}

/// One step of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The hold is made in the area's slot, or refused there.
    Reserve(usize),
    /// The key is claimed in the user's slot.
    Claim(usize),
    /// The key is another request's: the hold is given back.
    Undo(usize),
    /// The request is refused for its places: its key is free again.
    Unclaim(usize),
    /// A confirm begins.
    Begin(usize),
    /// Its transaction.
    Commit(usize),
    /// Redis hears of it.
    Finish(usize),
    /// A booking's seats go back, in DynamoDB.
    Cancel(usize),
    /// And in Redis.
    Restock(usize),
    /// Whoever goes on with the request is gone.
    Crash(usize),
    /// A hold's time is over: expired, or settled as DynamoDB has it.
    End(usize),
    /// An area's state is made anew from DynamoDB.
    Load(usize),
    /// The janitor sets an area right, of which nothing is under way.
    Reconcile(usize),
    /// An area's slot is lost.
    LoseArea(usize),
    /// The user's slot is lost.
    LoseUser,
}

/// Some areas, and one user who buys of them.
#[derive(Clone, Debug)]
pub struct Areas {
    /// What is wanted.
    pub config: Config,
}

/// No more than the limit over all areas, and DynamoDB counts right.
pub const LIMIT: &str = "nobody has more than the limit over all areas";
/// No area is oversold.
pub const OVERSOLD: &str = "no area sells more than it has";
/// One key, one reservation.
pub const ONE_KEY: &str = "a key makes one reservation of one area";
/// At rest each area adds up.
pub const AT_REST: &str = "at rest every place of each area is where it belongs";
/// What was refused holds nothing.
pub const REFUSED: &str = "what was refused for its key holds nothing in the end";

impl Model for Areas {
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
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(LIMIT, |model: &Self, state: &State| {
                let has = state.seats_of_user(&model.config);
                has <= model.config.most && has == state.counted
            }),
            Property::always(OVERSOLD, |model: &Self, state: &State| {
                (0..AREAS).all(|area| {
                    state.sold_in(&model.config, area) + state.unsold[area] == model.config.capacity[area]
                })
            }),
            Property::always(ONE_KEY, |model: &Self, state: &State| state.keys_are_used_once(&model.config)),
            Property::always(AT_REST, |model: &Self, state: &State| state.is_exact_at_rest(&model.config)),
            Property::always(REFUSED, |model: &Self, state: &State| {
                state.refused_hold_nothing(&model.config)
            }),
            Property::sometimes("the commit refuses for the limit", |_: &Self, state: &State| {
                state.requests.iter().any(|request| request.asked == Asked::OverLimit)
            }),
            Property::sometimes(
                "a key that was used for another area is refused",
                |_: &Self, state: &State| {
                    state.requests.iter().any(|request| request.asked == Asked::KeyReused)
                },
            ),
            Property::sometimes("one area sells while the other is lost", |model: &Self, state: &State| {
                state.redis[0].is_none() && state.sold_in(&model.config, 1) > 0
            }),
        ]
    }
}
