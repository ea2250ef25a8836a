//! POST /reservations/{id}/confirm

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use domain::id::ReservationId;
use http_api::{
    App, Caller, ClientAddress, OptionalIdempotencyKey, PathId, Permit, Problem,
    headers::replayed,
    openapi::{CallerProblems, KeyProblems, OptionalKeyHeader, StoreProblems},
    views::BookingAnswer,
};
use jiff::Timestamp;

http_api::problems! { ConfirmProblems:
    ReservationNotFound: "it is another user's",
    SoldOut | AllHeld: "Redis had lost data, and the held seats were sold to others. Nothing is sold; as long as the hold \
                        lasts, confirming again may find other seats",
    SeatsTaken: "Redis had lost data, and these seats were sold to others, see `seats`. Nothing is sold, and the hold ends soon",
    NotOnSale: "the event was cancelled, or is not published any more",
    PaymentRequired: "it is a pending booking already: pay for that, `booking_id`",
    MaxPerUserReached: "other bookings were confirmed meanwhile",
    ReservationExpired,
    ReservationReleased: "it was given back",
}

/// Buys the held seats. Confirming again answers with the same booking, so it is safe after a lost answer.
#[utoipa::path(
    post, path = "/reservations/{id}/confirm", tag = "Booking", security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The reservation's id."),
        OptionalKeyHeader,
    ),
    responses(
        (status = 201, description = "The seats are sold.", body = BookingAnswer, headers(("Location" = String))),
        (status = 200, description = "They were sold before: the same booking.", body = BookingAnswer,
         headers(("Location" = String), ("Idempotent-Replayed" = bool))),
        KeyProblems, CallerProblems, StoreProblems, ConfirmProblems,
    ),
)]
pub(crate) async fn confirm_reservation(
    State(app): State<Arc<App>>,
    permit: Permit,
    caller: Caller,
    from: ClientAddress,
    PathId(id): PathId<ReservationId>,
    OptionalIdempotencyKey(key): OptionalIdempotencyKey,
) -> Result<impl IntoResponse, Problem> {
    if let Some(key) = key {
        // What is refused leaves no record of its key behind.
        permit.granted().await?;
        booking::check_idempotency_key(&app.protocol, caller.user_id, "confirm", &key, &id.to_string())
            .await?;
    }
    let network = from.network(&app);
    let confirmed = booking::confirm(
        &app.protocol,
        caller.user_id,
        id,
        Timestamp::now(),
        network.as_ref(),
        permit.granted(),
    )
    .await?;
    let status = if confirmed.replayed { StatusCode::OK } else { StatusCode::CREATED };
    let location = format!("/bookings/{id}");
    let answer = Json(BookingAnswer::new(confirmed.booking, confirmed.event));
    Ok(replayed((status, [(header::LOCATION, location)], answer).into_response(), confirmed.replayed))
}
