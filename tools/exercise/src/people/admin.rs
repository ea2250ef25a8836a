//! An admin who can't leave the events alone: capacity up and down, other prices.

use std::sync::Arc;

use serde_json::json;
use tokio::time::sleep;

use super::Session;
use crate::world::{CAPACITIES, MAX_PER_USER, World};

/// An admin, until the people are told to stop.
pub(crate) async fn live(world: Arc<World>, session: Session) {
    let dice = world.dice("admin", 0);
    while session.is_open() {
        sleep(dice.ms(300, 1_500)).await;
        let event = dice.below(world.events.len() as u64) as usize;
        let server = || dice.below(world.fleet.len() as u64) as usize;
        let read = session.event(server(), world.events[event]).await.outcome;
        let Some(version) = read.member("/version").as_u64() else { continue };
        let usual = u64::from(CAPACITIES[event]);
        let same = read.member("/capacity").as_u64().unwrap_or(usual);
        let capacity = if dice.chance(70) { dice.between(usual / 2, usual * 3 / 2) } else { same };
        let price = if dice.chance(50) { dice.between(1_000, 9_000) } else { 2_500 };
        let body = json!({
            "name": read.member("/name"),
            "starts_at": world.starts_at.to_string(),
            "capacity": capacity,
            "base_price": price,
            "currency": "EUR",
            "max_per_user": MAX_PER_USER,
            "rates": [
                { "id": "full", "name": "Full price", "percent": 100 },
                { "id": "child", "name": "Up to 14", "percent": dice.between(1, 200) },
            ],
        });
        session.replace(server(), world.events[event], version, &body).await;
        if dice.chance(15) {
            // A network delivers the request once more.
            session.replace(server(), world.events[event], version, &body).await;
        }
    }
}
