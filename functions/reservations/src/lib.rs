//! Holds: book, look, give back, confirm.

mod book;
mod confirm;
mod look;
mod measure;
mod release;
mod view;

use std::sync::Arc;

use shared::App;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(book::book))
        .routes(routes!(look::get_reservation, release::release_reservation))
        .routes(routes!(confirm::confirm_reservation))
}
