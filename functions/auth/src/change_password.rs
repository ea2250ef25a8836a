//! POST /password

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use http_api::{
    App, ClientAddress, FormerCaller, JsonBody, Problem,
    openapi::{BodyProblems, StoreProblems},
};
use sign_in::PasswordChange;

use crate::problems::{FormerCallerProblems, PasswordProblems};

http_api::problems! { ChangeProblems:
    InvalidCredentials: "the current password is wrong, which counts like a wrong one at sign-in",
    PasswordIsASetting: "the admin's password is changed in the settings",
}

/// Changes the caller's password. All tokens that were got with the old one end within 5 s everywhere, this request's too.
/// Sign in again with the new one.
///
/// The same request again within a day is answered alike and changes nothing, though its token has ended; not once that has
/// expired.
#[utoipa::path(
    post, path = "/password", tag = "Accounts", security(("bearer" = [])),
    request_body = PasswordChange,
    responses(
        (status = 204, description = "The password is changed; sign in again."),
        BodyProblems, FormerCallerProblems, PasswordProblems, StoreProblems, ChangeProblems,
    ),
)]
pub(crate) async fn change_password(
    State(app): State<Arc<App>>,
    caller: FormerCaller,
    from: ClientAddress,
    JsonBody(change): JsonBody<PasswordChange>,
) -> Result<StatusCode, Problem> {
    sign_in::change_password(&app, caller, change, from).await?;
    Ok(StatusCode::NO_CONTENT)
}
