//! Holds the model and the program together: the same random steps through the model of this crate and through the
//! real Lua scripts and DynamoDB transactions, and after each step both must be in the same state.
//!
//! What the checker proves, it proves of the model. This shows that the model is one of the program. Each process of
//! the program is taken apart here (`program.rs`, `steps.rs`): a step is one call, as the model has it, so that any
//! process can stand still between two of its calls while others go on. `abstraction.rs` says what the program's state
//! is in the model's terms. Where the program chooses at random, its choice must be one that the model allows, and both
//! go on from there. Time passes where a step says so: its deadline is moved into the past.
//!
//! `numbered` does the same with the model of named seats; `walk.rs` is what both have in common.
//!
//! `SEQUENCES=5000 STEPS=60 cargo test -p model --test program` walks more of them, and longer ones. Whatever fails says the
//! `SEED` that walks it again, and the shortest sequence found that fails the same way.
//!
//! Not compared: what one user has bought as Redis counts it (it is a hint, and follows from no state of the model).
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod abstraction;
mod changes;
mod configs;
mod general;
mod kept;
mod numbered;
mod program;
mod redis_state;
mod steps;
mod stores;
mod walk;
mod workers;

use general::General;
use numbered::NamedSeats;
use stores::Stores;
use walk::walk;

const SEQUENCES: u64 = 200;
const SEQUENCES_OF_NAMED_SEATS: u64 = 252;

#[tokio::test]
async fn the_program_does_what_the_model_does() {
    let stores = Stores::start().await;
    if let Some(reached) = walk::<General<'_>>(&stores, &configs::ALL, SEQUENCES).await {
        for kind in KINDS {
            assert!(reached.contains_key(*kind), "no sequence came to {kind}");
        }
    }
}

#[tokio::test]
async fn the_program_does_what_the_model_of_named_seats_does() {
    let stores = Stores::start().await;
    let sequences = SEQUENCES_OF_NAMED_SEATS;
    if let Some(reached) = walk::<NamedSeats<'_>>(&stores, &numbered::configs::ALL, sequences).await {
        for kind in numbered::KINDS {
            assert!(reached.contains_key(*kind), "no sequence came to {kind}");
        }
    }
}

/// What the sequences must come to, or they show little.
const KINDS: &[&str] = &[
    "AskById",
    "Cancel",
    "CommitReplyLost",
    "Crash",
    "CrashOfJanitor",
    "CrashOfLoader",
    "DeadlinePasses",
    "Expire",
    "Finish",
    "FinishBefore",
    "FinishLowered",
    "Load",
    "Reconcile",
    "Reconcile, adopting",
    "Reconcile, repairing",
    "RedisEmptied",
    "RedisFallsBack",
    "Redraw, changing the hold",
    "Redraw, making the hold anew",
    "Refuse",
    "Release",
    "Release, in vain",
    "RefreshUnpublished",
    "Restock",
    "RestockRaised",
    "Settle",
    "SettleLowered",
    "Twice",
    "Withdraw",
    "WriteIsLate",
];
