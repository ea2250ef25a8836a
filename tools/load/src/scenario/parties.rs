//! Parties that want seats with names.

use hyper::Method;
use kit::Failure;
use serde_json::{Value, json};

use super::{NUMBERED, SEATS_PER_ROW, book, confirm};
use crate::{record::Step, visit::Visit};

const PARTY_MAX: u32 = 6;
/// Seats that a party chooses until it takes what it is given.
const CHOICES_MAX: usize = 3;

/// A party comes. Every other one chooses its seats: whoever finds them taken looks at what is free and chooses there. The others
/// take the best that stand side by side; a party that is too large for what is left comes as a smaller one.
pub(super) async fn visit(visit: &mut Visit<'_>, bearer: &str) -> Result<(), Failure> {
    let party = fastrand::u32(1..=PARTY_MAX);
    if fastrand::bool() {
        let rows = visit.stage.areas[0].seats / SEATS_PER_ROW;
        let first = fastrand::u32(1..=SEATS_PER_ROW - party + 1);
        let mut seats = named(&fastrand::u32(1..=rows).to_string(), first, party);
        for _ in 0..CHOICES_MAX {
            match ask(visit, bearer, json!({ "area": NUMBERED, "seats": seats }), false).await? {
                Asked::Bought => return Ok(()),
                Asked::Refused(code) if code == "seats_taken" => {}
                Asked::Refused(_) => return Ok(()),
            }
            let Some(others) = free_neighbours(visit, party).await? else { break };
            seats = others;
        }
    }
    for quantity in (1..=party).rev() {
        let wanted = json!({ "area": NUMBERED, "quantity": quantity });
        match ask(visit, bearer, wanted, true).await? {
            Asked::Refused(code) if code == "not_together" => {}
            _ => break,
        }
    }
    Ok(())
}

enum Asked {
    Bought,
    Refused(String),
}

async fn ask(visit: &mut Visit<'_>, bearer: &str, wanted: Value, together: bool) -> Result<Asked, Failure> {
    let Some(booked) = book(visit, bearer, wanted).await? else { return Ok(Asked::Refused(String::new())) };
    let answer = booked.json();
    if booked.status != 201 {
        return Ok(Asked::Refused(answer["code"].as_str().unwrap_or_default().to_owned()));
    }
    let reservation = &answer["reservation"];
    let names: Vec<String> = serde_json::from_value(reservation["seats"].clone())?;
    if together && !stand_together(&names) {
        visit.ledger.violation(format!("a party that wanted to stand together has {names:?}"));
    }
    let (id, seats) = (reservation["id"].as_str().unwrap_or_default(), u32::try_from(names.len())?);
    confirm(visit, bearer, NUMBERED, id, seats, names).await?;
    Ok(Asked::Bought)
}

/// Seats of a row, side by side.
fn named(row: &str, first: u32, seats: u32) -> Vec<String> {
    (first..first + seats).map(|seat| format!("{row}-{seat}")).collect()
}

fn stand_together(names: &[String]) -> bool {
    let places: Option<Vec<(&str, u32)>> = names
        .iter()
        .map(|name| name.rsplit_once('-').and_then(|(row, seat)| Some((row, seat.parse().ok()?))))
        .collect();
    places.is_some_and(|places| {
        places.windows(2).all(|pair| pair[0].0 == pair[1].0 && pair[0].1 + 1 == pair[1].1)
    })
}

/// Some free seats side by side, in a row where the visitor happens to look first.
async fn free_neighbours(visit: &mut Visit<'_>, seats: u32) -> Result<Option<Vec<String>>, Failure> {
    let path = format!("/events/{}/seats?area={NUMBERED}", visit.stage.sold);
    let Some(answer) = visit.ask(Step::Event, Method::GET, &path, None, None, None).await? else {
        return Ok(None);
    };
    let shown = answer.json();
    let rows = shown["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    let run = "1".repeat(seats as usize);
    let found = (0..rows.len()).map(|at| &rows[(at + visit.number as usize) % rows.len()]).find_map(|row| {
        let first = row["free"].as_str()?.find(&run)?;
        Some(named(row["name"].as_str()?, u32::try_from(first).ok()? + 1, seats))
    });
    Ok(found)
}
