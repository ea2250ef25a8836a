//! The network that a request comes from, and how many places of an event it may have.

/// A network, by fingerprints: nobody who keeps them learns an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Of an IPv4 address, or of the /64 of an IPv6 one: what one subscriber has at least.
    pub own: String,
    /// Of the wider network, the /48 of an IPv6 address: what one subscriber may have, and some share.
    pub wide: Option<String>,
}

/// A wider network may have so many times as much.
pub const WIDE_TIMES: u32 = 10;

/// Places that one network may have of any event, unless the settings say otherwise …
const PLACES_DEFAULT: u32 = 100;
/// … or this part of its capacity, if that is more: a campus, or a carrier with few addresses, sends many people at once.
const PERCENT_OF_CAPACITY: u32 = 2;

/// Places of an event that one network may hold or have bought within the hour; `None` for any number. `setting` is 0 for
/// that, and `None` for what follows from the capacity. An event whose capacity is not known has no limit.
pub fn places_max(setting: Option<u32>, capacity: Option<u32>) -> Option<u32> {
    match setting {
        Some(0) => None,
        Some(most) => Some(most),
        None => Some(PLACES_DEFAULT.max(capacity? / 100 * PERCENT_OF_CAPACITY)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_may_have_a_hundred_places_or_two_percent() {
        for (setting, capacity, most) in [
            (None, Some(1), Some(100)),
            (None, Some(5_099), Some(100)),
            (None, Some(5_100), Some(102)),
            (None, Some(1_000_000), Some(20_000)),
            (None, None, None),
            (Some(0), Some(1_000_000), None),
            (Some(7), Some(1_000_000), Some(7)),
            (Some(7), None, Some(7)),
        ] {
            assert_eq!(places_max(setting, capacity), most, "{setting:?} {capacity:?}");
        }
    }
}
