//! GET /reservations/{id}

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use booking::{self, Looked};
use domain::id::ReservationId;
use http_api::{
    App, Caller, PathId, Problem,
    openapi::{CallerProblems, ProblemBody, StoreProblems},
};

use crate::view::{ReservationAnswer, ReservationView};

/// One's own reservation, with what is left of it.
#[utoipa::path(
    get, path = "/reservations/{id}", tag = "Booking", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The reservation's id.")),
    responses(
        (status = 200, description = "The reservation.", body = ReservationAnswer),
        (status = 404, description = "`reservation_not_found`: there is none, or it is another user's, or it ended more than a \
          day ago.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, description = "`reservation_expired`; `reservation_released`: it was given back. Known for a day.",
         body = ProblemBody, content_type = "application/problem+json"),
        CallerProblems, StoreProblems,
    ),
)]
pub(crate) async fn get_reservation(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<ReservationId>,
) -> Result<impl IntoResponse, Problem> {
    let reservation = match booking::reservation(&app.protocol, caller.user_id, id).await? {
        Looked::Hold(reservation, now) => ReservationView::held(reservation, now),
        Looked::Booking(booking) => ReservationView::booked(booking),
    };
    Ok(Json(ReservationAnswer { reservation }))
}
