//! POST /login

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use http_api::{
    App, ClientAddress, JsonBody, Problem,
    openapi::{BodyProblems, StoreProblems},
};
use jiff::Timestamp;
use sign_in::Credentials;

use crate::{problems::PasswordProblems, signed_in::SignedIn};

http_api::problems! { LoginProblems:
    InvalidCredentials: "unknown address or wrong password",
}

/// Signs in. Takes the same time whether the address has an account or not. After some wrong passwords the next attempt
/// must wait.
#[utoipa::path(
    post, path = "/login", operation_id = "sign_in", tag = "Accounts",
    request_body = Credentials,
    responses(
        (status = 200, description = "Signed in.", body = SignedIn),
        BodyProblems, PasswordProblems, StoreProblems, LoginProblems,
    ),
)]
pub(crate) async fn login(
    State(app): State<Arc<App>>,
    from: ClientAddress,
    JsonBody(credentials): JsonBody<Credentials>,
) -> Result<impl IntoResponse, Problem> {
    let now = Timestamp::now();
    let user = sign_in::sign_in(&app, credentials, from, now).await?;
    Ok(Json(SignedIn::new(&app, user, now).await?))
}
