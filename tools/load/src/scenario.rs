//! What people do: each comes, sends one request after the other, and leaves.

mod parties;

use clap::ValueEnum;
use hyper::Method;
use kit::{Failure, http::Answer};
use serde_json::json;

use crate::{people::create_event, record::Step, visit::Visit};

/// One of so many visitors buys, in *mixed*.
const BUYERS_ONE_IN: u64 = 10;
/// One of so many buyers cancels, in *mixed*.
const CANCELS_ONE_IN: u64 = 10;
const SEATS_TO_BROWSE: u32 = 500;
/// Of the event that is sold out before *soldout* begins.
const SEATS_SOLD_OUT: u32 = 10;

/// What people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub enum Scenario {
    /// They look at events, lists, searches and the popular events.
    Browse,
    /// Many want few seats: they book and confirm, until all are gone.
    Hot,
    /// The same of an event of floor, balcony and boxes: who finds an area sold out takes another one.
    Hall,
    /// Parties of one to six want seats with names: some these very ones, some the best, side by side; until all are gone.
    Seats,
    /// They want seats of an event that has none left.
    SoldOut,
    /// Ten browse while one buys, and one buyer in ten cancels.
    Mixed,
}

/// What the run sells and shows.
#[derive(Debug)]
pub struct Stage {
    /// Events to look at.
    pub browsed: Vec<String>,
    /// The event that is sold.
    pub sold: String,
    /// Its areas.
    pub areas: Vec<StageArea>,
}

/// An area of the event that is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageArea {
    /// Its id.
    pub id: &'static str,
    /// Its seats.
    pub seats: u32,
    /// How many of them stand in a row, if they have names.
    pub row: Option<u32>,
}

/// The id of the area whose seats have names.
const NUMBERED: &str = "hall";
const SEATS_PER_ROW: u32 = 40;
/// The id of the only area.
pub const GENERAL: &str = "general";

/// An event of one area.
#[must_use]
pub fn general(seats: u32) -> [StageArea; 1] {
    [StageArea { id: GENERAL, seats, row: None }]
}

/// Floor, balcony and boxes, with so many seats together.
fn hall(seats: u32) -> Vec<StageArea> {
    let (balcony, boxes) = ((seats / 4).max(1), (seats / 20).max(1));
    let floor = seats.saturating_sub(balcony + boxes).max(1);
    [("floor", floor), ("balcony", balcony), ("boxes", boxes)]
        .map(|(id, seats)| StageArea { id, seats, row: None })
        .to_vec()
}

/// One area of rows that are called 1, 2, 3 …, as its seats are.
fn rows(seats: u32) -> Vec<StageArea> {
    let seats = seats.div_ceil(SEATS_PER_ROW).max(1) * SEATS_PER_ROW;
    vec![StageArea { id: NUMBERED, seats, row: Some(SEATS_PER_ROW) }]
}

impl Scenario {
    /// Its name.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Makes the events.
    ///
    /// # Errors
    /// When the service refuses.
    pub async fn set(
        self,
        address: std::net::SocketAddr,
        admin: &str,
        seats: u32,
        events: usize,
    ) -> Result<Stage, Failure> {
        let browses = matches!(self, Self::Browse | Self::Mixed);
        let mut browsed = Vec::new();
        for number in 0..if browses { events } else { 0 } {
            let name = format!("Evening {number} of the load");
            browsed.push(create_event(address, admin, &name, &general(SEATS_TO_BROWSE)).await?);
        }
        let seats = if self == Self::SoldOut { SEATS_SOLD_OUT } else { seats };
        let areas = match self {
            Self::Hall => hall(seats),
            Self::Seats => rows(seats),
            _ => general(seats).to_vec(),
        };
        let sold = create_event(address, admin, "What everybody wants", &areas).await?;
        Ok(Stage { browsed, sold, areas })
    }

    /// What must have happened before people come: for *soldout* the event is bought up.
    pub(crate) async fn prepare(self, visit: &mut Visit<'_>) -> Result<(), Failure> {
        if self != Self::SoldOut {
            return Ok(());
        }
        let bearer = visit.buyers.bearer(0)?;
        match buy(visit, &bearer, GENERAL, SEATS_SOLD_OUT).await? {
            Some(_) => Ok(()),
            None => Err("the event could not be bought up".into()),
        }
    }

