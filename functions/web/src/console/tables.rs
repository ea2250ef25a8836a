//! Tables of the console.

use administration::Seats;
use domain::event::{Event, EventStatus};
use maud::{Markup, html};

use super::{event, plot::bar};
use crate::frame::words::{grouped, time};

/// A table that is scrolled where it is too wide for the page, also by the keyboard.
pub(crate) fn table<'a>(
    name: &str,
    columns: impl IntoIterator<Item = &'a str>,
    rows: impl IntoIterator<Item = Vec<Markup>>,
) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(format!("Table: {name}")) {
            table {
                thead { tr { @for column in columns { th scope="col" { (column) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (at, cell) in row.into_iter().enumerate() {
                                @if at == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Events with how full they are.
pub(crate) fn events(name: &str, events: &[(Event, Seats)]) -> Markup {
    let columns = ["Event", "Starts", "Status", "Sold", "Held", "Free", "In all", "How full"];
    let rows = events.iter().map(|(event, seats)| {
        let Seats { capacity, sold, held, ref available, .. } = *seats;
        vec![
            html! { a href=(event::href(event.id)) { (event.details.name) } },
            time(event.details.starts_at),
            status(event.details.status),
            html! { (grouped(sold)) },
            html! { (grouped(held)) },
            html! { (grouped(available.seats)) },
            html! { (grouped(capacity)) },
            bar(sold, held.into(), capacity),
        ]
    });
    table(name, columns, rows)
}

/// A status in a word.
pub(crate) fn word(status: EventStatus) -> &'static str {
    match status {
        EventStatus::Draft => "Draft",
        EventStatus::Published => "Published",
        EventStatus::Cancelled => "Cancelled",
    }
}

/// The same, as it is meant.
pub(crate) fn status(status: EventStatus) -> Markup {
    let class = match status {
        EventStatus::Draft => "",
        EventStatus::Published => "good",
        EventStatus::Cancelled => "gone",
    };
    html! { span class=(class) { (word(status)) } }
}
