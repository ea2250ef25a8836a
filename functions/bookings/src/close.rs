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
        (status = 202, description = "It is given up.", body = BookingAnswer),
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
