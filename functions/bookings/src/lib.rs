//! Bookings: a user's history, one booking, cancel.

mod cancel;
mod get;
mod list;

use std::sync::Arc;

use shared::App;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list::list_bookings))
        .routes(routes!(get::get_booking))
        .routes(routes!(cancel::cancel_booking))
}
