//! GET /events/{id}/seats

use std::sync::Arc;

use axum::{extract::State, response::Response};
use catalogue::AreaSeats;
use domain::{error::Error, field_error::Wrong, id::EventId, text::SHORT_ID_CHARS_MAX};
use http_api::{
    App, PathId, Problem, QueryParams,
    fields::{Fields, Read, text_of},
    headers::{cacheable, json_answer},
    openapi::{EventProblems, IfNoneMatchHeader, ParameterProblems, StoreProblems},
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::CACHE_SECONDS;

/// Whose seats.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeatsParams {
    /// Of which area, by its id. Needed where the seats of several have names.
    #[param(example = "balcony", pattern = "^[a-z0-9-]{1,32}$")]
    area: Option<String>,
}

impl Read for SeatsParams {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { area: fields.optional("area", text_of(1..=SHORT_ID_CHARS_MAX)) })
    }
}

/// Which seats of an area are free.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Seats)]
pub(crate) struct SeatsView {
    /// The area's id.
    #[schema(example = "balcony")]
    area: String,
    /// Another number after each change of what is free.
    #[schema(example = 1_957_392_000_000_042_u64)]
    version: u64,
    /// The version of the layout that these rows are of.
    #[schema(example = 4_294_967_297_u64)]
    layout: u64,
    /// The rows, best first.
    rows: Vec<RowView>,
}

/// Which seats of a row are free.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RowOfSeats)]
pub(crate) struct RowView {
    /// What the row is called.
    #[schema(example = "A")]
    name: String,
    /// Its seats in their order, a character each: `1` for a free one, `0` for one that is held, sold or out of sale.
    #[schema(example = "1101", pattern = "^[01]*$")]
    free: String,
}

http_api::problems! { SeatsProblems:
    AreaNotFound: "the event has no area of that id whose seats have names",
}

/// Which seats of an area are free right now, of areas whose seats have names. What they are called, and which are accessible, the layout
/// says.
#[utoipa::path(
    get, path = "/events/{id}/seats", operation_id = "get_seats", tag = "Events",
    params(
        ("id" = uuid::Uuid, Path, description = "The event's id."),
        SeatsParams, IfNoneMatchHeader,
    ),
    responses(
        (status = 200, description = "The seats.", body = SeatsView,
         headers(("ETag" = String), ("Cache-Control" = String))),
        (status = 304, description = "Nothing has changed.", headers(("ETag" = String))),
        EventProblems, ParameterProblems, StoreProblems, SeatsProblems,
    ),
)]
pub(crate) async fn get_seats(
    State(app): State<Arc<App>>,
    PathId(id): PathId<EventId>,
    QueryParams(params): QueryParams<SeatsParams>,
) -> Result<Response, Problem> {
    let found = catalogue::seats(&app.catalogue, id, params.area.as_deref()).await;
    let AreaSeats { area, layout, seats } = found.map_err(|error| match error {
        Error::AreaRequired => Problem::bad_parameter("area", Wrong::Missing),
        error => error.into(),
    })?;
    let rows = seats.rows.into_iter().map(|row| RowView { name: row.name, free: row.free });
    let view = SeatsView { area, version: seats.version, layout, rows: rows.collect() };
    Ok(cacheable(CACHE_SECONDS, json_answer(&view)?))
}
