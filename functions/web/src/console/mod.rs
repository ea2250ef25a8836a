//! The console, where admins run their events and see how they sell: a file for each page, or for a page and the forms on it.

pub(crate) mod audit;
pub(crate) mod bookings;
pub(crate) mod deliveries;
pub(crate) mod edit;
pub(crate) mod event;
pub(crate) mod event_form;
pub(crate) mod events;
pub(crate) mod overview;
mod plot;
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
    let main = html! {
        nav.console aria-label="Console" {
            a href=(overview::PATH) { "Overview" }
            a href=(events::PATH) { "Events" }
            a href=(edit::NEW_PATH) { "New event" }
            a href=(audit::PATH) { "Audit trail" }
            a href=(webhooks::PATH) { "Webhooks" }
            a href=(deliveries::PATH) { "Deliveries" }
        }
        (main)
    };
    visitor.page_with(status, &format!("{title} · Console"), main)
}
