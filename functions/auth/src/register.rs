//! POST /register

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use http_api::{
    App, ClientAddress, JsonBody, Problem,
    openapi::{BodyProblems, StoreProblems},
};
use jiff::Timestamp;
use sign_in::{Registered, Registration};

use crate::signed_in::SignedIn;

http_api::problems! { RegisterProblems:
    EmailTaken: "the address has an account, or one that left it within seven days. Unless that is a day old, another password \
                 than its own was sent. It counts like a wrong one at sign-in",
    TooManyAttempts: "the address has an account, and too many passwords were wrong, of this account or from this network; \
                      wait for `Retry-After`",
    TooManyRegistrations: "too many accounts were made from this network within an hour; wait for `Retry-After`",
}

/// Makes an account, and signs in.
///
/// The same request again within a day is answered alike, with the account as it is. The same is one with the same address and
/// the account's password; another name changes nothing.
///
/// With `REQUIRE_VERIFIED_EMAIL=true` the answer is always 202 and says nothing: the mail to the address tells what happened.
#[utoipa::path(
    post, path = "/register", operation_id = "register_account", tag = "Accounts",
    request_body = Registration,
    responses(
        (status = 201, description = "The account is made.", body = SignedIn),
        (status = 202, description = "Only where addresses must be verified: a mail says what happened. Sign in."),
        BodyProblems, StoreProblems, RegisterProblems,
    ),
)]
pub(crate) async fn register(
    State(app): State<Arc<App>>,
    from: ClientAddress,
    JsonBody(registration): JsonBody<Registration>,
) -> Result<impl IntoResponse, Problem> {
    let now = Timestamp::now();
    Ok(match sign_in::register(&app, &registration, from, now).await? {
        Registered::Account(user) => {
            (StatusCode::CREATED, Json(SignedIn::new(&app, *user, now).await?)).into_response()
        }
        Registered::ByMail => StatusCode::ACCEPTED.into_response(),
    })
}
