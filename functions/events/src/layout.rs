//! GET /events/{id}/layout

use std::sync::Arc;

use axum::{extract::State, response::Response};
use domain::{
    error::Error,
    event::{Event, EventStatus},
    id::EventId,
    row::{Labels, Layout, Row},
};
use http_api::{
    App, PathId, Problem,
    headers::{cacheable, json_answer},
    openapi::{EventProblems, IfNoneMatchHeader, StoreProblems},
};
use serde::Serialize;
use utoipa::ToSchema;

/// Rows are seldom added, and never change.
const LAYOUT_CACHE_SECONDS: u32 = 300;

/// The rows of an event's areas whose seats have names.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Layout)]
pub(crate) struct LayoutView {
    /// Another number for another layout. The seats of an area say which one they are of.
    #[schema(example = 4_294_967_297_u64)]
    version: u64,
    /// The areas, in the event's order; none where no seat has a name.
    areas: Vec<AreaLayout>,
}

/// The rows of an area.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AreaLayout {
    /// The area's id.
    #[schema(example = "balcony")]
    id: String,
    /// Its rows, best first.
    rows: Vec<RowLayout>,
}

/// A row of seats. Neighbours are those that stand beside each other in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowLayout {
    /// What it is called.
    #[schema(example = "A")]
    name: String,
    /// How many seats it has, which are called 1, 2, 3 and so on; or their labels, in their order. A booking names a seat by the
    /// row's name, a hyphen and its label.
    labels: Labels,
    /// The labels of those that are meant for people who need them.
    #[schema(example = json!(["1"]))]
    accessible: Vec<String>,
}

impl From<&Row> for RowLayout {
    fn from(row: &Row) -> Self {
        let accessible = row.accessible.iter().map(|seat| row.labels.label(seat).into_owned());
        Self { name: row.name.clone(), labels: row.labels.clone(), accessible: accessible.collect() }
    }
}

impl LayoutView {
    fn new(event: &Event, layout: &Layout) -> Self {
        let areas = event.areas().into_iter().filter(|area| area.is_numbered());
        let areas = areas.map(|area| AreaLayout {
            id: area.id.to_owned(),
            rows: layout.rows_of(area.key.number).map(RowLayout::from).collect(),
        });
        Self { version: event.layout_version(), areas: areas.collect() }
    }
}

/// The rows of an event's areas whose seats have names: what they are called, and which seats are accessible.
#[utoipa::path(
    get, path = "/events/{id}/layout", operation_id = "get_layout", tag = "Events",
    params(
        ("id" = uuid::Uuid, Path, description = "The event's id."),
        IfNoneMatchHeader,
    ),
    responses(
        (status = 200, description = "The layout.", body = LayoutView,
         headers(("ETag" = String), ("Cache-Control" = String))),
        (status = 304, description = "Nothing has changed.", headers(("ETag" = String))),
        EventProblems, StoreProblems,
    ),
)]
pub(crate) async fn get_layout(
    State(app): State<Arc<App>>,
    PathId(id): PathId<EventId>,
) -> Result<Response, Problem> {
    let shown = catalogue::event(&app.catalogue, id).await?;
    let event = shown.map(|shown| shown.event).filter(|event| event.details.status != EventStatus::Draft);
    let event = event.ok_or(Error::EventNotFound)?;
    let layout = catalogue::layout(&app.catalogue, &event).await?;
    Ok(cacheable(LAYOUT_CACHE_SECONDS, json_answer(&LayoutView::new(&event, &layout))?))
}
