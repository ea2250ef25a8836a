//! POST /events/{id}/book

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use booking::Wanted;
use domain::{
    event::MAX_PER_BOOKING_MAX,
    field_error::{Kind, Wrong},
    id::EventId,
    rate::{RATES_MAX, WantedRates},
    reservation::WantedSeats,
    row::SEAT_NAME_CHARS_MAX,
    text::{SHORT_ID_CHARS_MAX, in_one_piece, is_short_id},
};
use http_api::{
    App, Caller, ClientAddress, IdempotencyKey, JsonBody, PathId, Permit, Problem,
    fields::{Fields, Read, Value, text_of, texts, truth, whole_within},
    headers::replayed,
    openapi::{BodyProblems, CallerProblems, EventProblems, KeyHeader, KeyProblems, StoreProblems},
};
use jiff::Timestamp;
use utoipa::ToSchema;

use crate::view::ReservationAnswer;

/// What to hold.
#[derive(Debug, ToSchema)]
pub(crate) struct BookRequest {
    /// Of which area, by its id; may be left out where the event has one.
    #[schema(required = false, example = "floor", pattern = "^[a-z0-9-]{1,32}$")]
    area: Option<String>,
    /// How many seats, at most the event's `max_per_booking`. In an area whose seats have names, the best that are free.
    #[schema(required = false, minimum = 1, maximum = 50, default = 1)]
    quantity: u32,
    /// Which seats, in place of `quantity`: of each its row's name, a hyphen, and its label, like `A-7`. All of them or none.
    #[schema(required = false, min_items = 1, max_items = 50)]
    seats: Vec<String>,
    /// Whether the seats must stand side by side in one row; only where they have names and none is chosen.
    #[schema(required = false, default = true)]
    together: bool,
    /// Whether the seats must be such as are meant for people who need them; only where they have names and none is chosen.
    #[schema(required = false, default = false)]
    accessible: bool,
    /// How many of them at which rate, by its id; the rest at the event's first.
    #[schema(required = false, value_type = Option<std::collections::HashMap<String, u32>>, example = json!({ "child": 1 }))]
    rates: WantedRates,
}

impl Read for BookRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        let mut is_readable = true;
        let read_quantity =
            |value| whole_within(1..=MAX_PER_BOOKING_MAX)(value).inspect_err(|_| is_readable = false);
        let (chooses, seats) = (fields.has("seats"), fields.optional("seats", names_of_seats));
        let quantity = match &seats {
            None => fields.given("quantity", read_quantity).unwrap_or(1),
            Some(seats) => {
                fields.optional("quantity", |_| Err::<u32, _>(Wrong::Beside("seats")));
                u32::try_from(seats.len()).unwrap_or(u32::MAX)
            }
        };
        let is_readable = is_readable && chooses == seats.is_some();
        let seats = seats.unwrap_or_default();
        for (nth, seat) in seats.iter().enumerate() {
            if seats.iter().take(nth).any(|other| other == seat) {
                fields.complain(&format!("seats.{nth}"), Wrong::Twice);
            }
        }
        let read_choice = |value| if chooses { Err(Wrong::Beside("seats")) } else { truth(value) };
        let together = fields.optional("together", read_choice).unwrap_or(true);
        let accessible = fields.optional("accessible", read_choice).unwrap_or(false);
        let area = fields.optional("area", text_of(1..=SHORT_ID_CHARS_MAX));
        let rates = fields.optional("rates", by_rate).unwrap_or_default();
        let rates: WantedRates =
            rates.into_iter().filter_map(|(rate, places)| places_at(rate, places, fields)).collect();
        let at_rates: u32 = rates.values().sum();
        if is_readable && at_rates > quantity {
            fields.complain("rates", Wrong::MoreThan(if chooses { "seats" } else { "quantity" }));
        }
        Some(Self { area, quantity, seats, together, accessible, rates })
    }
}

