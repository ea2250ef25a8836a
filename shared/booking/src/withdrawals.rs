//! Seats of areas, drawn out of sale for a moment to show that they are free.

use jiff::Timestamp;

use crate::Protocol;
use domain::{
    error::Error,
    event::Event,
    id::{AreaKey, ReservationId},
    inventory::Draw,
};
use stores::redis::scripts::{Withdraw, WithdrawnAtOnce};

/// Seats out of sale until the deadline.
pub(super) struct Withdrawn {
    id: ReservationId,
    deadline_ms: i64,
}

pub(super) enum Withdrawal {
    /// All that were wanted.
    Whole(Withdrawn),
    /// Only so many are free.
    TooFew(u32),
}

/// Draws so many seats of an area out of sale. `None` if it must be tried again.
pub(super) async fn withdraw(
    protocol: &Protocol,
    event: &Event,
    area: AreaKey,
    seats: u32,
    now: Timestamp,
) -> Result<Option<Withdrawal>, Error> {
    let id = ReservationId::new(area, now);
    let grace_ms = protocol.confirm_grace_ms;
    match protocol.redis.withdraw(id, seats, WithdrawnAtOnce::ALL, grace_ms).await? {
        Withdraw::Withdrawn { draws, deadline_ms } if seats_of(&draws) == seats => {
            Ok(Some(Withdrawal::Whole(Withdrawn { id, deadline_ms })))
        }
        // Somebody's hold has drawn the same id in the same millisecond, and this is what it holds.
        Withdraw::Withdrawn { .. } => Ok(None),
        Withdraw::TooFew(free) => Ok(Some(Withdrawal::TooFew(free))),
        Withdraw::NotLoaded => {
            catalogue::load(&protocol.catalogue, event, area.number).await?;
            Ok(None)
        }
    }
}

/// They come on sale again.
pub(super) async fn settle(protocol: &Protocol, withdrawn: &[Withdrawn]) {
    for Withdrawn { id, deadline_ms } in withdrawn {
        match protocol.redis.settle(*id, *deadline_ms).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(event_id = %id.event(), "Redis lost its data while seats were withdrawn")
            }
            Err(error) => {
                tracing::warn!(event_id = %id.event(), %error, "settling a withdrawal is left to the janitor")
            }
        }
    }
}

fn seats_of(draws: &[Draw]) -> u32 {
    draws.iter().map(|draw| draw.seats).sum()
}
