//! What whoever signs in gets: an access token, and the account.

use accounts::tokens::ACCESS_TOKEN_SECONDS;
use domain::{error::Error, user::User};
use http_api::App;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::UserView;

/// Signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedIn {
    /// Send it as `Authorization: Bearer <access_token>`.
    #[schema(example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl")]
    access_token: String,
    /// `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds that the token is good for.
    #[schema(example = 3600)]
    expires_in: i64,
    user: UserView,
}

impl SignedIn {
    /// Signs somebody in who proved to be that user.
    pub(crate) async fn new(app: &App, user: User, now: Timestamp) -> Result<Self, Error> {
        Ok(Self {
            access_token: sign_in::access_token(app, &user, now).await?,
            token_type: "Bearer",
            expires_in: ACCESS_TOKEN_SECONDS,
            user: user.into(),
        })
    }
}
