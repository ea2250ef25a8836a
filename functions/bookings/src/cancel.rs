//! POST /bookings/{id}/cancel

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use http_api::{
    App, BookingId, Caller, ClientAddress, OptionalIdempotencyKey, PathId, Permit, Problem,
    headers::replayed,
    openapi::{CallerProblems, KeyProblems, OptionalKeyHeader, StoreProblems},
    views::BookingAnswer,
};
use jiff::Timestamp;

http_api::problems! { CancelProblems:
    BookingNotFound: "there is none, or it is another user's",
    CancelClosed: "see `cancel_until`",
    NotConfirmed: "it is `pending` or `closing`: give it up instead",
    ReservationExpired: "it was pending, and expired",
    EventStarted: "too late; a booking of a cancelled event can be cancelled at any time",
}

/// Cancels a booking: its seats go back on sale, once. Cancelling again answers the same.
#[utoipa::path(
    post, path = "/bookings/{id}/cancel", tag = "Booking", security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The booking's id."),
        OptionalKeyHeader,
    ),
    responses(
        (status = 200, description = "The booking is cancelled.", body = BookingAnswer,
         headers(("Idempotent-Replayed" = bool)), example = json!({ "booking": {
            "id": "019ae3c1-8f5b-7a0e-9c52-6d1f0a7b3e48",
            "event_id": "019ae3c1-8f5b-7a0e-9c52-6d1f0a7b3e48",
            "event_name": "Open Air 2031",
            "starts_at": "2031-06-12T20:00:00.000Z",
            "event": {
                "name": "Open Air 2031",
                "starts_at": "2031-06-12T20:00:00.000Z",
                "venue": "Riverside Park",
                "cancel_until": null,
                "status": "published",
            },
            "area": "floor",
            "area_name": "Floor",
            "quantity": 2,
            "seats": null,
            "unit_price": 4950,
            "lines": [
                { "rate": "full", "name": "Full price", "quantity": 2, "unit_price": 4950, "total": 9900 },
            ],
            "total": 9900,
            "currency": "EUR",
            "status": "cancelled",
            "reason": null,
            "expires_at": null,
            "created_at": "2031-06-01T12:01:00.000Z",
            "cancelled_at": "2031-06-02T09:30:00.000Z",
            "version": 2,
        }})),
        KeyProblems, CallerProblems, StoreProblems, CancelProblems,
    ),
)]
pub(crate) async fn cancel_booking(
    State(app): State<Arc<App>>,
    permit: Permit,
    caller: Caller,
    from: ClientAddress,
    PathId(BookingId(id)): PathId<BookingId>,
    OptionalIdempotencyKey(key): OptionalIdempotencyKey,
) -> Result<impl IntoResponse, Problem> {
    if let Some(key) = key {
        // What is refused leaves no record of its key behind.
        permit.granted().await?;
        booking::check_idempotency_key(&app.protocol, caller.user_id, "cancel", &key, &id.to_string())
            .await?;
    }
    let network = from.network(&app);
    let cancelled = booking::cancel(
        &app.protocol,
        caller.user_id,
        id,
        Timestamp::now(),
        network.as_ref(),
        permit.granted(),
    )
    .await?;
    let answer = Json(BookingAnswer::new(cancelled.booking, cancelled.event)).into_response();
    Ok(replayed(answer, cancelled.replayed))
}
