//! GET /reservations

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use domain::id::ReservationId;
use http_api::{
    App, Caller, Problem, QueryParams,
    cursor::{from_cursor, to_cursor},
    fields::{Fields, Read, text},
    openapi::{CallerProblems, ParameterProblems, StoreProblems},
    query::{limit, page_items},
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::view::ReservationView;

/// Which page.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Items in the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

impl Read for ListParams {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { limit: limit(fields), cursor: fields.optional("cursor", text) })
    }
}

/// A page of holds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReservationList {
    /// Newest first.
    items: Vec<ReservationView>,
    /// Send it as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// One's own holds that have not ended, over all events, newest first. What became a booking is among the bookings.
#[utoipa::path(
    get, path = "/reservations", tag = "Booking", security(("bearer" = [])),
    params(ListParams),
    responses(
        (status = 200, description = "A page of reservations.", body = ReservationList),
        ParameterProblems, CallerProblems, StoreProblems,
    ),
)]
pub(crate) async fn list_reservations(
    State(app): State<Arc<App>>,
    caller: Caller,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<impl IntoResponse, Problem> {
    let limit = page_items(params.limit);
    let list = format!("reservations {}", caller.user_id);
    let after: Option<ReservationId> = from_cursor(&app.tokens, &list, params.cursor.as_deref())?;
    let mut holds = booking::own_holds(&app.protocol, caller.user_id).await?;
    holds.retain(|(reservation, _)| after.is_none_or(|after| reservation.id < after));
    let last_shown =
        (holds.len() > limit).then(|| holds.get(limit - 1).map(|(reservation, _)| reservation.id));
    holds.truncate(limit);
    Ok(Json(ReservationList {
        items: holds.into_iter().map(|(reservation, now)| ReservationView::held(reservation, now)).collect(),
        next_cursor: to_cursor(&app.tokens, &list, last_shown.flatten())?,
    }))
}
