//! Visiting all states of one of the small models.

use std::{
    collections::BTreeSet,
    fmt::Debug,
    hash::Hash,
    time::{Duration, Instant},
};

use stateright::{Checker, HasDiscoveries, Model};

/// Longer than any of them takes.
const TIME_MAX: Duration = Duration::from_secs(240);

/// Visits every state, or as many as are needed to find that property broken.
pub(crate) fn visited<M>(model: M, until: Option<&'static str>) -> impl Checker<M>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq,
{
    let started = Instant::now();
    let enough =
        until.map_or(HasDiscoveries::All, |property| HasDiscoveries::AnyOf(BTreeSet::from([property])));
    let checker = model.checker().threads(2).timeout(TIME_MAX).finish_when(enough).spawn_bfs().join();
    println!(
        "{} states, depth {}, {:?}",
        checker.unique_state_count(),
        checker.max_depth(),
        started.elapsed()
    );
    assert!(started.elapsed() < TIME_MAX, "not every state was visited");
    checker
}
