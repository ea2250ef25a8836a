//! `/console/events/{id}/areas/{area}`: an area whose seats have names: what is free, more rows, seats that leave the sale and come back.

use std::sync::Arc;

use administration::{EVENT_BODY_BYTES_MAX, RowInput, with_more_rows};
use axum::{extract::State, http::StatusCode, response::Response};
use booking::SEATS_AT_ONCE_MAX;
use domain::{
    audit::Actor,
    error::Error,
    event::{Area, Event, EventStatus},
    field_error::{FieldError, Kind, Wrong},
    id::{AreaKey, EventId},
    inventory::InventoryShard,
    row::{ROWS_MAX, Row, SeatSet, place_of_seat},
};
use http_api::{
    Admin, App, PathArea, Permit, Problem,
    fields::{Fields, Read, text},
};
use jiff::Timestamp;
use maud::{Markup, html};
use stores::redis::scripts::{RowFree, row_by_dynamodb};

use super::{
    edit::Wrong as Refused,
    event, hall_map, page_with,
    row_lines::{self, TypedRow, in_row},
    tables::table,
};
use crate::frame::{
    form::{Form, Typed},
    parts::{Field, form_error, hidden},
    seat_map::Look,
    visitor::Visitor,
    words::{counted, grouped},
};

pub(crate) const PATH: &str = "/console/events/{id}/areas/{area}";
pub(crate) const SEATS_PATH: &str = "/console/events/{id}/areas/{area}/seats";
/// Rows that are listed at once; more are folded away.
const ROWS_SHOWN: usize = 50;
const ROWS: &str = "rows";
const SEATS: &str = "seats";

const MORE_ROWS: Field = Field::new(ROWS, "Rows to add", "textarea").hint(
    "Behind those that it has, a line each: A 24 has the seats 1 to 24, B 1,2,5 these; C..K 20 : 1,20 are rows C to K, whose seats 1 and \
     20 are accessible. What is added stays.",
);
const SOME_SEATS: Field = Field::new(SEATS, "Seats", "text")
    .hint("Like A-7, A-8. A row's name alone means all its seats. They leave the sale while nobody has them, 50 at most at once.");

/// Where an area is shown.
pub(crate) fn href(event: EventId, area: &str) -> String {
    format!("{}/areas/{area}", event::href(event))
}

/// An area with its rows, and what is free in them.
struct Hall {
    event: Event,
    key: AreaKey,
    rows: Vec<Row>,
    free: Vec<RowFree>,
    shards: Vec<InventoryShard>,
}

impl Hall {
    async fn of(app: &App, id: EventId, area: &str) -> Result<Self, Error> {
        let event = app.store.event(id).await?.ok_or(Error::EventNotFound)?;
        let found = event.area_called(Some(area)).filter(Area::is_numbered).ok_or(Error::AreaNotFound)?;
        let key = found.key;
        let (layout, shards) = tokio::join!(
            catalogue::layout(&app.catalogue, &event),
            app.store.inventory_of_area(key, &event.shards)
        );
        let rows: Vec<Row> = layout?.rows_of(key.number).cloned().collect();
        let shards = shards?;
        // Nobody holds anything of a draft, and nobody is told of its seats.
        let free = match event.details.status {
            EventStatus::Draft => {
                rows.iter().zip(&shards).map(|(row, shard)| row_by_dynamodb(shard, row)).collect()
            }
            _ => catalogue::seats(&app.catalogue, id, Some(area)).await?.seats.rows,
        };
        Ok(Self { event, key, rows, free, shards })
    }

