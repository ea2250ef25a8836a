//! GET /bookings

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use axum::{extract::State, response::IntoResponse};
use domain::{
    booking::{Booking, BookingStatus},
    error::Error,
    event::EventNow,
    id::{EventId, UserId},
    money::decimal,
    time::shown,
};
use http_api::{
    App, Caller, Problem,
    csv::{self, Asked, FileName, FormParams, List, Part},
    cursor::from_cursor,
    fields::{Fields, Read, text, word},
    openapi::{CallerProblems, ParameterProblems, StoreProblems},
    query::limit,
    views::{BookingView, rates},
};
use serde::Serialize;
use stores::dynamodb::HistoryPlace;
use utoipa::{IntoParams, ToSchema};

const COLUMNS: [&str; 23] = [
    "id",
    "event_id",
    "event_name",
    "starts_at",
    "quantity",
    "unit_price",
    "unit_price_decimal",
    "total",
    "total_decimal",
    "currency",
    "status",
    "created_at",
    "cancelled_at",
    "version",
    "event_name_now",
    "event_starts_at_now",
    "event_venue_now",
    "event_cancel_until_now",
    "event_status_now",
    "rates",
    "area",
    "area_name",
    "seats",
];

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
    params(ListParams, FormParams),
    responses(
        (status = 200, description = "A page of bookings; as CSV without `limit` all of them.",
         headers(("Link" = String), ("Content-Disposition" = String)),
         content((BookingList = "application/json"), (String = "text/csv"))),
        ParameterProblems, CallerProblems, StoreProblems,
    ),
)]
pub(crate) async fn list_bookings(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asked { params, wanted }: Asked<ListParams>,
) -> Result<impl IntoResponse, Problem> {
    let name = format!("bookings {} {:?}", caller.user_id, params.status);
    let start = from_cursor(&app.tokens, &name, params.cursor.as_deref())?;
    let items = wanted.items_at_once(params.limit);
    let read = async |start| history(&app, caller.user_id, params.status, items, start).await;
    let first = read(start).await?;
    let file_name = FileName::new("bookings");
    let list = List {
        tokens: &app.tokens,
        name: &name,
        limit: params.limit,
        columns: &COLUMNS,
        row,
        file_name: params.status.map_or(file_name.clone(), |status| file_name.with(status.as_str())),
    };
    let more = async |place| read(Some(place)).await;
    wanted.list(list, first, more, |items, next_cursor| BookingList { items, next_cursor }).await
}

async fn history(
    app: &App,
    user: UserId,
    status: Option<BookingStatus>,
    limit: usize,
    start: Option<HistoryPlace>,
) -> Result<Part<BookingView, HistoryPlace>, Error> {
    let page = app.store.bookings_of_user(user, status.as_slice(), limit, start).await?;
    let events = events_now(app, &page.items).await?;
    let items = page.items.into_iter().map(|booking| {
        let (place, event) = (HistoryPlace::of(&booking), events.get(&booking.event_id).cloned());
        (BookingView::new(booking, event), place)
    });
    Ok(Part { items: items.collect(), next: page.next })
}

fn row(booking: &BookingView) -> Vec<String> {
    let written = |amount: u64| decimal(amount, &booking.currency).unwrap_or_default();
    let now = booking.event.as_ref();
    vec![
        booking.id.clone(),
        booking.event_id.clone(),
        csv::text(&booking.event_name),
        shown(booking.starts_at),
        booking.quantity.to_string(),
        booking.unit_price.map(|price| price.to_string()).unwrap_or_default(),
        booking.unit_price.map(|price| written(price.into())).unwrap_or_default(),
        booking.total.to_string(),
        written(booking.total),
        booking.currency.clone(),
        booking.status.as_str().to_owned(),
        shown(booking.created_at),
        booking.cancelled_at.map(shown).unwrap_or_default(),
        booking.version.to_string(),
        now.map(|event| csv::text(&event.name)).unwrap_or_default(),
        now.map(|event| shown(event.starts_at)).unwrap_or_default(),
        now.and_then(|event| event.venue.as_deref()).map(csv::text).unwrap_or_default(),
        now.and_then(|event| event.cancel_until).map(shown).unwrap_or_default(),
        now.map(|event| event.status.as_str().to_owned()).unwrap_or_default(),
        csv::text(rates(&booking.lines)),
        csv::text(&booking.area),
        csv::text(&booking.area_name),
        csv::text(booking.seats.as_deref().unwrap_or_default().join(", ")),
    ]
}

/// The events of these bookings, as they are now.
async fn events_now(app: &App, bookings: &[Booking]) -> Result<HashMap<EventId, EventNow>, Error> {
    let ids: BTreeSet<EventId> = bookings.iter().map(|booking| booking.event_id).collect();
    let found = app.store.events(&ids.into_iter().collect::<Vec<_>>()).await?;
    Ok(found.events.into_iter().map(|event| (event.id, event.into())).collect())
}
