//! A model of the booking protocol, visited whole: every order of steps, with a crash between any two of them, for
//! small sizes. `shared/src/protocol` is what it models; the invariants have the numbers that they have there.
//!
//! # How to run it
//!
//! ```text
//! cargo test -p model -- --nocapture --test-threads 1
//! ```
//!
//! `tests/program` walks random steps through this model and the program side by side (`--test program`), so that what
//! holds here holds of the program.
//!
//! `tests/it/holds.rs` has the configurations in which every invariant must hold, `tests/it/guards.rs` takes one guard
//! after another away and expects an invariant to break. Both print how many states were visited.
//!
//! # How to read a counterexample
//!
//! A broken invariant prints the actions that lead there, one a line, from the start: who acted ([`Action`] says
//! which function or script that is) and for which reservation, attempt, hold or janitor. Attempts are numbered
//! from 0 within their reservation, holds like their reservations, withdrawals behind them. The checker goes
//! breadth first, but reports what it found last before it stopped, so the path is short, not always the shortest:
//! steps of a reservation that the last lines do not mention can be left out. Worker numbers (loaders, janitors)
//! may change under way, because the idle stand in front. To see states too, give the path's states in
//! `tests/it/check.rs` to `println!("{state:#?}")`.
//!
//! # What acts, and where that is in the program
//!
//! | Action | Rust | Lua |
//! | --- | --- | --- |
//! | Reserve | `protocol::reserve` | `reserve.lua` |
//! | Begin | `protocol::confirm` | `begin.lua` |
//! | Refuse | `unbegin` in `confirm.rs` | `unbegin.lua` |
//! | Commit, CommitReplyLost | `Store::commit_booking` | |
//! | AskById | `commit_redrawing` in `confirm.rs` | |
//! | Redraw | `commit_redrawing` | `redraw.lua` |
//! | Finish | `finish` in `confirm.rs` | `finish.lua` |
//! | Release | `protocol::release` | `release.lua` |
//! | CancelRead, Cancel, Restock | `protocol::cancel`, `Store::cancel_booking` | `restock.lua` |
//! | RaiseRead, Raise, RestockRaised | `raise` in `replace.rs`, `Store::replace_event_adding` | `restock.lua` |
//! | LowerRead, FinishBefore, Withdraw, Lower, FinishLowered, SettleLowered | `lower` in `replace.rs`, `Store::replace_event_removing` | `withdraw.lua`, `finish.lua`, `settle.lua` |
//! | LowerRead, Withdraw, LookUnpublished, Lower, RefreshUnpublished, SettleLowered, of a draft | `unpublish.rs`, `Store::replace_event_adding` | `withdraw.lua`, `refresh.lua`, `settle.lua` |
//! | Reprice, Refresh | `protocol::replace_event` | `refresh.lua` |
//! | LoadEvent, LoadShard, Load | `protocol::load`, `Store::inventory` | `load.lua` |
//! | Expire | `protocol::sweep` | `expire.lua`, `expire_overdue` in `lib/seats.lua` |
//! | SettleFound, SettleRead, Settle | `finish_or_undo` in `sweep.rs` | `finish.lua`, `settle.lua` |
//! | ReconcileSee, ReconcileRead, Reconcile | the janitor's reconcile | its script |
//!
//! One action is one step that nothing can come between: a script, a transaction, or a read of one item. The shards
//! of an event are read one by one, because a batch of reads is no snapshot.
//!
//! # Where the model sets the rule
//!
//! Where a rule could be followed in several ways, the model follows the one that the checker found to hold:
//!
//! - *Reconcile* reads the epoch and `applied`, then the shards, then acts on each shard whose `applied` is still
//!   the one read. `version = applied`: `free = capacity - sold - held`. Otherwise, and if no confirming hold draws
//!   on the shard: remember (version, applied) beside the epoch; if every request of then has ended and the same
//!   are seen again, take over DynamoDB's numbers. *Otherwise* includes a version that is behind `applied`: after
//!   a failover Redis can count a commit twice ([`Mutation::AdoptOnlyWhenAhead`] shows the seat that is lost).
//! - *Redraw* makes a hold anew that is gone, and ends none. If there are no seats to draw again it leaves the hold as
//!   it is, for *settle*: another attempt may still commit it ([`Mutation::RedrawEndsHold`]). And it takes a missing
//!   seat out of a shard's count only if Redis lacked a commit that DynamoDB had when it refused (`applied` is below
//!   that `version`), and never below what DynamoDB had left: a count that reconcile has mended, perhaps to below zero,
//!   is right already ([`Mutation::RedrawTakesTwice`]).
//!
//! # What is abstract
//!
//! - Time. A hold may become overdue at any moment. A confirming hold may only once every attempt that began for it
//!   has ended, which is what grace is for; a late write (a fault of its own) is one that comes all the same. When
//!   reconcile waits for a grace period, it waits for the requests that were in flight when it remembered.
//!   Deadlines are numbers of which no hold has the same twice.
//! - The random shard at which a draw begins is every shard in turn.
//! - "At rest" and "for good" are properties of every state without a request in flight: two sweeps from there must
//!   find every seat. The checker's own `eventually` misses counterexamples where paths meet or go in circles. Any
//!   request can crash at any moment, so such a state can be reached from everywhere.
//!
//! # What the invariants allow
//!
//! - 2, after Redis was emptied, a write came late or DynamoDB refused a commit: a shard may promise too much as
//!   long as it lacks a commit, until those in flight have ended and reconcile has taken over DynamoDB's numbers.
//!   That is up to two grace periods and two sweeps after the loss, not one grace period. After a failover it is
//!   judged at rest only.
//!   (`tests/it/weaknesses.rs` has a story in which it does not lack one and promises too much all the same, until the
//!   next sweep.)
//! - 4, with a late write or a failover: a reservation may be settled and booked, or released twice. It has one
//!   booking at most all the same.
//! - 5: the record of an idempotency key lives in Redis only. Between two losses of Redis a key makes one
//!   reservation; a request that is sent again after a loss makes another.
//!
//! # What is not modelled
//!
//! Sale windows and limits; an event's status but that it becomes a draft; other events; idempotency keys,
//! `look.lua` and `unload.lua` (which is like an emptied Redis without holds); Redis losing some keys of an event
//! and not others; a script that reaches Redis a grace period after its sender died; DynamoDB's throttling and
//! conflicts, which are retries of one transaction under one token; an admin's change in several steps, and its
//! price change under the event's version; more than one redraw in an attempt; the bounds of one `expire.lua` call.
//! More than two shards, three reservations, two attempts each, two cancels, two lowerings, a draft among them, two
//! janitors.
//!
//! # Why this checker
//!
//! `stateright` is a library, so the model is ordinary Rust beside what it models. Its 0.31 does what is needed
//! here: always and sometimes properties, breadth-first search on all cores.

mod act;
mod action;
mod config;
mod dynamo;
mod model;
mod progress;
pub mod properties;
mod reached;
mod requests;
mod rest;
mod scripts;
mod seats;
mod start;
#[expect(missing_docs, reason = "what a field is, its type and the protocol say; the rest have comments")]
pub mod state;
mod unpublish;
mod workers;

pub use action::{Action, Process};
pub use config::{ALL_SEATS, Config, FAULTLESS, Faults, Mutation, Request, SMALLEST, wants};
pub use model::Protocol;
