//! Several areas of one event, and one user who buys of them.

use crate::visit::visited;
use model::areas::{AT_REST, Areas, Config, Guard, LIMIT, ONE_KEY, OVERSOLD, REFUSED};
use stateright::Checker;

/// A key that is used in both areas, and a limit that two of the three requests pass together.
const BOTH: Config = Config {
    capacity: [3, 2, 0],
    most: 3,
    wants: [Some((0, 0, 2)), Some((0, 1, 1)), Some((1, 1, 2))],
    cancels: true,
    losses: 1,
    without: None,
};

/// One key for three areas, of which the second has no place: whoever is refused leaves the key to whose it is.
const ONE_FOR_ALL: Config =
    Config { capacity: [1, 0, 1], wants: [Some((0, 0, 1)), Some((0, 1, 1)), Some((0, 2, 1))], ..BOTH };

#[test]
fn every_property_holds_over_all_areas() {
    visited(Areas { config: BOTH }, None).assert_properties();
    let checker = visited(Areas { config: ONE_FOR_ALL }, None);
    for property in [LIMIT, OVERSOLD, ONE_KEY, AT_REST, REFUSED] {
        checker.assert_no_discovery(property);
    }
}

#[test]
fn each_guard_is_needed() {
    for (config, guard, property) in [
        (BOTH, Guard::LimitOverAll, LIMIT),
        (BOTH, Guard::KeyOfArea, ONE_KEY),
        (BOTH, Guard::Undo, REFUSED),
        (ONE_FOR_ALL, Guard::UnclaimOwn, ONE_KEY),
    ] {
        let checker = visited(Areas { config: config.without(guard) }, None);
        assert!(checker.discovery(property).is_some(), "{guard:?} was not missed by {property:?}");
    }
}
