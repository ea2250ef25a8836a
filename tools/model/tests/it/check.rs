//! Runs the checker and says what it saw.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use model::{Config, Protocol};
use stateright::{Checker, HasDiscoveries, Model};

/// Far more than any configuration takes.
const TIME_MAX: Duration = Duration::from_secs(240);

/// Visits every state and expects every property to hold.
pub(crate) fn holds(config: Config) {
    let started = Instant::now();
    let checker = Protocol { config }.checker().threads(2).timeout(TIME_MAX).spawn_bfs().join();
    report(&checker, &config, started.elapsed());
    assert!(started.elapsed() < TIME_MAX, "{:?}: not every state was visited", config.name);
    for property in checker.model().properties() {
        if property.expectation.discovery_is_failure()
            && let Some(path) = checker.discovery(property.name)
        {
            for (n, action) in path.into_actions().iter().enumerate() {
                println!("  {n:>3}  {action:?}");
            }
            panic!("{:?}: broken: {}", config.name, property.name);
        }
    }
    let found = checker.discoveries();
    for property in checker.model().properties() {
        if !property.expectation.discovery_is_failure() {
            assert!(found.contains_key(property.name), "{:?} never saw: {}", config.name, property.name);
        }
    }
}

/// Expects the checker to break that property.
pub(crate) fn breaks(config: Config, property: &'static str) {
    let started = Instant::now();
    let enough = HasDiscoveries::AnyOf(BTreeSet::from([property]));
    let checker = Protocol { config }.checker().threads(2).finish_when(enough).spawn_bfs().join();
    report(&checker, &config, started.elapsed());
    let path = checker.discovery(property);
    let path = path.unwrap_or_else(|| panic!("{:?} was not missed", config.mutation)).into_actions();
    println!("{:?} breaks {property:?} in {} steps", config.mutation, path.len());
    for (n, action) in path.iter().enumerate() {
        println!("  {n:>3}  {action:?}");
    }
}

fn report(checker: &impl Checker<Protocol>, config: &Config, took: Duration) {
    println!(
        "{:?}: {} states, {} steps between them, depth {}, {:.1} s",
        config.name,
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        took.as_secs_f32(),
    );
}
