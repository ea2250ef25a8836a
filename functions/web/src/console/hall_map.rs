//! Maps of halls in the console: as they are typed, before anything is saved; and as they are, with rows that may come.

use administration::{AreaInput, rows_of};
use domain::row::{Row, seats_of};
use maud::{Markup, html};

use crate::frame::{
    seat_map::{Look, SeatMap, figure},
    words::counted,
};

/// Rows with the look of each of their seats; on the page it is what it is `named` to those who do not see it.
pub(crate) fn map(rows: &[Row], named: &str, look: impl Fn(usize, u8) -> Look) -> Markup {
    let map = SeatMap::of(rows.iter().map(|row| row.labels.count()));
    let has = |wanted: Look| {
        let look = &look;
        move |row: usize, seat: usize| u8::try_from(seat).is_ok_and(|seat| look(row, seat) == wanted)
    };
    let is_accessible =
        |row: usize, seat: usize| u8::try_from(seat).is_ok_and(|seat| rows[row].accessible.has(seat));
    let mut looks = vec![
        (Look::Free, "free"),
        (Look::New, "new"),
        (Look::Taken, "held or sold"),
        (Look::OutOfSale, "out of sale"),
    ];
    let is_there = |wanted: Look| {
        rows.iter().enumerate().any(|(row, of)| (0..of.labels.count()).any(|seat| has(wanted)(row, seat)))
    };
    looks.retain(|(look, _)| is_there(*look));
    if rows.iter().any(|row| !row.accessible.is_empty()) {
        looks.push((Look::Accessible, "accessible"));
    }
    let drawing = html! {
        @for (look, _) in &looks {
            @if *look == Look::Accessible { (map.seats(*look, is_accessible)) } @else { (map.seats(*look, has(*look))) }
        }
    };
    figure(&map.show(Some(named), &drawing), &looks)
}

/// The halls of areas as they are typed. What is wrong with one is said beside its field.
pub(crate) fn preview(areas: &[AreaInput]) -> Markup {
    let halls: Vec<(&AreaInput, Vec<Row>)> = areas
        .iter()
        .filter_map(|area| {
            let (rows, errors) = rows_of(area.rows.as_deref()?, "", &[]);
            errors.is_empty().then_some((area, rows))
        })
        .collect();
    html! {
        section aria-labelledby="preview" {
            h2 #preview { "Preview" }
            p { "Nothing is saved yet." }
            @for (area, rows) in &halls {
                h3 { (area.name) }
                p { (size(rows)) }
                (map(rows, &format!("{}: {}", area.name, size(rows)), |_, _| Look::Free))
            }
            @if halls.is_empty() { p { "No area has rows of seats that can be shown." } }
        }
    }
}

/// `3 rows, 72 seats`
pub(crate) fn size(rows: &[Row]) -> String {
    format!("{}, {}", counted(rows.len() as u64, "row"), counted(seats_of(rows).into(), "seat"))
}