    /// One visit.
    pub(crate) async fn visit(self, visit: &mut Visit<'_>) -> Result<(), Failure> {
        match self {
            Self::Browse => browse(visit).await,
            Self::Hot | Self::SoldOut => {
                let bearer = visit.buyers.bearer(visit.number)?;
                buy(visit, &bearer, GENERAL, 1).await.map(|_| ())
            }
            Self::Hall => {
                let bearer = visit.buyers.bearer(visit.number)?;
                let mut areas = visit.stage.areas.clone();
                fastrand::shuffle(&mut areas);
                for area in areas {
                    if buy(visit, &bearer, area.id, 1).await?.is_some() {
                        break;
                    }
                }
                Ok(())
            }
            Self::Seats => {
                let bearer = visit.buyers.bearer(visit.number)?;
                parties::visit(visit, &bearer).await
            }
            Self::Mixed if !visit.number.is_multiple_of(BUYERS_ONE_IN + 1) => browse(visit).await,
            Self::Mixed => {
                let bearer = visit.buyers.bearer(visit.number)?;
                match buy(visit, &bearer, GENERAL, 1).await? {
                    Some(booking) if fastrand::u64(..CANCELS_ONE_IN) == 0 => {
                        cancel(visit, &bearer, GENERAL, &booking).await
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

async fn browse(visit: &mut Visit<'_>) -> Result<(), Failure> {
    let (step, path) = match fastrand::u32(..100) {
        ..60 => match fastrand::choice(&visit.stage.browsed) {
            Some(event) => (Step::Event, format!("/events/{event}")),
            None => (Step::List, "/events".to_owned()),
        },
        60..80 => (Step::List, "/events".to_owned()),
        80..90 => (Step::Search, format!("/events?q=evening%20{}", fastrand::u32(..10))),
        _ => (Step::Popular, "/events/popular".to_owned()),
    };
    visit.ask(step, Method::GET, &path, None, None, None).await.map(|_| ())
}

/// Books and confirms; answers with the booking.
async fn buy(
    visit: &mut Visit<'_>,
    bearer: &str,
    area: &'static str,
    seats: u32,
) -> Result<Option<String>, Failure> {
    let wanted = match area {
        GENERAL => json!({ "quantity": seats }),
        area => json!({ "area": area, "quantity": seats }),
    };
    let Some(booked) = book(visit, bearer, wanted).await?.filter(|answer| answer.status == 201) else {
        return Ok(None);
    };
    let reservation = booked.json()["reservation"]["id"].as_str().unwrap_or_default().to_owned();
    Ok(confirm(visit, bearer, area, &reservation, seats, Vec::new()).await?.then_some(reservation))
}

/// Asks for a hold.
async fn book(
    visit: &mut Visit<'_>,
    bearer: &str,
    wanted: serde_json::Value,
) -> Result<Option<Answer>, Failure> {
    let path = format!("/events/{}/book", visit.stage.sold);
    let key = visit.unique_key();
    visit.ask(Step::Book, Method::POST, &path, Some(bearer), Some(&key), Some(wanted.to_string())).await
}

/// Confirms a hold of so many seats, `names` of those that have any; whether it is sold, as far as is known.
async fn confirm(
    visit: &mut Visit<'_>,
    bearer: &str,
    area: &'static str,
    reservation: &str,
    seats: u32,
    names: Vec<String>,
) -> Result<bool, Failure> {
    let path = format!("/reservations/{reservation}/confirm");
    let confirmed = visit.ask(Step::Confirm, Method::POST, &path, Some(bearer), None, None).await?;
    match confirmed.map(|answer| answer.status) {
        Some(200 | 201) => {
            visit.ledger.sold(area, seats.into());
            visit.ledger.named(names);
        }
        Some(503) | None => visit.ledger.unknown(path, bearer, area, seats.into(), names),
        Some(_) => return Ok(false),
    }
    Ok(true)
}

async fn cancel(
    visit: &mut Visit<'_>,
    bearer: &str,
    area: &'static str,
    booking: &str,
) -> Result<(), Failure> {
    let path = format!("/bookings/{booking}/cancel");
    let cancelled = visit.ask(Step::Cancel, Method::POST, &path, Some(bearer), None, None).await?;
    match cancelled.map(|answer| answer.status) {
        Some(200) => visit.ledger.sold(area, -1),
        Some(503) | None => visit.ledger.unknown(path, bearer, area, -1, Vec::new()),
        Some(_) => {}
    }
    Ok(())
}
