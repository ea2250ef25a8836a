//! An admin who can't leave the events alone: capacity up and down, other prices; and one event is cancelled.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::Session;
use crate::{
    faults::Dice,
    history::Outcome,
    world::{AREAS, MAX_PER_USER, ROWS, World, row_name},
};

/// An admin, until the people are told to stop.
pub(crate) async fn live(world: Arc<World>, session: Session) {
    let dice = world.dice("admin", 0);
    let mut to_cancel = world.to_cancel;
    while session.is_open() {
        sleep(dice.ms(300, 1_500)).await;
        if let Some(event) = to_cancel.filter(|_| world.progress.is_past_half()) {
            let asked = session.cancel_event(dice.below(world.fleet.len() as u64) as usize, event).await;
            to_cancel = to_cancel.filter(|_| !asked.outcome.is_success());
        }
        let event = dice.below(world.events.len() as u64) as usize;
        let server = || dice.below(world.fleet.len() as u64) as usize;
        let read = session.event(server(), world.events[event]).await.outcome;
        let Some(version) = read.member("/version").as_u64() else { continue };
        let mut body = json!({
            "name": read.member("/name"),
            "starts_at": world.starts_at.to_string(),
            "currency": "EUR",
            "max_per_user": MAX_PER_USER,
        });
        if world.has_rates {
            body["rates"] = json!([
                { "id": "full", "name": "Full price", "percent": 100 },
                { "id": "child", "name": "Up to 14", "percent": dice.between(1, 200) },
            ]);
        }
        sell(&mut body, &world, &dice, event, &read);
        session.replace(server(), world.events[event], version, &body).await;
        if world.has_rows(world.events[event]) && dice.chance(40) {
            let seat =
                format!("{}-{}", row_name(dice.below(ROWS.1.into()) as u16), dice.between(1, ROWS.2.into()));
            let way = if dice.chance(50) { "withdraw" } else { "restore" };
            session.move_seats(server(), world.events[event], way, &[seat]).await;
        }
        if dice.chance(15) {
            // A network delivers the request once more.
            session.replace(server(), world.events[event], version, &body).await;
        }
    }
}

/// Other places and other prices, perhaps; and of the event of several areas the last one only now and then.
fn sell(body: &mut Value, world: &World, dice: &Dice, event: usize, read: &Outcome) {
    let capacity = |usual: u64, now: &Value| {
        let same = now.as_u64().unwrap_or(usual);
        if dice.chance(70) { dice.between(usual / 2, usual * 3 / 2) } else { same }
    };
    let price = || if dice.chance(50) { dice.between(1_000, 9_000) } else { 2_500 };
    let mut areas = Vec::new();
    for (area, usual) in world.areas(world.events[event]) {
        let Some(id) = area else {
            body["capacity"] = json!(capacity(usual, read.member("/capacity")));
            body["base_price"] = json!(price());
            return;
        };
        if id == ROWS.0 {
            areas.push(json!({ "id": id, "name": id.to_uppercase(), "base_price": price() }));
            continue;
        }
        let found = read.member("/areas").as_array().into_iter().flatten().find(|known| known["id"] == id);
        let places = capacity(usual, found.map_or(&Value::Null, |known| &known["capacity"]));
        let is_last = AREAS.last().is_some_and(|(last, _)| *last == id);
        if !is_last || dice.chance(60) {
            let name = id.to_uppercase();
            areas.push(json!({ "id": id, "name": name, "capacity": places, "base_price": price() }));
        }
    }
    body["areas"] = json!(areas);
}