    fn area(&self) -> Result<Area<'_>, Error> {
        self.event.area(self.key.number).ok_or(Error::AreaNotFound)
    }

    fn out_of_sale(&self, row: usize) -> SeatSet {
        self.shards.get(row).map(|shard| shard.out_of_sale).unwrap_or_default()
    }

    /// What a seat is. Rows behind those that it has are new.
    fn look(&self, row: usize, seat: u8) -> Look {
        let is_free =
            self.free.get(row).is_some_and(|row| row.free.as_bytes().get(usize::from(seat)) == Some(&b'1'));
        match (row >= self.rows.len(), self.out_of_sale(row).has(seat), is_free) {
            (true, ..) => Look::New,
            (_, true, _) => Look::OutOfSale,
            (_, _, true) => Look::Free,
            _ => Look::Taken,
        }
    }

    /// How many seats of a row look like that.
    fn count(&self, row: usize, look: Look) -> usize {
        let seats = (0..self.rows[row].labels.count()).filter_map(|seat| u8::try_from(seat).ok());
        seats.filter(|seat| self.look(row, *seat) == look).count()
    }

    fn count_all(&self, look: Look) -> usize {
        (0..self.rows.len()).map(|row| self.count(row, look)).sum()
    }

    /// The seats that a text names; a row stands for those of its seats that the change is about.
    fn seats(&self, named: &[String], way: Way) -> Vec<String> {
        let mut seats = Vec::new();
        for name in named {
            let is_seat = place_of_seat(&self.rows, name).is_some();
            match self.rows.iter().position(|row| row.name == *name).filter(|_| !is_seat) {
                Some(at) => {
                    let out = self.out_of_sale(at);
                    let labels = (0..=u8::MAX).zip(self.rows[at].labels.iter());
                    let meant = labels.filter(|(seat, _)| out.has(*seat) == (way == Way::Back));
                    seats.extend(meant.map(|(_, label)| format!("{name}-{label}")));
                }
                None => seats.push(name.clone()),
            }
        }
        seats
    }
}

/// What the page shows beside the hall.
#[derive(Default)]
struct Beside<'a> {
    typed: Typed,
    errors: &'a [FieldError],
    text: Option<String>,
    /// The hall's rows with others behind them, before they are saved.
    preview: Option<&'a [Row]>,
}

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Admin,
    PathArea { event, area }: PathArea,
) -> Result<Response, Problem> {
    let hall = Hall::of(&app, event, &area).await?;
    Ok(page_of(visitor, StatusCode::OK, &hall, Beside::default())?)
}

fn page_of(visitor: Visitor, status: StatusCode, hall: &Hall, beside: Beside<'_>) -> Result<Response, Error> {
    let area = hall.area()?;
    let (free, taken, out) =
        (hall.count_all(Look::Free), hall.count_all(Look::Taken), hall.count_all(Look::OutOfSale));
    let here = href(hall.event.id, area.id);
    let said = format!(
        "{}: {} free, {} held or sold, {} out of sale.",
        hall_map::size(&hall.rows),
        grouped(free),
        grouped(taken),
        grouped(out)
    );
    let rows = beside.preview.unwrap_or(&hall.rows);
    let main = html! {
        h1 { (area.name) }
        (form_error(beside.text.as_deref()))
        p { a href=(event::href(hall.event.id)) { (hall.event.details.name) } }
        p { (said) }
        @if let Some(rows) = beside.preview {
            p.notice role="status" { "With " (counted((rows.len() - hall.rows.len()) as u64, "new row")) ", which nobody has saved yet." }
        }
        (hall_map::map(rows, &said, |row, seat| hall.look(row, seat)))
        section aria-labelledby="more" {
            h2 #more { "More rows" }
            form method="post" action=(here) autocomplete="off" {
                (hidden(&visitor.glimpse, None))
                (MORE_ROWS.show(&beside.typed, beside.errors))
                div.actions {
                    button.quiet name="preview" value="yes" { "Preview" }
                    button { "Add these rows" }
                }
            }
        }
        section aria-labelledby="sale" {
            h2 #sale { "Out of sale, and back" }
            form method="post" action=(format!("{here}/seats")) autocomplete="off" {
                (hidden(&visitor.glimpse, None))
                (SOME_SEATS.show(&beside.typed, beside.errors))
                div.actions {
                    button.quiet name="way" value="out" { "Take out of sale" }
                    button.quiet name="way" value="back" { "Bring back" }
                }
            }
        }
        section aria-labelledby="rows-list" {
            h2 #rows-list { "Rows" }
            @if hall.rows.len() > ROWS_SHOWN { details { summary { "All " (hall.rows.len()) " rows" } (rows_of(hall)) } } @else { (rows_of(hall)) }
        }
    };
    let title = format!("{}: {}", hall.event.details.name, area.name);
    Ok(page_with(visitor, status, &title, main))
}

