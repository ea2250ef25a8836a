//! Admins create, replace and list events.

mod create;
mod input;
mod list;
mod replace;

use std::sync::Arc;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use axum_extra::headers::HeaderMapExt;
use jiff::Timestamp;
use shared::{
    App,
    domain::event::Event,
    http::{Problem, headers::version_tag, views::EventView},
    protocol::available_seats,
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(create::create, list::list)).routes(routes!(replace::replace))
}

/// An event with its ETag.
async fn tagged(app: &App, event: Event, now: Timestamp) -> Result<Response, Problem> {
    let available = available_seats(app, std::slice::from_ref(&event), now).await?;
    let tag = version_tag(event.version)?;
    let mut response = Json(EventView::new(event, available.first().copied().unwrap_or(0))).into_response();
    response.headers_mut().typed_insert(tag);
    Ok(response)
}
