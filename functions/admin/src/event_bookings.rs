//! GET /admin/events/{id}/bookings

use std::sync::Arc;

use axum::{extract::State, response::IntoResponse};
use domain::{
    booking::{Booking, BookingStatus},
    error::Error,
    event::{Event, EventNow},
    id::EventId,
    money::decimal,
    page::Page,
    time::shown,
    user::Person,
};
use http_api::{
    Admin, App, PathId, Problem,
    csv::{Asked, FileName, FormParams, List, Part, text},
    cursor::from_cursor_if,
    fields::{self, Fields, Read, word},
    openapi::{AdminProblems, EventProblems, ParameterProblems, StoreProblems},
    query::limit,
    views::{BookingView, rates},
};
use serde::Serialize;
use stores::dynamodb::{is_place_of_event_bookings, place_after};
use utoipa::{IntoParams, ToSchema};

const COLUMNS: [&str; 21] = [
    "id",
    "user_id",
    "event_id",
    "event_name",
    "starts_at",
    "quantity",
    "unit_price",
    "total",
    "currency",
    "status",
    "created_at",
    "cancelled_at",
    "version",
    "user_email",
    "user_name",
    "unit_price_decimal",
    "total_decimal",
    "rates",
    "area",
    "area_name",
    "seats",
];

/// Which bookings.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventBookingsParams {
    /// Only bookings of this status.
    status: Option<BookingStatus>,
    /// Items in the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl Read for EventBookingsParams {
    fn read(fields: &mut Fields) -> Option<Self> {
        let status = fields.optional("status", word(&BookingStatus::ALL, BookingStatus::as_str));
        Some(Self { status, limit: limit(fields), cursor: fields.optional("cursor", fields::text) })
    }
}

/// A page of an event's bookings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventBookingList {
    /// Those whose seats were held last come first. A page may have fewer than `limit` also where another follows, if few
    /// bookings are of the `status` asked for.
    items: Vec<EventBooking>,
    /// Send it as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// A booking and whose it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventBooking {
    /// The buyer's id.
    #[schema(value_type = uuid::Uuid)]
    user_id: String,
    /// The buyer; null if the account was erased.
    user: Option<Buyer>,
    /// The booking.
    #[serde(flatten)]
    booking: BookingView,
}

/// Who booked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Buyer {
    /// The user's id.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// The address that the account signs in with.
    #[schema(example = "ada@example.com")]
    email: String,
    /// How the person wants to be called.
    #[schema(example = "Ada")]
    name: Option<String>,
}

/// Who booked what at an event, newest first. The list follows the truth by a moment: a booking made or cancelled just now
/// may show a little later. So may somebody who just registered, and whoever was just erased may show a little longer.
#[utoipa::path(
    get, path = "/admin/events/{id}/bookings", tag = "Admin", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The event's id."), EventBookingsParams, FormParams),
    responses(
        (status = 200, description = "A page of bookings; as CSV without `limit` all of them.",
         headers(("Link" = String), ("Content-Disposition" = String)),
         content((EventBookingList = "application/json"), (String = "text/csv"))),
        EventProblems, ParameterProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn list_event_bookings(
    State(app): State<Arc<App>>,
    _: Admin,
    PathId(id): PathId<EventId>,
    Asked { params, wanted }: Asked<EventBookingsParams>,
) -> Result<impl IntoResponse, Problem> {
    let name = format!("event bookings {id} {:?}", params.status);
    let start = from_cursor_if(&app.tokens, &name, params.cursor.as_deref(), is_place_of_event_bookings)?;
    let items = wanted.items_at_once(params.limit);
    let read = |start| app.store.bookings_of_event(id, params.status.as_slice(), items, start);
    let (event, page) = tokio::join!(app.store.event(id), read(start));
    let event = event?.ok_or(Error::EventNotFound)?;
    let (file_name, event) = (file_name(&event, params.status), EventNow::from(event));
    let first = with_buyers(&app, &event, page?).await?;
    let more = async |place| with_buyers(&app, &event, read(Some(place)).await?).await;
    let list =
        List { tokens: &app.tokens, name: &name, limit: params.limit, columns: &COLUMNS, row, file_name };
    wanted.list(list, first, more, |items, next_cursor| EventBookingList { items, next_cursor }).await
}

async fn with_buyers(app: &App, event: &EventNow, page: Page<Booking>) -> Result<Part<EventBooking>, Error> {
    let people = app.store.people(page.items.iter().map(|booking| booking.user_id)).await?;
    Ok(Part::of(page, |booking| {
        let (place, buyer) = (place_after(booking.id), people.get(&booking.user_id).cloned());
        (EventBooking::new(booking, event.clone(), buyer), place)
    }))
}

fn file_name(event: &Event, status: Option<BookingStatus>) -> FileName {
    let name = FileName::new("bookings").with(&event.details.name).with_day(event.details.starts_at);
    status.map_or(name.clone(), |status| name.with(status.as_str()))
}

impl EventBooking {
    fn new(booking: Booking, event: EventNow, buyer: Option<Person>) -> Self {
        Self {
            user_id: booking.user_id.to_string(),
            user: buyer.map(Buyer::from),
            booking: BookingView::new(booking, Some(event)),
        }
    }
}

impl From<Person> for Buyer {
    fn from(person: Person) -> Self {
        Self { id: person.id.to_string(), email: person.email.to_string(), name: person.name }
    }
}

fn row(EventBooking { user_id, user, booking }: &EventBooking) -> Vec<String> {
    let (email, name) = match user {
        Some(Buyer { email, name, .. }) => (email.as_str(), name.as_deref().unwrap_or_default()),
        None => ("", ""),
    };
    vec![
        booking.id.clone(),
        user_id.clone(),
        booking.event_id.clone(),
        text(&booking.event_name),
        shown(booking.starts_at),
        booking.quantity.to_string(),
        booking.unit_price.map(|price| price.to_string()).unwrap_or_default(),
        booking.total.to_string(),
        booking.currency.clone(),
        booking.status.as_str().to_owned(),
        shown(booking.created_at),
        booking.cancelled_at.map(shown).unwrap_or_default(),
        booking.version.to_string(),
        text(email),
        text(name),
        booking.unit_price.and_then(|price| decimal(price.into(), &booking.currency)).unwrap_or_default(),
        decimal(booking.total, &booking.currency).unwrap_or_default(),
        text(rates(&booking.lines)),
        text(&booking.area),
        text(&booking.area_name),
        text(booking.seats.as_deref().unwrap_or_default().join(", ")),
    ]
}
