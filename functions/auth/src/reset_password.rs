//! GET and POST /password/reset

use std::sync::Arc;

use accounts::mailed_tokens::Purpose;
use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};
use domain::{error::Error, field_error::FieldError};
use http_api::{
    App, Permit, Problem,
    openapi::{BodyProblems, StoreProblems},
};
use jiff::Timestamp;
use maud::html;
use sign_in::PasswordReset;

use crate::{pages, problems::MailedTokenProblems, sent::Sent};

const PATH: &str = "/password/reset";

/// The page that the link in a mail leads to, with a form for another password. Looking at it changes nothing.
#[utoipa::path(
    get, path = "/password/reset", operation_id = "get_reset_password_page", tag = "Accounts",
    params(("token" = Option<String>, Query, description = "The token of the link.")),
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html; charset=utf-8",
         headers(("Content-Security-Policy" = String))),
        (status = 410, description = "The token in the address is none, or too old: the page says so.", body = String,
         content_type = "text/html; charset=utf-8", headers(("Content-Security-Policy" = String))),
    ),
)]
pub(crate) async fn show_reset_password(State(app): State<Arc<App>>, uri: Uri) -> Response {
    let token = pages::token_of(&uri);
    form(&app, StatusCode::OK, &token, &[])
}

/// The form, unless its token is none that is good.
fn form(app: &App, status: StatusCode, token: &str, errors: &[FieldError]) -> Response {
    let Ok(claims) = app.tokens.open_mailed(Purpose::Reset, token, Timestamp::now()) else { return ended() };
    let field = html! {
        // Not sent: it tells browsers whose password they are to keep.
        input type="text" autocomplete="username" value=(claims.email.as_str()) hidden readonly;
        label for="password" { "New password" }
        input #password name="password" type="password" autocomplete="new-password" minlength="8" maxlength="128" required;
    };
    let main = html! {
        @for error in errors { (pages::wrong(&format!("The {} {}.", error.field, error.message))) }
        p { "At least 8 characters. A few words are easy to remember and hard to guess. Then you sign in anew, everywhere." }
        (pages::form(PATH, token, field, "Set the password"))
    };
    pages::page(status, "Set another password", main)
}

/// Sets another password by the token of a mail, which works once. All tokens that were got with the old one end within 5 s
/// everywhere. The address is verified by it, too.
#[utoipa::path(
    post, path = "/password/reset", operation_id = "reset_password", tag = "Accounts",
    request_body = PasswordReset,
    responses(
        (status = 204, description = "The password is set; sign in with it."),
        BodyProblems, StoreProblems, MailedTokenProblems,
    ),
)]
pub(crate) async fn reset_password(
    State(app): State<Arc<App>>,
    permit: Permit,
    sent: Sent<PasswordReset>,
) -> Result<Response, Problem> {
    let reset = |reset| sign_in::reset_password(&app, reset, Timestamp::now());
    sent.answer(&permit, StatusCode::NO_CONTENT, reset, |reset, typed| match reset {
        Ok(()) => {
            let main = html! { p { a href="/shop/sign-in" { "Sign in" } " with the new one." } };
            Ok(pages::page(StatusCode::OK, "Your password is set", main))
        }
        Err(Error::Invalid(errors)) => {
            Ok(form(&app, StatusCode::UNPROCESSABLE_ENTITY, &typed.get("token"), &errors))
        }
        Err(Error::MailedTokenEnded) => Ok(ended()),
        Err(error) => Err(error),
    })
    .await
}

fn ended() -> Response {
    pages::ended(html! { p { a href="/password/forgot" { "Ask for another mail" } "." } })
}
