//! GET /reservations/{id}

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use booking::{self, Looked};
use domain::id::ReservationId;
use http_api::{
    App, Caller, PathId, Problem,
    openapi::{CallerProblems, StoreProblems},
};

use crate::view::{ReservationAnswer, ReservationView};

http_api::problems! { LookProblems:
    ReservationNotFound: "there is none, or it is another user's, or it ended more than a day ago",
    ReservationExpired,
    ReservationReleased: "it was given back. Known for a day",
}

/// One's own reservation, with what is left of it.
#[utoipa::path(
    get, path = "/reservations/{id}", tag = "Booking", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The reservation's id.")),
    responses(
        (status = 200, description = "The reservation.", body = ReservationAnswer),
        CallerProblems, StoreProblems, LookProblems,
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
