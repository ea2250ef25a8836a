//! Admins create, replace and list events, and see how they sell and what moves their prices.

mod analytics;
mod capacity;
mod create;
mod demand;
mod event_bookings;
mod input;
mod inventory;
mod list;
mod numbers;
mod preview;
mod prices;
mod replace;
mod timeline;

use std::sync::Arc;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use axum_extra::headers::HeaderMapExt;
use shared::{
    App,
    domain::event::Event,
    http::{Problem, headers::version_tag, views::EventView},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create::create_event, list::list_all_events))
        .routes(routes!(replace::replace_event))
        .routes(routes!(inventory::show_inventory))
        .routes(routes!(prices::list_prices))
        .routes(routes!(preview::preview_pricing))
        .routes(routes!(event_bookings::list_event_bookings))
        .routes(routes!(capacity::capacity_utilization))
        .routes(routes!(analytics::analytics))
        .routes(routes!(timeline::timeline))
}

/// An event with its ETag.
fn tagged(event: Event, available: u32) -> Result<Response, Problem> {
    let tag = version_tag(event.version)?;
    let mut response = Json(EventView::new(event, available)).into_response();
    response.headers_mut().typed_insert(tag);
    Ok(response)
}
