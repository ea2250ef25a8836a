//! What the buyers were told is sold, held against where the service says that the seats are: no seat may be sold twice,
//! and none may be lost.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use kit::{
    Failure,
    http::{Call, Connection},
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::{people::expect, scenario::StageArea};

/// Confirms that are under way end within a request's time limit.
const AT_REST_WITHIN: Duration = Duration::from_secs(15);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(250);
const ASKED_AGAIN_MAX: usize = 5;

/// What the buyers know.
#[derive(Debug, Default)]
pub(crate) struct Ledger(RefCell<Known>);

#[derive(Debug, Default)]
struct Known {
    /// By area.
    sold: BTreeMap<&'static str, i64>,
    /// Seats with names that buyers were told are theirs.
    named: BTreeSet<String>,
    unknown: Vec<Unknown>,
    violations: Vec<String>,
}

/// A confirm or a cancel whose outcome its buyer does not know.
#[derive(Debug)]
struct Unknown {
    path: String,
    bearer: String,
    area: &'static str,
    /// Seats that it sold, if it was done; below zero if they went back on sale.
    seats: i64,
    /// What they are called.
    names: Vec<String>,
}

/// Where an event's seats are, as the service says (`GET /admin/events/{id}/inventory`).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Inventory {
    /// Those of all areas together.
    #[serde(flatten)]
    pub all: Seats,
    /// Those of each area.
    pub by_area: Vec<AreaSeats>,
}

/// Where an area's seats are.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AreaSeats {
    /// The area's id.
    pub area: String,
    /// Its seats.
    #[serde(flatten)]
    pub seats: Seats,
}

/// Where seats are.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Seats {
    /// Seats in all.
    pub capacity: i64,
    /// Seats sold.
    pub sold: i64,
    /// Seats held.
    pub held: i64,
    /// Seats whose confirm is under way.
    pub in_flight: i64,
    /// Seats on sale.
    pub free: i64,
    /// Seats that are nowhere, or, below zero, in two places.
    pub drift: i64,
}

/// What came of the check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Where the seats are.
    #[serde(flatten)]
    pub inventory: Inventory,
    /// Seats that buyers were told are theirs, less those that they cancelled.
    pub told_sold: i64,
    /// What is wrong.
    pub violations: Vec<String>,
}

impl Ledger {
    /// Seats of an area were sold, or, below zero, cancelled.
    pub(crate) fn sold(&self, area: &'static str, seats: i64) {
        *self.0.borrow_mut().sold.entry(area).or_default() += seats;
    }

    /// A buyer was told that these seats are sold.
    pub(crate) fn named(&self, names: Vec<String>) {
        let mut known = self.0.borrow_mut();
        for name in names {
            if !known.named.insert(name.clone()) {
                known.violations.push(format!("two buyers were told that they have seat {name}"));
            }
        }
    }

    /// Something is wrong.
    pub(crate) fn violation(&self, what: String) {
        self.0.borrow_mut().violations.push(what);
    }

    /// Nobody answered, or with "try again": asking again at the end is safe, and says what came of it.
    pub(crate) fn unknown(
        &self,
        path: String,
        bearer: &str,
        area: &'static str,
        seats: i64,
        names: Vec<String>,
    ) {
        self.0.borrow_mut().unknown.push(Unknown { path, bearer: bearer.to_owned(), area, seats, names });
    }

    /// Asks for all unknown outcomes, waits until all is at rest, and compares.
    pub(crate) async fn check(
        &self,
        address: SocketAddr,
        admin: &str,
        event: &str,
        areas: &[StageArea],
    ) -> Result<Check, Failure> {
        let mut connection = Connection::new(address);
        let unknown = std::mem::take(&mut self.0.borrow_mut().unknown);
        for one in unknown {
            if was_done(&mut connection, &one).await? {
                self.sold(one.area, one.seats);
                self.named(one.names);
            }
        }
        let inventory = at_rest(&mut connection, admin, event).await?;
        let known = self.0.borrow().sold.clone();
        let told_sold = known.values().sum();
        let mut violations = Vec::new();
        for StageArea { id, seats, row } in areas {
            if row.is_some() {
                self.check_seats(&mut connection, event, id).await?;
            }
            let found = inventory.by_area.iter().find(|area| area.area == *id);
            let area = found.ok_or_else(|| format!("the service knows no area {id}"))?;
            let told = known.get(id).copied().unwrap_or(0);
            let wrong = violations_of(&area.seats, told, (*seats).into());
            violations.extend(wrong.into_iter().map(|wrong| format!("{id}: {wrong}")));
        }
        let capacity = areas.iter().map(|area| i64::from(area.seats)).sum();
        violations.extend(violations_of(&inventory.all, told_sold, capacity));
        violations.extend(self.0.borrow().violations.iter().cloned());
        Ok(Check { inventory, told_sold, violations })
    }
}

