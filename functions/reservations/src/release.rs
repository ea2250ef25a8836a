//! DELETE /reservations/{id}

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use domain::id::ReservationId;
use http_api::{
    App, Caller, ClientAddress, PathId, Problem,
    openapi::{CallerProblems, StoreProblems},
};

http_api::problems! { ReleaseProblems:
    ReservationNotFound: "there is none, or it is another user's, or it ended more than a day ago",
    AlreadyConfirmed: "cancel the booking instead",
    ConfirmUnderWay,
    ReservationExpired,
}

/// Gives a reservation back: its seats are on sale again at once. Giving it back again answers the same.
#[utoipa::path(
    delete, path = "/reservations/{id}", tag = "Booking", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The reservation's id.")),
    responses(
        (status = 204, description = "The seats are on sale again."),
        CallerProblems, StoreProblems, ReleaseProblems,
    ),
)]
pub(crate) async fn release_reservation(
    State(app): State<Arc<App>>,
    caller: Caller,
    from: ClientAddress,
    PathId(id): PathId<ReservationId>,
) -> Result<StatusCode, Problem> {
    let network = from.network(&app);
    booking::release(&app.protocol, caller.user_id, id, network.as_ref()).await?;
    Ok(StatusCode::NO_CONTENT)
}
