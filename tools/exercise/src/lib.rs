//! Exercises Evently's real code on bad days, and then looks for every seat.
//!
#![doc = include_str!("../README.md")]

mod chaos;
mod check;
mod dynamodb_proxy;
mod faults;
mod fleet;
mod history;
mod http1;
mod ledger;
mod people;
mod progress;
mod receiver;
mod redis_proxy;
mod settings;
mod verdict;
mod world;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::user::Role;
use kit::Failure;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

pub use ledger::Ledger;
pub use settings::Settings;
pub use verdict::Verdict;

use people::{Session, admin, buyer};
use world::World;

/// People end what they are at, and ask for outcomes that they do not know.
const PEOPLE_LEAVE_WITHIN: Duration = Duration::from_secs(60);

/// Runs one seed, from starting the stores to the verdict.
///
/// # Errors
/// When the exercise itself fails: a store or a server does not start.
pub async fn run(settings: &Settings, seed: u64) -> Result<Verdict, Failure> {
    let before = if settings.release_before.is_some() { ", one of them of the release before" } else { "" };
    println!("Seed {seed}: starting the stores, the proxies and {} servers{before}", settings.servers);
    let world = Arc::new(World::start(settings, seed).await?);
    let http = reqwest::Client::builder().no_proxy().build()?;
    let open = Arc::new(AtomicBool::new(true));
    let (_, token) = world.sign_in(Role::Admin)?;
    let session = Session::new(&world, &http, token, &open);

    let mut shown = JoinSet::new();
    shown.spawn(progress::show(Arc::clone(&world)));
    disturb(settings, &world, &session, &open).await?;
    world.progress.enter("faults are off; coming to rest");
    world.fleet.all_ready().await?;
    check::come_to_rest(&world).await?;
    world.progress.enter("at rest; checking, and buying the last seats");
    let mut verdict = Verdict::default();
    check::everything(&world, &session, &mut verdict).await?;
    verdict.answers = world.history.answers();
    verdict.faults = world.faults.counts();
    verdict.violations = world.history.violations().into_iter().map(|what| (seed, what)).collect();
    shown.shutdown().await;
    world.progress.end(&format!("done, {} violations", verdict.violations.len()));

    drop(session);
    let world = Arc::try_unwrap(world).map_err(|_| "somebody still uses the world")?;
    if let Some(folder) = world.stop().await? {
        println!("  the servers' logs are in {}", folder.display());
    }
    Ok(verdict)
}

/// The bad day: returns when the people have left and the faults are off.
async fn disturb(
    settings: &Settings,
    world: &Arc<World>,
    session: &Session,
    open: &Arc<AtomicBool>,
) -> Result<(), Failure> {
    let until = Instant::now() + settings.day();
    let mut people = JoinSet::new();
    for number in 0..settings.buyers {
        let (user, token) = buyer::sign_in(world, &format!("buyer-{number}")).await?;
        people.spawn(buyer::live(Arc::clone(world), session.of(token), user, number));
    }
    people.spawn(admin::live(Arc::clone(world), session.clone()));
    let mut jobs = JoinSet::new();
    jobs.spawn(chaos::janitors(Arc::clone(world)));
    jobs.spawn(check::watch(Arc::clone(world)));

    world.faults.switch(true);
    chaos::reign(Arc::clone(world), until).await?;
    open.store(false, Ordering::SeqCst);
    let left = timeout(PEOPLE_LEAVE_WITHIN, async { while people.join_next().await.is_some() {} }).await;
    world.faults.switch(false);
    jobs.shutdown().await;
    left.map_err(|_| "the people do not leave".into())
}
