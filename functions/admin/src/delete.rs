//! DELETE /admin/events/{id}

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use domain::id::EventId;
use http_api::{
    Admin, App, PathId, Problem,
    headers::RequiredIfMatch,
    openapi::{AdminProblems, IfMatchHeader, ProblemBody, StoreProblems},
};
use jiff::Timestamp;

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
        (status = 400, description = "`invalid_parameter`: `If-Match` is no ETag.", body = ProblemBody,
         content_type = "application/problem+json"),
        (status = 404, description = "`event_not_found`: there is none, or none any more.", body = ProblemBody,
         content_type = "application/problem+json"),
        (status = 409, description = "`event_not_draft`; `event_has_bookings`: seats of it were sold once.",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "`stale_version`: see `current_version`.", body = ProblemBody,
         content_type = "application/problem+json"),
        (status = 428, description = "`if_match_required`.", body = ProblemBody,
         content_type = "application/problem+json"),
        AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn delete_event(
    State(app): State<Arc<App>>,
    _: Admin,
    PathId(id): PathId<EventId>,
    RequiredIfMatch(if_match): RequiredIfMatch,
) -> Result<impl IntoResponse, Problem> {
    booking::delete_draft(&app.protocol, id, |event| if_match.allows(event.version), Timestamp::now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
