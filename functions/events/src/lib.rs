//! What anybody may see: upcoming events, popular ones, one event; how the service is, and its documentation.

mod about;
mod docs;
mod get;
mod list;
mod popular;

use std::sync::Arc;

use shared::App;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Seconds that anybody may keep a public answer: `available` is live, so no longer than this.
const CACHE_SECONDS: u32 = 1;

/// The routes of this function.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list::list_events))
        .routes(routes!(popular::popular_events))
        .routes(routes!(get::get_event))
        .routes(routes!(about::health))
        .routes(routes!(about::openapi))
        .routes(routes!(docs::docs))
}
