//! PUT /admin/events/{id}

use std::sync::Arc;

use axum::{extract::State, response::IntoResponse};
use jiff::Timestamp;
use shared::{
    App,
    domain::id::EventId,
    http::{
        Admin, JsonBody, PathId, Problem,
        headers::RequiredIfMatch,
        openapi::{AdminProblems, BodyProblems, IfMatchHeader, ProblemBody, StoreProblems},
        views::EventView,
    },
    protocol::{self, available_seats},
};

use crate::{input::EventInput, tagged};

/// Replaces an event's editable fields. The capacity can be lowered to what is held and sold, `currency` can't be
/// changed, `status: "cancelled"` takes the event off sale.
#[utoipa::path(
    put, path = "/admin/events/{id}", tag = "Admin", security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The event's id."),
        IfMatchHeader,
    ),
    request_body = EventInput,
    responses(
        (status = 200, description = "The event as it is now.", body = EventView, headers(("ETag" = String))),
        (status = 404, description = "`event_not_found`.", body = ProblemBody,
         content_type = "application/problem+json"),
        (status = 409, description = "`capacity_below_sold`: see `lowest_capacity`.", body = ProblemBody,
         content_type = "application/problem+json"),
        (status = 412, description = "`stale_version`: see `current_version`.", body = ProblemBody,
         content_type = "application/problem+json"),
        (status = 428, description = "`if_match_required`.", body = ProblemBody,
         content_type = "application/problem+json"),
        BodyProblems,
        (status = 400, description = "`invalid_parameter`: `If-Match` is no strong ETag; `malformed_json`; `malformed_body`.",
         body = ProblemBody, content_type = "application/problem+json"),
        AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn replace_event(
    State(app): State<Arc<App>>,
    _: Admin,
    PathId(id): PathId<EventId>,
    RequiredIfMatch(if_match): RequiredIfMatch,
    JsonBody(input): JsonBody<EventInput>,
) -> Result<impl IntoResponse, Problem> {
    let now = Timestamp::now();
    let event = protocol::replace_event(
        &app,
        id,
        |event| if_match.allows(event.version),
        |event| input.details(Some(event), now),
        now,
    )
    .await?;
    let available = available_seats(&app, std::slice::from_ref(&event), now).await?;
    tagged(event, available.first().copied().unwrap_or(0))
}
