//! DELETE /admin/events/{id}

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use domain::id::EventId;
use http_api::{
    Admin, App, PathId, Problem,
    headers::RequiredIfMatch,
    openapi::{AdminProblems, IfMatchHeader, StoreProblems, VersionProblems},
};
use jiff::Timestamp;

http_api::problems! { DeleteProblems:
    EventNotFound: "there is none, or none any more",
    EventNotDraft,
    EventHasBookings: "seats of it were sold once",
}

/// Deletes a draft, with its prices and all else that belongs to it. A draft of which seats were ever sold can't be deleted,
/// even if all its bookings are cancelled: they must find their event.
#[utoipa::path(
    delete, path = "/admin/events/{id}", tag = "Admin", security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The event's id."),
        IfMatchHeader,
    ),
    responses(
        (status = 204, description = "The event is gone."),
        VersionProblems, AdminProblems, StoreProblems, DeleteProblems,
    ),
)]
pub(crate) async fn delete_event(
    State(app): State<Arc<App>>,
    admin: Admin,
    PathId(id): PathId<EventId>,
    RequiredIfMatch(if_match): RequiredIfMatch,
) -> Result<impl IntoResponse, Problem> {
    let (by, now) = (admin.into(), Timestamp::now());
    booking::delete_draft(&app.protocol, id, |event| if_match.allows(event.version), Some(&by), now).await?;
    Ok(StatusCode::NO_CONTENT)
}
