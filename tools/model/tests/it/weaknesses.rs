//! What the protocol is known not to keep. Who mends it moves the configuration to `holds.rs`.

use crate::check::breaks;
use model::{Config, FAULTLESS, Faults, SMALLEST, properties::PROMISES, wants};

/// Redis is emptied, and two confirms of one hold are under way. DynamoDB refuses one; the other sells the seat that a
/// cancel frees, and finishes. Then the refused one draws again, makes the hold anew, and gets the very shard that is sold:
/// its commit meets the booking, and `finish.lua`, which sees the same draws, counts that commit a second time. So `applied`
/// reaches the version that a commit made of which Redis never heard, and until the next reconcile it promises too much.
/// (Where `redraw.lua` answers CHANGED for a hold that is gone, every property holds here.)
#[test]
fn a_commit_is_counted_twice_if_its_hold_is_made_anew() {
    const MADE_ANEW: Config = Config {
        name: "a hold is made anew that another confirm finished",
        capacity: [3, 0],
        requests: &[wants(0, 1, 0), wants(1, 2, 1), wants(2, 1, 2)],
        booked: 1,
        cancels: &[0],
        loaders: 1,
        reconciles: true,
        faults: Faults { losses: 1, ..FAULTLESS },
        ..SMALLEST
    };
    breaks(MADE_ANEW, PROMISES);
}
