//! GET /bookings/{id}

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use domain::{error::Error, event::EventNow};
use http_api::{
    App, BookingId, Caller, PathId, Problem,
    openapi::{CallerProblems, StoreProblems},
    views::BookingAnswer,
};

http_api::problems! { GetProblems:
    BookingNotFound: "there is none, or it is another user's",
}

/// One of one's own bookings.
#[utoipa::path(
    get, path = "/bookings/{id}", tag = "Booking", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The booking's id.")),
    responses(
        (status = 200, description = "The booking.", body = BookingAnswer),
        CallerProblems, StoreProblems, GetProblems,
    ),
)]
pub(crate) async fn get_booking(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(BookingId(id)): PathId<BookingId>,
) -> Result<impl IntoResponse, Problem> {
    // An id leads to its event, so both are read at once.
    let (booking, event) =
        tokio::try_join!(app.store.booking(caller.user_id, id), app.store.event(id.event()))?;
    let booking = booking.ok_or(Error::BookingNotFound)?;
    Ok(Json(BookingAnswer::new(booking, event.map(EventNow::from))))
}
