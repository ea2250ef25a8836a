//! Places of an event that one network holds, or bought lately.

use jiff::Timestamp;

use crate::redis::Redis;
use domain::{error::Error, id::ReservationId};

script!(COUNT_PLACES, "lib/state.lua", "count_places.lua");
script!(FORGET_PLACES, "forget_places.lua");

/// Seats of a reservation.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// The reservation.
    pub id: ReservationId,
    /// How many there are.
    pub seats: u32,
}

/// What `count_places.lua` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacesCounted {
    /// Seats of the event that the network has, those that were just counted among them.
    pub seats: u32,
    /// When the first of them count no longer.
    pub fewer_at: Timestamp,
}

impl Redis {
    /// `count_places.lua`: counts seats for so long as a network's; again for longer if need be. `network` is a fingerprint.
    pub async fn count_places(
        &self,
        network: &str,
        places: Places,
        life_ms: u64,
    ) -> Result<PlacesCounted, Error> {
        let Places { id, seats } = places;
        let mut call = COUNT_PLACES.key(self.keys.places(network, id.event()));
        call.key(self.keys.places_sum(network, id.event()));
        call.arg(id.to_string()).arg(seats).arg(life_ms);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "COUNTED" => Ok(PlacesCounted { seats: answer.seats(0)?, fewer_at: answer.time(1)? }),
            _ => Err(answer.unknown("count_places")),
        }
    }

    /// `forget_places.lua`: these are a network's no longer.
    pub async fn forget_places(&self, network: &str, places: Places) -> Result<(), Error> {
        let Places { id, seats } = places;
        let mut call = FORGET_PLACES.key(self.keys.places(network, id.event()));
        call.key(self.keys.places_sum(network, id.event()));
        call.arg(id.to_string()).arg(seats);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "FORGOTTEN" => Ok(()),
            _ => Err(answer.unknown("forget_places")),
        }
    }
}
