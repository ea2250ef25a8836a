//! GET /bookings

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use axum::{Json, extract::State, response::IntoResponse};
use domain::{
    booking::{Booking, BookingStatus},
    error::Error,
    event::EventNow,
    id::EventId,
};
use http_api::{
    App, Caller, Problem, QueryParams,
    cursor::{from_cursor, to_cursor},
    fields::{Fields, Read, text, word},
    openapi::{CallerProblems, ParameterProblems, StoreProblems},
    query::{limit, page_items},
    views::BookingView,
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// Which bookings.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Only bookings of this status.
    status: Option<BookingStatus>,
    /// Items in the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

impl Read for ListParams {
    fn read(fields: &mut Fields) -> Option<Self> {
        let status = fields.optional("status", word(&BookingStatus::ALL, BookingStatus::as_str));
        Some(Self { status, limit: limit(fields), cursor: fields.optional("cursor", text) })
    }
}

/// A page of bookings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BookingList {
    /// The last confirmed first.
    items: Vec<BookingView>,
    /// Send it as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// One's own bookings, the last confirmed first.
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
    let limit = page_items(params.limit);
    let list = format!("bookings {} {:?}", caller.user_id, params.status);
    let start = from_cursor(&app.tokens, &list, params.cursor.as_deref())?;
    let page = app.store.bookings_of_user(caller.user_id, params.status, limit, start).await?;
    let events = events_now(&app, &page.items).await?;
    let items = page.items.into_iter().map(|booking| {
        let event = events.get(&booking.event_id).cloned();
        BookingView::new(booking, event)
    });
    Ok(Json(BookingList { items: items.collect(), next_cursor: to_cursor(&app.tokens, &list, page.next)? }))
}

/// The events of these bookings, as they are now.
async fn events_now(app: &App, bookings: &[Booking]) -> Result<HashMap<EventId, EventNow>, Error> {
    let ids: BTreeSet<EventId> = bookings.iter().map(|booking| booking.event_id).collect();
    let found = app.store.events(&ids.into_iter().collect::<Vec<_>>()).await?;
    Ok(found.events.into_iter().map(|event| (event.id, event.into())).collect())
}
