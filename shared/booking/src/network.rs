//! How many places of an event one network has: many accounts cost nothing, many networks do.
//!
//! Counted in Redis, in the network's own slot, at the same time as its seats are held: who is one too many gives them back. What
//! Redis loses is counted no more, and what is not taken back there counts for as long as the hold would have lived. So the
//! limit slows down and does not guard anything: that is the inventory's part.

use crate::Protocol;
use domain::{
    error::Error,
    network::{Network, WIDE_TIMES, places_max},
    reservation::EARLY_CANCEL_MS,
};
use stores::redis::scripts::{Places, PlacesCounted};

/// How many places a network has, and how many its wider one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    own: Option<PlacesCounted>,
    wide: Option<PlacesCounted>,
}

/// Counts places that are being held.
pub(crate) async fn count_held(protocol: &Protocol, network: Option<&Network>, places: Places) -> Counted {
    count(protocol, network, places, protocol.hold_ttl_ms).await
}

/// Counts places that were bought, for as long as giving them back would count as having held them.
pub(crate) async fn count_bought(protocol: &Protocol, network: Option<&Network>, places: Places) {
    count(protocol, network, places, EARLY_CANCEL_MS.unsigned_abs()).await;
}

async fn count(protocol: &Protocol, network: Option<&Network>, places: Places, life_ms: u64) -> Counted {
    let Some(Network { own, wide }) = network else { return Counted::default() };
    let count = async |network: &str| match protocol.redis.count_places(network, places, life_ms).await {
        Ok(counted) => Some(counted),
        Err(error) => {
            tracing::warn!(%error, "the places of a network are not counted");
            None
        }
    };
    let wide = async {
        match wide {
            Some(wide) => count(wide).await,
            None => None,
        }
    };
    let (own, wide) = tokio::join!(count(own), wide);
    Counted { own, wide }
}

/// These places are the network's no longer, or never were. Nobody waits for that: should the process end before, they count
/// until the hold would have ended.
pub(crate) fn forget(protocol: &Protocol, network: Option<&Network>, places: Places) {
    let Some(Network { own, wide }) = network else { return };
    for network in std::iter::once(own).chain(wide) {
        let (redis, network) = (protocol.redis.clone(), network.clone());
        tokio::spawn(async move {
            if let Err(error) = redis.forget_places(&network, places).await {
                tracing::warn!(%error, "places count as a network's that has given them back");
            }
        });
    }
}

/// Refuses what is too much for one network.
pub(crate) fn check(protocol: &Protocol, counted: Counted, capacity: Option<u32>) -> Result<(), Error> {
    let Some(most) = places_max(protocol.network_places_max, capacity) else { return Ok(()) };
    let is_over = |counted: Option<PlacesCounted>, most| counted.filter(|counted| counted.seats > most);
    let over = is_over(counted.own, most).or(is_over(counted.wide, most.saturating_mul(WIDE_TIMES)));
    over.map_or(Ok(()), |over| Err(Error::NetworkLimit { retry_at: over.fewer_at }))
}
