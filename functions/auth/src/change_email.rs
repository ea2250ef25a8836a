//! POST /me/email

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use http_api::{
    App, Caller, ClientAddress, JsonBody, Problem,
    openapi::{BodyProblems, CallerProblems, StoreProblems},
};
use sign_in::EmailChange;

use crate::problems::{NoMailProblems, PasswordProblems};

http_api::problems! { EmailProblems:
    InvalidCredentials: "the password is wrong, which counts like a wrong one at sign-in",
    PasswordIsASetting: "the admin's address is changed in the settings",
    RateLimited: "or this account asked for three moves within an hour, the address was asked three times, or the account left ten \
                  addresses within seven days; wait for `Retry-After`",
}

/// Sends a link to another address, where the account goes once that is used. The answer is the same whether the address has an
/// account or not.
///
/// The link works once, for 24 hours, and only as long as no other address is asked for, nor the password changed. Then all tokens
/// end within 5 s everywhere: sign in with the new address. The old one gets a link that undoes it for seven days, in which nobody
/// else can have it.
#[utoipa::path(
    post, path = "/me/email", tag = "Accounts", security(("bearer" = [])),
    request_body = EmailChange,
    responses(
        (status = 202, description = "If the address can be had, a mail is on its way there."),
        BodyProblems, CallerProblems, PasswordProblems, StoreProblems, NoMailProblems, EmailProblems,
    ),
)]
pub(crate) async fn change_email(
    State(app): State<Arc<App>>,
    caller: Caller,
    from: ClientAddress,
    JsonBody(change): JsonBody<EmailChange>,
) -> Result<StatusCode, Problem> {
    sign_in::change_email(&app, &caller, change, from).await?;
    Ok(StatusCode::ACCEPTED)
}
