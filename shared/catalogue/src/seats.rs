//! The seats of numbered areas: which there are, and which of them are free.

use jiff::Timestamp;

use super::{Catalogue, layouts::layout, load::load_missing, show::event};
use domain::{
    error::{Error, GaveUp},
    event::{Event, EventStatus},
    id::{AreaKey, AreaNumber, EventId},
};
use stores::redis::scripts::{RowFree, SeatsFree, SeatsSeen, StateOfSeats, row_by_dynamodb};

/// Tries of one look: another area may be meant than was asked, and the state be missing, and lost again.
const TRIES_MAX: usize = 4;

/// Which seats of an area are free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AreaSeats {
    /// The area's id.
    pub area: String,
    /// The version of the event's layout.
    pub layout: u64,
    /// Its seats.
    pub seats: SeatsFree,
}

/// Which seats of a numbered area are free right now; without an id those of the only one. Events that may sell are loaded if Redis
/// does not know them; of others, and without Redis, DynamoDB tells what is not sold.
///
/// # Errors
/// `AreaNotFound` if the event has no such area, or its seats have no names, and `AreaRequired` without an id where several have.
pub async fn seats(catalogue: &Catalogue, id: EventId, area: Option<&str>) -> Result<AreaSeats, Error> {
    match seats_by_redis(catalogue, id, area).await {
        Err(error) if error.is_without_redis() => {
            tracing::warn!(%error, "seats are read from DynamoDB");
            let event = catalogue.store.event(id).await?.ok_or(Error::EventNotFound)?;
            seats_by_dynamodb(catalogue, &event, area).await
        }
        seats => seats,
    }
}

async fn seats_by_redis(catalogue: &Catalogue, id: EventId, area: Option<&str>) -> Result<AreaSeats, Error> {
    let mut asked = catalogue.areas.meant(id, area);
    for _ in 0..TRIES_MAX {
        let SeatsSeen { state, seats } = match catalogue.redis.seats(asked).await? {
            Some(seen) => seen,
            None => {
                let shown = event(catalogue, id).await?.ok_or(Error::EventNotFound)?.event;
                asked = AreaKey { event: id, number: number_of(&shown, area)? };
                if !shown.may_sell(Timestamp::now()) {
                    return seats_by_dynamodb(catalogue, &shown, area).await;
                }
                load_missing(catalogue, asked, |_| Ok(())).await?;
                continue;
            }
        };
        if state.status == EventStatus::Draft.as_str() {
            return Err(Error::EventNotFound);
        }
        let (name, number) = meant(&state, area)?;
        match seats {
            Some(seats) if number == asked.number => {
                return Ok(AreaSeats { area: name, layout: state.layout, seats });
            }
            // The state of one area says where the others are.
            _ => asked = AreaKey { event: id, number },
        }
        catalogue.areas.note(asked, area);
    }
    Err(Error::GaveUp(GaveUp::LosingState))
}

/// The numbered area that is meant, by its id, and its number.
fn meant(state: &StateOfSeats, area: Option<&str>) -> Result<(String, AreaNumber), Error> {
    only(state.numbered.iter().map(|(id, number)| (id.as_str(), *number)), area)
}

fn number_of(event: &Event, area: Option<&str>) -> Result<AreaNumber, Error> {
    if event.details.status == EventStatus::Draft {
        return Err(Error::EventNotFound);
    }
    let areas = event.areas();
    let numbered = areas.iter().filter(|area| area.is_numbered()).map(|area| (area.id, area.key.number));
    only(numbered, area).map(|(_, number)| number)
}

fn only<'a>(
    mut numbered: impl Iterator<Item = (&'a str, AreaNumber)>,
    area: Option<&str>,
) -> Result<(String, AreaNumber), Error> {
    let found = match area {
        Some(area) => numbered.find(|(id, _)| *id == area),
        None => {
            let first = numbered.next();
            if first.is_some() && numbered.next().is_some() {
                return Err(Error::AreaRequired);
            }
            first
        }
    };
    found.map(|(id, number)| (id.to_owned(), number)).ok_or(Error::AreaNotFound)
}

/// What is not sold counts as free.
async fn seats_by_dynamodb(
    catalogue: &Catalogue,
    event: &Event,
    area: Option<&str>,
) -> Result<AreaSeats, Error> {
    let key = AreaKey { event: event.id, number: number_of(event, area)? };
    let layout = layout(catalogue, event).await?;
    let inventory = catalogue.store.inventory_of_area(key, &event.shards).await?;
    let rows = inventory.iter().zip(layout.rows_of(key.number));
    let rows: Vec<RowFree> = rows.map(|(shard, row)| row_by_dynamodb(shard, row)).collect();
    let version = inventory.iter().map(|shard| shard.version).sum();
    let area = event.area(key.number).map_or_else(String::new, |area| area.id.to_owned());
    Ok(AreaSeats { area, layout: event.layout_version(), seats: SeatsFree { version, rows } })
}
