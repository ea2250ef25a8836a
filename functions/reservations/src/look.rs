//! GET /reservations/{id}

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use shared::{
    App, Error,
    domain::id::ReservationId,
    http::{
        Caller, PathId, Problem,
        openapi::{CallerProblems, ProblemBody, StoreProblems},
    },
    redis::scripts::Look,
};

use crate::view::{ReservationAnswer, ReservationView};

/// One's own reservation, with what is left of it.
#[utoipa::path(
    get, path = "/reservations/{id}", tag = "Booking", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The reservation's id.")),
    responses(
        (status = 200, description = "The reservation.", body = ReservationAnswer),
        (status = 404, description = "`reservation_not_found`: there is none, or it has expired, or it is another \
          user's.", body = ProblemBody, content_type = "application/problem+json"),
        CallerProblems, StoreProblems,
    ),
)]
pub(crate) async fn get_reservation(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathId(id): PathId<ReservationId>,
) -> Result<impl IntoResponse, Problem> {
    let reservation = match app.redis.look(id, caller.user_id).await? {
        Look::Hold(reservation, now) => ReservationView::at(reservation, now),
        Look::NoHold => {
            let booking = app.store.booking(caller.user_id, id).await?.ok_or(Error::ReservationNotFound)?;
            ReservationView::booked(booking)
        }
    };
    Ok(Json(ReservationAnswer { reservation }))
}