fn rows_of(hall: &Hall) -> Markup {
    let rows = hall.rows.iter().enumerate().map(|(at, row)| {
        let out: Vec<_> =
            hall.out_of_sale(at).iter().map(|seat| row.labels.label(seat).into_owned()).collect();
        vec![
            html! { (row.name) },
            html! { (row.labels.count()) },
            html! { (hall.count(at, Look::Free)) },
            html! { (hall.count(at, Look::Taken)) },
            html! { @if out.is_empty() { "–" } @else { (out.join(", ")) } },
        ]
    });
    table("Rows", ["Row", "Seats", "Free", "Held or sold", "Out of sale"], rows)
}

/// Rows as somebody typed them.
#[derive(Debug)]
pub(crate) struct MoreRows {
    rows: Vec<TypedRow>,
    is_preview: bool,
}

impl Read for MoreRows {
    const BODY_BYTES_MAX: usize = EVENT_BODY_BYTES_MAX;

    fn read(fields: &mut Fields) -> Option<Self> {
        let is_preview = fields.optional("preview", text).is_some();
        let typed = |value| row_lines::rows(&text(value)?).map_err(|_| Wrong::Type(Kind::List));
        let rows = fields.required(ROWS, typed)?;
        Some(Self { rows, is_preview })
    }
}

pub(crate) async fn add_rows(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    permit: Permit,
    admin: Admin,
    PathArea { event, area }: PathArea,
    Form { read, typed, .. }: Form<MoreRows>,
) -> Result<Response, Problem> {
    let hall = Hall::of(&app, event, &area).await?;
    let (by, now) = (Actor::from(admin), Timestamp::now());
    let refused = |visitor, error, rows: &[TypedRow]| refused(visitor, &hall, &typed, error, rows);
    let MoreRows { rows, is_preview } = match read {
        Ok(read) => read,
        Err(errors) => return refused(visitor, Error::Invalid(errors), &[]),
    };
    if let Err(error) = permit.granted().await {
        return refused(visitor, error, &rows);
    }
    let new: Vec<RowInput> = rows.iter().map(|typed| typed.row.clone()).collect();
    let details = match with_more_rows(&hall.event, &area, &hall.rows, &new, Vec::new()) {
        Ok(details) => details,
        Err(error) => return refused(visitor, error, &rows),
    };
    if is_preview {
        let preview = details.rows.get(&area).map(Vec::as_slice);
        return Ok(page_of(visitor, StatusCode::OK, &hall, Beside { typed, preview, ..Beside::default() })?);
    }
    let is_as_read = |now: &Event| now.version == hall.event.version;
    match booking::replace_event(&app.protocol, event, is_as_read, |_| Ok(details), Some(&by), now).await {
        Ok(_) => {
            let said = format!("{} are added.", counted(new.len() as u64, "row"));
            Ok(visitor.go_saying(&href(event, &area), said.replace("1 row are", "1 row is")))
        }
        Err(error) => refused(visitor, error, &rows),
    }
}

/// Which way seats go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Out,
    Back,
}

/// Seats that are to leave the sale, or come back.
#[derive(Debug)]
pub(crate) struct SeatsMove {
    seats: Vec<String>,
    way: Way,
}

