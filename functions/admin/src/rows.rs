//! POST /admin/events/{id}/areas/{area}/rows

use std::sync::Arc;

use administration::{EVENT_BODY_BYTES_MAX, RowInput, row, with_more_rows};
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use domain::{
    audit::Actor,
    error::Error,
    event::{Area, Event},
    field_error::{FieldError, Wrong},
    id::EventId,
    row::Row,
};
use http_api::{
    Admin, App, JsonBody, PathArea, Problem,
    fields::{Fields, Read},
    openapi::{AdminProblems, BodyProblems, EventProblems, StoreProblems},
    views::EventWithAreas,
};
use jiff::Timestamp;
use utoipa::ToSchema;

use crate::{get::available, tagged};

/// Rows to add.
#[derive(Debug, ToSchema)]
pub(crate) struct NewRows {
    /// What could not be read.
    #[schema(ignore)]
    unread: Vec<FieldError>,
    /// The rows, the best one first; they stand behind those that the area has.
    #[schema(min_items = 1, max_items = 2000)]
    rows: Vec<RowInput>,
}

impl Read for NewRows {
    const BODY_BYTES_MAX: usize = EVENT_BODY_BYTES_MAX;

    fn read(fields: &mut Fields) -> Option<Self> {
        if !fields.has("rows") {
            fields.complain("rows", Wrong::Missing);
        }
        let rows = fields.objects("rows", row).flatten()?;
        Some(Self { unread: fields.complaints(), rows })
    }
}

http_api::problems! { RowsProblems:
    AreaNotFound: "the event has no area of that id whose seats have names",
    BodyTooLarge: "more than 1 MiB",
    StaleVersion: "it changed in this very moment: send the same again",
}

/// Adds rows to an area whose seats have names, behind those that it has. What a row is called tells it: one that is there already is
/// refused.
#[utoipa::path(
    post, path = "/admin/events/{id}/areas/{area}/rows", operation_id = "add_rows", tag = "Admin", security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The event's id."),
        ("area" = String, Path, description = "The area's id.", example = "balcony"),
    ),
    request_body = NewRows,
    responses(
        (status = 201, description = "The event as it is now.", body = EventWithAreas, headers(("ETag" = String))),
        EventProblems, BodyProblems, AdminProblems, StoreProblems, RowsProblems,
    ),
)]
pub(crate) async fn add_rows(
    State(app): State<Arc<App>>,
    admin: Admin,
    PathArea { event, area }: PathArea,
    JsonBody(input): JsonBody<NewRows>,
) -> Result<impl IntoResponse, Problem> {
    let now = Timestamp::now();
    let event = added(&app, event, &area, input, &admin.into(), now).await?;
    let available = available(&app, &event, now).await?;
    let mut answer = tagged(event, &available)?;
    *answer.status_mut() = StatusCode::CREATED;
    Ok(answer)
}

/// The event with rows behind those that the area has.
async fn added(
    app: &App,
    id: EventId,
    area: &str,
    NewRows { unread, rows }: NewRows,
    by: &Actor,
    now: Timestamp,
) -> Result<Event, Error> {
    let event = app.store.event(id).await?.ok_or(Error::EventNotFound)?;
    let found = event.area_called(Some(area)).filter(Area::is_numbered).ok_or(Error::AreaNotFound)?;
    let layout = catalogue::layout(&app.catalogue, &event).await?;
    let has: Vec<Row> = layout.rows_of(found.key.number).cloned().collect();
    let details = with_more_rows(&event, area, &has, &rows, unread)?;
    let is_as_read = |now: &Event| now.version == event.version;
    booking::replace_event(&app.protocol, id, is_as_read, |_| Ok(details), Some(by), now).await
}
