//! GET /admin/events

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use jiff::Timestamp;
use serde::Deserialize;
use shared::{
    App,
    http::{
        Admin, Problem, QueryParams,
        cursor::{from_cursor, to_cursor},
        openapi::{AdminProblems, ParameterProblems, StoreProblems},
        query::page_items,
        views::{EventList, EventView},
    },
    protocol::available_seats,
    store::EventsFilter,
};
use utoipa::IntoParams;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Items in the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub(crate) limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    pub(crate) cursor: Option<String>,
}

/// Lists all events by start time: drafts, cancelled and past ones too.
#[utoipa::path(
    get, path = "/admin/events", tag = "Admin", security(("bearer" = [])),
    params(ListParams),
    responses(
        (status = 200, description = "A page of events.", body = EventList),
        ParameterProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn list_all_events(
    State(app): State<Arc<App>>,
    _: Admin,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<impl IntoResponse, Problem> {
    const LIST: &str = "admin events";
    let limit = page_items(params.limit)?;
    let start = from_cursor(&app.tokens, LIST, params.cursor.as_deref())?;
    let page = app.store.events_by_start(&EventsFilter::default(), limit, start).await?;
    let available = available_seats(&app, &page.items, Timestamp::now()).await?;
    Ok(Json(EventList {
        items: page
            .items
            .into_iter()
            .zip(available)
            .map(|(event, seats)| EventView::new(event, seats))
            .collect(),
        next_cursor: to_cursor(&app.tokens, LIST, page.next)?,
    }))
}