impl Read for SeatsMove {
    fn read(fields: &mut Fields) -> Option<Self> {
        let way = match fields.required("way", text)?.as_str() {
            "out" => Way::Out,
            "back" => Way::Back,
            _ => {
                fields.complain(SEATS, Wrong::NotOneOf(vec!["out", "back"]));
                return None;
            }
        };
        let named = fields.required(SEATS, text)?;
        let names = named.split([',', '/', '\n']).map(str::trim).filter(|name| !name.is_empty());
        Some(Self { seats: names.map(str::to_owned).collect(), way })
    }
}

pub(crate) async fn move_seats(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    permit: Permit,
    admin: Admin,
    PathArea { event, area }: PathArea,
    Form { read, typed, .. }: Form<SeatsMove>,
) -> Result<Response, Problem> {
    let hall = Hall::of(&app, event, &area).await?;
    let (by, now) = (Actor::from(admin), Timestamp::now());
    let refused = |visitor, error| refused(visitor, &hall, &typed, error, &[]);
    let SeatsMove { seats, way } = match read {
        Ok(read) => read,
        Err(errors) => return refused(visitor, Error::Invalid(errors)),
    };
    if let Err(error) = permit.granted().await {
        return refused(visitor, error);
    }
    let seats = hall.seats(&seats, way);
    if seats.is_empty() {
        return refused(visitor, Error::invalid_field(SEATS, Wrong::Missing));
    }
    if seats.len() > SEATS_AT_ONCE_MAX {
        return refused(
            visitor,
            Error::invalid_field(SEATS, Wrong::Length { min: 0, max: Some(SEATS_AT_ONCE_MAX) }),
        );
    }
    let many = counted(seats.len() as u64, "seat");
    let (moved, said) = match way {
        Way::Out => (
            booking::withdraw_seats(&app.protocol, event, &area, &seats, Some(&by), now).await,
            format!("{many} out of sale."),
        ),
        Way::Back => (
            booking::restore_seats(&app.protocol, event, &area, &seats, Some(&by), now).await,
            format!("{many} back on sale."),
        ),
    };
    match moved {
        Ok(_) => Ok(visitor.go_saying(&href(event, &area), said)),
        Err(error) => refused(visitor, error),
    }
}

/// The page again, with what was typed, and why nothing was done.
fn refused(
    visitor: Visitor,
    hall: &Hall,
    typed: &Typed,
    error: Error,
    rows: &[TypedRow],
) -> Result<Response, Problem> {
    let wrong = match error {
        error @ (Error::EventNotFound | Error::AreaNotFound | Error::TokenEnded) => return Err(error.into()),
        Error::Invalid(errors) => Refused::fields(errors),
        error => Refused::of(error),
    };
    let errors: Vec<FieldError> = wrong.errors.iter().map(|error| for_people(error, typed, rows)).collect();
    let beside = Beside { typed: typed.clone(), errors: &errors, text: wrong.text, preview: None };
    Ok(page_of(visitor, wrong.status, hall, beside)?)
}

/// What is wrong, in the words of the forms.
fn for_people(error: &FieldError, typed: &Typed, rows: &[TypedRow]) -> FieldError {
    let (field, message) = match (&*error.field, error.code) {
        (ROWS, "wrong_type") => (ROWS, row_lines::rows(typed.get(ROWS)).err().map(|unread| unread.said())),
        (ROWS, "wrong_count" | "too_many_rows") => {
            (ROWS, Some(format!("must be {} at most, those among them that there are", grouped(ROWS_MAX))))
        }
        (SEATS, "wrong_length") => (SEATS, Some(format!("must be {SEATS_AT_ONCE_MAX} at most at once"))),
        (SEATS, "required") => (SEATS, Some("must name one that this would change".to_owned())),
        (SEATS, _) => (SEATS, None),
        // Of the event as a whole there are too many then.
        (field, _) => (ROWS, in_row(error, field, rows)),
    };
    let message = message.unwrap_or_else(|| error.message.clone());
    FieldError { field: field.to_owned(), message, ..error.clone() }
}
