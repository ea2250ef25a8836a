//! GET and POST /verify-email, POST /verify-email/resend

use std::sync::Arc;

use accounts::mailed_tokens::Purpose;
use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};
use domain::error::Error;
use http_api::{
    App, Caller, Permit, Problem,
    openapi::{BodyProblems, CallerProblems, StoreProblems},
};
use jiff::Timestamp;
use maud::html;
use sign_in::Verification;

use crate::{
    pages,
    problems::{MailedTokenProblems, NoMailProblems},
    sent::Sent,
};

const PATH: &str = "/verify-email";

http_api::problems! { ResendProblems:
    AccountNotFound: "the account was erased just now, or is not kept",
    RateLimited: "or that address had three such mails within an hour; wait for `Retry-After`",
}

/// The page that the link in a mail leads to, with a button that verifies the address. Looking at it changes nothing.
#[utoipa::path(
    get, path = "/verify-email", operation_id = "get_verify_email_page", tag = "Accounts",
    params(("token" = Option<String>, Query, description = "The token of the link.")),
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html; charset=utf-8",
         headers(("Content-Security-Policy" = String))),
        (status = 410, description = "There is no token in the address that is good: the page says so.", body = String,
         content_type = "text/html; charset=utf-8", headers(("Content-Security-Policy" = String))),
    ),
)]
pub(crate) async fn show_verify_email(State(app): State<Arc<App>>, uri: Uri) -> Response {
    let token = pages::token_of(&uri);
    let Ok(claims) = app.tokens.open_mailed(Purpose::Verify, &token, Timestamp::now()) else {
        return ended();
    };
    let main = html! {
        p { "You get mail at " strong { (claims.email.as_str()) } ". Say so, and the address is yours here, too." }
        (pages::form(PATH, &token, html! {}, "This address is mine"))
    };
    pages::page(StatusCode::OK, "Verify your address", main)
}

/// Verifies the address that the token went to. Resetting the password by a mail does so, too.
#[utoipa::path(
    post, path = "/verify-email", tag = "Accounts",
    request_body = Verification,
    responses(
        (status = 204, description = "The address is verified."),
        BodyProblems, StoreProblems, MailedTokenProblems,
    ),
)]
pub(crate) async fn verify_email(
    State(app): State<Arc<App>>,
    permit: Permit,
    sent: Sent<Verification>,
) -> Result<Response, Problem> {
    let verify = |verification| sign_in::verify_email(&app, verification, Timestamp::now());
    sent.answer(&permit, StatusCode::NO_CONTENT, verify, |verified, _| match verified {
        Ok(()) => {
            let main = html! { p { "Thank you. " a href="/" { "See what is on" } "." } };
            Ok(pages::page(StatusCode::OK, "Your address is verified", main))
        }
        // A form without a token.
        Err(Error::Invalid(_) | Error::MailedTokenEnded) => Ok(ended()),
        Err(error) => Err(error),
    })
    .await
}

fn ended() -> Response {
    pages::ended(html! {
        p {
            "If you have verified your address before, all is well. Otherwise ask for another mail in "
            a href="/shop/account" { "your account" } "."
        }
    })
}

/// Sends the mail again that verifies the caller's address, unless it is verified.
#[utoipa::path(
    post, path = "/verify-email/resend", operation_id = "resend_verification", tag = "Accounts",
    security(("bearer" = [])),
    responses(
        (status = 202, description = "The mail is on its way, unless the address is verified already."),
        CallerProblems, StoreProblems, NoMailProblems, ResendProblems,
    ),
)]
pub(crate) async fn resend_verification(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    sign_in::resend_verification(&app, &caller, Timestamp::now()).await?;
    Ok(StatusCode::ACCEPTED)
}
