//! PUT /admin/events/{id}

use std::sync::Arc;

use administration::EventInput;
use axum::{extract::State, response::IntoResponse};
use domain::id::EventId;
use http_api::{
    Admin, App, JsonBody, PathId, Problem,
    headers::RequiredIfMatch,
    openapi::{AdminProblems, BodyProblems, EventProblems, IfMatchHeader, StoreProblems, VersionProblems},
    views::EventWithAreas,
};
use jiff::Timestamp;

use crate::{get::available, tagged};

http_api::problems! { ReplaceProblems:
    BodyTooLarge: "more than 1 MiB",
    AreasRequired: "and `areas` are left out",
    CapacityBelowSold: "see `lowest_capacity`",
    AreaHasBookings: "it can't be taken away",
    EventHasBookings: "it can't become a draft",
    EventCancelled: "it can't take place after all",
}

/// Replaces an event's editable fields. The capacity can be lowered to what is held and sold, `currency` can't be
/// changed, `status: "cancelled"` cancels the event and its bookings for good, as `POST /admin/events/{id}/cancel` does. It becomes
/// a `"draft"` only while nothing of it is sold or held.
///
/// Of an event that names `areas` all are sent: one that is left out is taken away, if nothing of it is sold or held.
///
/// A left-out `status` keeps its value. Everything else that is left out gets its default: without `sales_open_at` sales
/// are open at once, without `max_per_user` a user may have 10 seats, without `pricing` demand pricing ends, and the price
/// is the base price. To change some fields and keep the rest, send a PATCH.
#[utoipa::path(
    put, path = "/admin/events/{id}", tag = "Admin", security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The event's id."),
        IfMatchHeader,
    ),
    request_body = EventInput,
    responses(
        (status = 200, description = "The event as it is now.", body = EventWithAreas, headers(("ETag" = String))),
        EventProblems, VersionProblems, BodyProblems, AdminProblems, StoreProblems, ReplaceProblems,
    ),
)]
pub(crate) async fn replace_event(
    State(app): State<Arc<App>>,
    admin: Admin,
    PathId(id): PathId<EventId>,
    RequiredIfMatch(if_match): RequiredIfMatch,
    JsonBody(input): JsonBody<EventInput>,
) -> Result<impl IntoResponse, Problem> {
    let now = Timestamp::now();
    let event = booking::replace_event(
        &app.protocol,
        id,
        |event| if_match.allows(event.version),
        |event| input.details(Some(event), now),
        Some(&admin.into()),
        now,
    )
    .await?;
    let available = available(&app, &event, now).await?;
    tagged(event, &available)
}
