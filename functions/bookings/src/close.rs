//! DELETE /bookings/{id}

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use http_api::{
    App, BookingId, Caller, PathId, Problem,
    openapi::{CallerProblems, StoreProblems},
    views::BookingAnswer,
};
use jiff::Timestamp;

http_api::problems! { CloseProblems:
    BookingNotFound: "there is none, or it is another user's",
    AlreadyConfirmed: "cancel it instead",
}

/// Closes a pending booking: its user gives it up, nothing is sold, and its seats go back on sale. It is `expired` then, or `closing`
/// if a payment was begun: whether it was paid all the same is found out first. Closing it again answers the same.
#[utoipa::path(
    delete, path = "/bookings/{id}", tag = "Booking", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The booking's id.")),
    responses(
        (status = 202, description = "It is given up.", body = BookingAnswer, example = json!({ "booking": {
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
            "status": "expired",
            "reason": "checkout",
            "expires_at": null,
            "created_at": "2031-06-01T12:01:00.000Z",
            "cancelled_at": null,
            "version": 2,
        }})),
        CallerProblems, StoreProblems, CloseProblems,
    ),
)]
pub(crate) async fn close_booking(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(BookingId(id)): PathId<BookingId>,
) -> Result<impl IntoResponse, Problem> {
    let booking = booking::close(&app.protocol, caller.user_id, id, Timestamp::now()).await?;
    let event = booking::event_now(&app.protocol, id.event()).await;
    Ok((StatusCode::ACCEPTED, Json(BookingAnswer::new(booking, event))))
}
