//! GET /bookings

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use serde::{Deserialize, Serialize};
use shared::{
    App,
    domain::booking::BookingStatus,
    http::{
        Caller, Problem, QueryParams,
        cursor::{from_cursor, to_cursor},
        openapi::{CallerProblems, ParameterProblems, StoreProblems},
        query::page_items,
        views::BookingView,
    },
};
use utoipa::{IntoParams, ToSchema};

/// Which bookings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Only bookings of this status.
    #[param(inline)]
    status: Option<BookingStatus>,
    /// Items in the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// A page of bookings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BookingList {
    /// Newest first.
    items: Vec<BookingView>,
    /// Send it as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// One's own bookings, newest first.
#[utoipa::path(
    get, path = "/bookings", tag = "Booking", security(("bearer" = [])),
    params(ListParams),
    responses(
        (status = 200, description = "A page of bookings.", body = BookingList),
        ParameterProblems, CallerProblems, StoreProblems,
    ),
)]
pub(crate) async fn list_bookings(
    State(app): State<Arc<App>>,
    caller: Caller,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<impl IntoResponse, Problem> {
    let limit = page_items(params.limit)?;
    let list = format!("bookings {} {:?}", caller.user_id, params.status);
    let start = from_cursor(&app.tokens, &list, params.cursor.as_deref())?;
    let page = app.store.bookings_of_user(caller.user_id, params.status, limit, start).await?;
    Ok(Json(BookingList {
        items: page.items.into_iter().map(BookingView::from).collect(),
        next_cursor: to_cursor(&app.tokens, &list, page.next)?,
    }))
}
