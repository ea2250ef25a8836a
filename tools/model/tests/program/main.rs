//! Holds the model and the program together: the same random steps through the model of this crate and through the
//! real Lua scripts and DynamoDB transactions, and after each step both must be in the same state.
//!
//! What the checker proves, it proves of the model. This shows that the model is one of the program. Each process of
//! the program is taken apart here (`program.rs`, `steps.rs`): a step is one call, as the model has it, so that any
//! process can stand still between two of its calls while others go on. `abstraction.rs` says what the program's state
//! is in the model's terms. Where the program chooses at random, its choice must be one that the model allows, and both
//! go on from there. Time passes where a step says so: its deadline is moved into the past.
//!
//! `SEQUENCES=5000 STEPS=60 cargo test -p model --test program` walks more of them, and longer ones. Whatever fails says the
//! `SEED` that walks it again, and the shortest sequence found that fails the same way.
//!
//! Not compared: what one user has bought as Redis counts it (it is a hint, and follows from no state of the model).
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod abstraction;
mod changes;
mod configs;
mod program;
mod redis_state;
mod steps;
mod stores;
mod walk;
mod workers;

use std::{env, time::Instant};

use configs::Story;
use fastrand::Rng;
use model::{Action, Config};
use stores::Stores;
use walk::{Apart, Reached, Steps, walk};

const SEQUENCES: u64 = 200;
const STEPS: usize = 24;

#[tokio::test]
async fn the_program_does_what_the_model_does() {
    let (started, stores) = (Instant::now(), Stores::start().await);
    let steps = number("STEPS").map_or(STEPS, |steps| usize::try_from(steps).unwrap());
    let (first, sequences) = match number("SEED") {
        Some(seed) => (seed, 1),
        None => (fastrand::u64(..u64::MAX / 2), number("SEQUENCES").unwrap_or(SEQUENCES)),
    };
    let mut reached = Reached::new();
    for seed in first..first + sequences {
        let Story { config, opening } =
            configs::ALL[usize::try_from(seed % configs::ALL.len() as u64).unwrap()];
        let chosen = Steps::Random { opening, rng: Rng::with_seed(seed), left: steps };
        if let Err(apart) = walk(&stores, config, seed, chosen, &mut reached).await {
            let apart = shortened(&stores, config, seed, apart).await;
            panic!("{:?}, SEED={seed} STEPS={steps}:\n{}", config.name, told(&apart));
        }
    }
    let taken: usize = reached.values().sum();
    println!("{sequences} sequences, {taken} steps, {:.1} s: {reached:#?}", started.elapsed().as_secs_f32());
    if sequences >= SEQUENCES {
        for kind in KINDS {
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

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// Leaves out one step after the other, as long as the two still go apart.
async fn shortened(stores: &Stores, config: Config, seed: u64, mut apart: Apart) -> Apart {
    let mut at = apart.steps.len();
    while at > 0 {
        at -= 1;
        let mut fewer = apart.steps.clone();
        if at < fewer.len() {
            fewer.remove(at);
            if let Err(shorter) = walk(stores, config, seed, Steps::Given(&fewer), &mut Reached::new()).await
            {
                apart = shorter;
            }
        }
    }
    apart
}

fn told(apart: &Apart) -> String {
    let steps = apart.steps.iter().enumerate();
    let lines: Vec<_> = steps.map(|(n, action): (usize, &Action)| format!("  {n:>3}  {action:?}")).collect();
    format!("{}\nthe model and the program go apart:\n{}", lines.join("\n"), apart.why)
}