/// Names of seats, like `A-7`, as rows are kept. Which there are, the area knows.
fn names_of_seats(value: Value) -> Result<Vec<String>, Wrong> {
    let seats: Vec<String> = texts(value)?.iter().map(|seat| in_one_piece(seat)).collect();
    let most = MAX_PER_BOOKING_MAX as usize;
    if seats.is_empty() || seats.len() > most {
        return Err(Wrong::Count { min: 1, max: most });
    }
    match seats.iter().any(|seat| seat.chars().count() > SEAT_NAME_CHARS_MAX) {
        true => Err(Wrong::Length { min: 1, max: Some(SEAT_NAME_CHARS_MAX) }),
        false => Ok(seats),
    }
}

/// What stands beside each rate's id.
fn by_rate(value: Value) -> Result<Vec<(String, Value)>, Wrong> {
    let Value::Object(given) = value else { return Err(Wrong::Type(Kind::Object)) };
    let mut ids: Vec<&str> = given.iter().map(|(rate, _)| &**rate).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Wrong::Twice);
    }
    if ids.len() > RATES_MAX {
        return Err(Wrong::Count { min: 0, max: RATES_MAX });
    }
    Ok(given)
}

/// How many places at a rate.
fn places_at(rate: String, places: Value, fields: &mut Fields) -> Option<(String, u32)> {
    match whole_within(0..=MAX_PER_BOOKING_MAX)(places) {
        Ok(places) => Some((rate, places)),
        Err(wrong) => {
            // What can't be an id is not said again.
            let field = if is_short_id(&rate) { format!("rates.{rate}") } else { "rates".to_owned() };
            fields.complain(&field, wrong);
            None
        }
    }
}

http_api::problems! { BookProblems:
    UnknownRate: "see `rate`",
    UnknownArea: "see `area`",
    UnknownSeats: "see `seats`",
    SeatsTaken: "see `seats`",
    NotTogether: "see `largest`",
    AreaRequired: "and none is named",
    IdempotencyKeyRequired,
    EmailNotVerified: "only where the settings ask for it; sign in again, or go on with this token, once the address is verified",
    SoldOut: "fewer seats of the `area` are left than asked for",
    AllHeld: "they may come back, see `retry_at`",
    NotOnSale,
    MaxPerUserReached: "see `left`",
    NetworkLimit: "see `retry_at`",
    HeldTooLong: "seats were held again and again without being bought, or bought and cancelled, see `retry_at`",
}

/// Holds seats for a while, at the price of this moment. Confirm the reservation to buy them.
///
/// Sending the same `Idempotency-Key` again gives the same reservation as it is by then, with `Idempotent-Replayed: true`:
/// `status` says what became of it.
#[utoipa::path(
    post, path = "/events/{id}/book", operation_id = "hold_seats", tag = "Booking", security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The event's id."),
        KeyHeader,
    ),
    request_body(content = Option<BookRequest>,
     example = json!({ "area": "floor", "quantity": 2, "rates": { "child": 1 } })),
    responses(
        (status = 201, description = "The seats are held.", body = ReservationAnswer,
         headers(("Location" = String), ("Idempotent-Replayed" = bool))),
        EventProblems, BodyProblems, KeyProblems, CallerProblems, StoreProblems, BookProblems,
    ),
)]
pub(crate) async fn book(
    State(app): State<Arc<App>>,
    permit: Permit,
    caller: Caller,
    from: ClientAddress,
    PathId(event): PathId<EventId>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(request): JsonBody<BookRequest>,
) -> Result<impl IntoResponse, Problem> {
    caller.must_get_mail(&app).await?;
    let network = from.network(&app);
    let seats = WantedSeats {
        // In another order they are the same: the same request for the same key.
        chosen: request.seats.into_iter().collect(),
        apart: !request.together,
        accessible: request.accessible,
    };
    let wanted = Wanted {
        user: caller.user_id,
        event,
        area: request.area.as_deref(),
        quantity: request.quantity,
        rates: &request.rates,
        seats: &seats,
        idempotency_key: &key,
        network: network.as_ref(),
    };
    let reserved = booking::reserve(&app.protocol, wanted, Timestamp::now(), permit.granted()).await?;
    let location = format!("/reservations/{}", reserved.reservation.id);
    let is_replayed = reserved.replayed;
    let answer = ReservationAnswer { reservation: reserved.into() };
    let response = (StatusCode::CREATED, [(header::LOCATION, location)], Json(answer)).into_response();
    Ok(replayed(response, is_replayed))
}
