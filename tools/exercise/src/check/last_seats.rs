//! The last seats: at rest, every seat that is not sold can be bought, one by one, and then it is sold out; not earlier.

use domain::id::EventId;
use kit::Failure;

use crate::{
    history::{Act, Purchase, Step, Wish},
    people::{Session, buyer},
    world::World,
};

/// A store that is back for seconds may still be out of reach for a connection's first try.
const TRIES_MAX: usize = 5;

/// Buys all that is left.
pub(super) async fn sell(world: &World, session: &Session) -> Result<(), Failure> {
    for (event, area) in world
        .events
        .iter()
        .flat_map(|event| world.areas(*event).into_iter().map(move |(area, _)| (event, area)))
    {
        let mut seats = 0;
        loop {
            // Somebody else each time: one may not have so many.
            let key = format!("last-{event}-{}-{seats}", area.unwrap_or_default());
            let (user, token) = buyer::sign_in(world, &key).await?;
            let session = session.of(token);
            let mut purchase = Purchase {
                user,
                event: *event,
                area,
                wish: Wish::default(),
                key,
                quantity: 1,
                steps: Vec::new(),
            };
            let is_sold = buy(world, &session, &mut purchase, seats).await;
            let said = purchase.steps.last().map(|step| step.outcome.to_string()).unwrap_or_default();
            world.history.keep(purchase);
            if !is_sold {
                check_sold_out(world, *event, area, &said).await?;
                break;
            }
            seats += 1;
        }
    }
    Ok(())
}

async fn buy(world: &World, session: &Session, purchase: &mut Purchase, number: usize) -> bool {
    for act in [Act::Book, Act::Confirm] {
        for tries in 0..TRIES_MAX {
            let server = (number + tries) % world.fleet.len();
            let step = match (act, purchase.reservations().first()) {
                (Act::Confirm, Some(id)) => session.confirm(server, id, None).await,
                _ => session.book(server, purchase, None).await,
            };
            let Step { outcome, .. } = &step;
            let (is_open, is_success) = (outcome.is_open(), outcome.is_success());
            purchase.steps.push(step);
            if is_success {
                break;
            }
            if !is_open {
                return false;
            }
        }
    }
    purchase.steps.last().is_some_and(|step| step.act == Act::Confirm && step.outcome.is_success())
}

async fn check_sold_out(
    world: &World,
    event: EventId,
    area: Option<&str>,
    said: &str,
) -> Result<(), Failure> {
    let kept = world.truth.store.event(event).await?.ok_or("the event is gone")?;
    // What the admin cancelled, or took away, sells nothing.
    let (left, expected) = match kept.area_called(area) {
        Some(_) if world.to_cancel == Some(event) => (0, "409 not_on_sale"),
        Some(area) => {
            let shards = world.truth.store.inventory_of_area(area.key, &kept.shards).await?;
            (shards.iter().map(|shard| shard.unsold).sum::<u32>(), "409 sold_out")
        }
        None => (0, "422 unknown_area"),
    };
    if left > 0 || said != expected {
        world.history.violation(format!(
            "event {event} {} at rest: told {said:?} while {left} seats are unsold",
            area.unwrap_or_default()
        ));
    }
    Ok(())
}
