//! The console, where admins run their events and see how they sell: a file for each page, or for a page and the forms on it.

pub(crate) mod audit;
pub(crate) mod bookings;
pub(crate) mod deliveries;
pub(crate) mod edit;
pub(crate) mod event;
mod event_complaints;
pub(crate) mod event_form;
mod event_lines;
pub(crate) mod events;
pub(crate) mod hall;
mod hall_map;
pub(crate) mod overview;
mod plot;
mod row_lines;
pub(crate) mod status;
mod tables;
pub(crate) mod webhooks;

use axum::{http::StatusCode, response::Response};
use maud::{Markup, html};

use crate::frame::visitor::Visitor;

/// A page of the console.
fn page(visitor: Visitor, title: &str, main: Markup) -> Response {
    page_with(visitor, StatusCode::OK, title, main)
}

fn page_with(visitor: Visitor, status: StatusCode, title: &str, main: Markup) -> Response {
    // Each of these pages has the title that it is found by.
    let pages = [
        (overview::PATH, "Overview"),
        (events::PATH, "Events"),
        (edit::NEW_PATH, "New event"),
        (audit::PATH, "Audit trail"),
        (webhooks::PATH, "Webhooks"),
        (deliveries::PATH, "Deliveries"),
    ];
    let main = html! {
        nav.console aria-label="Console" {
            @for (path, name) in pages {
                a href=(path) aria-current=[(name == title).then_some("page")] { (name) }
            }
        }
        (main)
    };
    visitor.page_with(status, &format!("{title} · Console"), main)
}
