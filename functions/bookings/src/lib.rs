//! Bookings: a user's history, one booking, cancel.

mod cancel;
mod get;
mod list;

use std::sync::Arc;

use shared::App;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list::list)).routes(routes!(get::get)).routes(routes!(cancel::cancel))
}
