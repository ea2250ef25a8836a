//! DELETE /me

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use http_api::{
    App, ClientAddress, FormerCaller, JsonBody, Problem,
    openapi::{BodyProblems, StoreProblems},
};
use sign_in::Erasure;

use crate::problems::{FormerCallerProblems, PasswordProblems};

http_api::problems! { EraseProblems:
    InvalidCredentials: "the password is wrong, which counts like a wrong one at sign-in",
    StillOpen: "seats are held, or bought for an event that is not over; see `reservations` and `bookings`",
    PasswordIsASetting: "the admin's account goes with the settings",
}

/// Erases one's own account for good: its address and those that it left lately, name and password. All its tokens end within
/// 5 s everywhere, this request's too. Bookings stay, without a name.
///
/// The same request again is answered alike, though its token has ended; not once that has expired. Registering the address
/// again makes another account.
#[utoipa::path(
    delete, path = "/me", tag = "Accounts", security(("bearer" = [])),
    request_body = Erasure,
    responses(
        (status = 204, description = "The account is erased."),
        BodyProblems, FormerCallerProblems, PasswordProblems, StoreProblems, EraseProblems,
    ),
)]
pub(crate) async fn erase_me(
    State(app): State<Arc<App>>,
    caller: FormerCaller,
    from: ClientAddress,
    JsonBody(erasure): JsonBody<Erasure>,
) -> Result<StatusCode, Problem> {
    sign_in::erase(&app, caller, erasure, from).await?;
    Ok(StatusCode::NO_CONTENT)
}
