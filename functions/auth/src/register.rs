//! POST /register

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use http_api::{
    App, ClientAddress, JsonBody, Problem,
    openapi::{BodyProblems, StoreProblems},
};
use jiff::Timestamp;
use sign_in::Registration;

use crate::signed_in::SignedIn;

http_api::problems! { RegisterProblems:
    EmailTaken: "the address has an account. Unless that is a day old, another password than its own was sent. It counts like \
                 a wrong one at sign-in",
    TooManyAttempts: "the address has an account, and too many passwords were wrong, of this account or from this network; \
                      wait for `Retry-After`",
    TooManyRegistrations: "too many accounts were made from this network within an hour; wait for `Retry-After`",
}

/// Makes an account, and signs in.
///
/// The same request again within a day is answered alike, with the account as it is. The same is one with the same address and
/// the account's password; another name changes nothing.
#[utoipa::path(
    post, path = "/register", operation_id = "register_account", tag = "Accounts",
    request_body = Registration,
    responses(
        (status = 201, description = "The account is made.", body = SignedIn),
        BodyProblems, StoreProblems, RegisterProblems,
    ),
)]
pub(crate) async fn register(
    State(app): State<Arc<App>>,
    from: ClientAddress,
    JsonBody(registration): JsonBody<Registration>,
) -> Result<impl IntoResponse, Problem> {
    let now = Timestamp::now();
    let user = sign_in::register(&app, &registration, from, now).await?;
    Ok((StatusCode::CREATED, Json(SignedIn::new(&app, user, now).await?)))
}