impl Ledger {
    /// No seat is free that a buyer has, and no other is taken.
    async fn check_seats(&self, connection: &mut Connection, event: &str, area: &str) -> Result<(), Failure> {
        let path = format!("/events/{event}/seats?area={area}");
        let answer = connection.send(&Call::get(&path)).await?;
        expect(&answer, 200, &path)?;
        let shown = answer.json();
        let mut taken = BTreeSet::new();
        for row in shown["rows"].as_array().into_iter().flatten() {
            let (name, free) =
                (row["name"].as_str().unwrap_or_default(), row["free"].as_str().unwrap_or_default());
            let seats = free.chars().zip(1..).filter(|(seat, _): &(char, u32)| *seat == '0');
            taken.extend(seats.map(|(_, seat)| format!("{name}-{seat}")));
        }
        let mut known = self.0.borrow_mut();
        let (sold, shown) = (known.named.difference(&taken).count(), taken.difference(&known.named).count());
        if sold > 0 || shown > 0 {
            known
                .violations
                .push(format!("{sold} seats are sold and shown as free, {shown} are taken by nobody"));
        }
        Ok(())
    }
}

fn violations_of(seats: &Seats, told_sold: i64, capacity: i64) -> Vec<String> {
    let Seats { sold, held, in_flight, free, drift, .. } = *seats;
    let mut violations = Vec::new();
    if sold > capacity {
        violations.push(format!("oversold: {sold} seats of {capacity}"));
    }
    if told_sold != sold {
        violations.push(format!("buyers were told of {told_sold} seats sold, the service knows of {sold}"));
    }
    if sold + held + in_flight + free != capacity || drift != 0 {
        violations.push(format!("seats do not add up: drift {drift}"));
    }
    violations
}

async fn was_done(connection: &mut Connection, unknown: &Unknown) -> Result<bool, Failure> {
    for _ in 0..ASKED_AGAIN_MAX {
        match connection.send(&Call::post(&unknown.path, &unknown.bearer)).await.map(|answer| answer.status) {
            Ok(200 | 201) => return Ok(true),
            Ok(503) | Err(_) => sleep(Duration::from_secs(1)).await,
            Ok(_) => return Ok(false),
        }
    }
    Err(format!("{} has no outcome", unknown.path).into())
}

/// Where the seats are once nothing is under way, or at the latest after a while.
async fn at_rest(connection: &mut Connection, admin: &str, event: &str) -> Result<Inventory, Failure> {
    let path = format!("/admin/events/{event}/inventory");
    let deadline = Instant::now() + AT_REST_WITHIN;
    loop {
        let answer = connection.send(&Call { bearer: Some(admin), ..Call::get(&path) }).await?;
        expect(&answer, 200, &path)?;
        let inventory: Inventory = serde_json::from_slice(&answer.body)?;
        if (inventory.all.in_flight == 0 && inventory.all.drift == 0) || Instant::now() > deadline {
            return Ok(inventory);
        }
        sleep(LOOK_AGAIN_AFTER).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: Seats = Seats { capacity: 10, sold: 6, held: 1, in_flight: 1, free: 2, drift: 0 };

    #[test]
    fn seats_that_add_up_are_fine() {
        assert!(violations_of(&FINE, 6, 10).is_empty());
    }

    #[test]
    fn each_seat_too_many_or_too_few_is_seen() {
        assert_eq!(violations_of(&Seats { sold: 11, free: -3, ..FINE }, 11, 10).len(), 1, "oversold");
        assert_eq!(violations_of(&FINE, 7, 10).len(), 1, "a buyer was told of a seat that is not sold");
        assert_eq!(violations_of(&FINE, 5, 10).len(), 1, "a seat is sold to nobody");
        assert_eq!(violations_of(&Seats { free: 1, drift: 1, ..FINE }, 6, 10).len(), 1, "a seat is lost");
    }
}
