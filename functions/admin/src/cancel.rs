//! POST and GET /admin/events/{id}/cancel

use std::sync::Arc;

use administration::reason;
use axum::{Json, extract::State, response::IntoResponse};
use booking::CancellationProgress;
use domain::{
    event::Event,
    id::EventId,
    time::{show, show_or_null},
};
use http_api::{
    Admin, App, JsonBody, PathId, Problem,
    fields::{Fields, Read},
    headers::RequiredIfMatch,
    openapi::{AdminProblems, BodyProblems, EventProblems, IfMatchHeader, StoreProblems, VersionProblems},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// Why an event is cancelled.
#[derive(Debug, ToSchema)]
pub(crate) struct CancelInput {
    /// What people who had places are told, at most 500 characters in one line; left out, null or empty if there is nothing to say.
    #[schema(value_type = Option<String>, example = "A storm is coming.", max_length = 500)]
    reason: Option<String>,
}

impl Read for CancelInput {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { reason: fields.optional("reason", reason) })
    }
}

/// How far the cancellation of an event has come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cancellation)]
pub(crate) struct CancellationView {
    /// What people who had places are told; empty if no reason was given.
    #[schema(example = "A storm is coming.")]
    reason: String,
    /// When the event was cancelled.
    #[serde(serialize_with = "show")]
    cancelled_at: Timestamp,
    /// When the last of its bookings was cancelled; null while some may be left.
    #[serde(serialize_with = "show_or_null")]
    finished_at: Option<Timestamp>,
    /// Its bookings that are cancelled, those among them that their owners had cancelled before.
    #[schema(example = 120)]
    bookings_cancelled: u64,
    /// Its bookings that are still to be cancelled.
    #[schema(example = 30)]
    bookings_left: u64,
    /// The places of those.
    #[schema(example = 64)]
    places_left: u64,
    /// The event's version.
    #[schema(example = 4)]
    version: u64,
}

/// What comes after an event was cancelled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CancellationAnswer {
    /// How far it is; null if the event is not cancelled, or was by a release that left its bookings as they were.
    #[schema(value_type = Option<CancellationView>)]
    cancellation: Option<CancellationView>,
}

impl CancellationAnswer {
    fn of(event: &Event, progress: Option<CancellationProgress>) -> Json<Self> {
        let view = |CancellationProgress { cancellation, bookings_cancelled, bookings_left, places_left }| {
            CancellationView {
                reason: cancellation.reason,
                cancelled_at: cancellation.at,
                finished_at: cancellation.finished_at,
                bookings_cancelled,
                bookings_left,
                places_left,
                version: event.version,
            }
        };
        Json(Self { cancellation: progress.map(view) })
    }
}

/// Cancels an event, whatever is sold of it. It can't be undone. It goes off sale at once; then each of its bookings is cancelled
/// within minutes, and its owner told. Sent again it answers how far that is.
///
/// `status: "cancelled"` in a PUT or PATCH does the same, with an empty reason.
#[utoipa::path(
    post, path = "/admin/events/{id}/cancel", tag = "Admin", security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The event's id."),
        IfMatchHeader,
    ),
    request_body = CancelInput,
    responses(
        (status = 200, description = "The event is cancelled.", body = CancellationAnswer),
        EventProblems, VersionProblems, BodyProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn cancel_event(
    State(app): State<Arc<App>>,
    admin: Admin,
    PathId(id): PathId<EventId>,
    RequiredIfMatch(if_match): RequiredIfMatch,
    JsonBody(input): JsonBody<CancelInput>,
) -> Result<impl IntoResponse, Problem> {
    let (by, now) = (admin.into(), Timestamp::now());
    let expected = |event: &Event| if_match.allows(event.version);
    let reason = input.reason.unwrap_or_default();
    let (event, progress) =
        booking::cancel_event(&app.protocol, id, expected, reason, Some(&by), now).await?;
    Ok(CancellationAnswer::of(&event, Some(progress)))
}

/// How far the cancellation of an event has come.
#[utoipa::path(
    get, path = "/admin/events/{id}/cancel", tag = "Admin", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The event's id.")),
    responses(
        (status = 200, description = "How far it is.", body = CancellationAnswer),
        EventProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn get_cancellation(
    State(app): State<Arc<App>>,
    _: Admin,
    PathId(id): PathId<EventId>,
) -> Result<impl IntoResponse, Problem> {
    let (event, progress) = booking::cancellation(&app.protocol, id).await?;
    Ok(CancellationAnswer::of(&event, progress))
}
