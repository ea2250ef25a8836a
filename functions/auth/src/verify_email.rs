//! GET and POST /verify-email, POST /verify-email/resend

use std::sync::Arc;

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
use sign_in::{LinkTo, Verification, Verified};

use crate::{
    pages,
    problems::{MailedTokenProblems, NoMailProblems},
    sent::Sent,
};

const PATH: &str = "/verify-email";

http_api::problems! { MoveProblems:
    EmailTaken: "somebody else has the address by now, where the account was to move",
}

http_api::problems! { ResendProblems:
    AccountNotFound: "the account was erased just now, or is not kept",
    RateLimited: "or that address had three such mails within an hour; wait for `Retry-After`",
}

/// The page that the link in a mail leads to, with a button that does what the link is for. Looking at it changes nothing.
#[utoipa::path(
    get, path = "/verify-email", operation_id = "get_verify_email_page", tag = "Accounts",
    params(("token" = Option<String>, Query, description = "The token of the link.")),
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html; charset=utf-8",
         headers(("Content-Security-Policy" = String))),
        (status = 410, description = "The token in the address is none, or too old: the page says so.", body = String,
         content_type = "text/html; charset=utf-8", headers(("Content-Security-Policy" = String))),
        StoreProblems,
    ),
)]
pub(crate) async fn show_verify_email(State(app): State<Arc<App>>, uri: Uri) -> Result<Response, Problem> {
    let token = pages::token_of(&uri);
    let link = match sign_in::link_of(&app, &token, Timestamp::now()).await {
        Ok(link) => link,
        Err(Error::MailedTokenEnded) => return Ok(ended()),
        Err(error) => return Err(error.into()),
    };
    let (title, said, button) = match link {
        LinkTo::Verify(email) => (
            "Verify your address",
            html! { p { "You get mail at " strong { (email.as_str()) } ". Say so, and the address is yours here, too." } },
            "This address is mine",
        ),
        LinkTo::Move(email) => (
            "Move your account",
            html! {
                p { "From now on you sign in with " strong { (email.as_str()) } ", and get mail there." }
                p { "You are signed out everywhere. The old address gets a mail by which this can be undone for seven days." }
            },
            "Move my account here",
        ),
        LinkTo::Undo(email) => (
            "Bring your account back",
            html! {
                p { "Your account comes back to " strong { (email.as_str()) } ", as if it had never left." }
                p {
                    "Whoever moved it knew its password. So everybody is signed out, the password does not count any more, and a mail "
                    "to this address lets you set another one."
                }
            },
            "Bring it back",
        ),
    };
    Ok(pages::page(StatusCode::OK, title, html! { (said) (pages::form(PATH, &token, html! {}, button)) }))
}

/// Does what a mail's token is for: verifies an address, moves an account there, or takes it back.
///
/// Resetting the password by a mail verifies the address, too.
///
/// When the account moves or is taken back, all its tokens end within 5 s everywhere. One that is taken back, or moves to an address
/// that it left within seven days, has no password that anybody knows, and a mail to the address sets another one.
#[utoipa::path(
    post, path = "/verify-email", tag = "Accounts",
    request_body = Verification,
    responses(
        (status = 204, description = "The address is verified, and the account is there."),
        BodyProblems, StoreProblems, MailedTokenProblems, NoMailProblems, MoveProblems,
    ),
)]
pub(crate) async fn verify_email(
    State(app): State<Arc<App>>,
    permit: Permit,
    sent: Sent<Verification>,
) -> Result<Response, Problem> {
    let verify = |verification| sign_in::verify_email(&app, verification, Timestamp::now());
    sent.answer(&permit, StatusCode::NO_CONTENT, verify, |verified, _| match verified {
        Ok(verified) => Ok(done(&verified)),
        // A form without a token.
        Err(Error::Invalid(_) | Error::MailedTokenEnded) => Ok(ended()),
        Err(Error::EmailTaken) => Ok(taken()),
        Err(Error::NoMail) => Ok(pages::no_mail()),
        Err(error) => Err(error),
    })
    .await
}

fn done(verified: &Verified) -> Response {
    let (title, main) = match verified {
        Verified::Address => {
            ("Your address is verified", html! { p { "Thank you. " a href="/" { "See what is on" } "." } })
        }
        Verified::Moved(email) => (
            "Your account has moved",
            html! { p { a href="/shop/sign-in" { "Sign in" } " with " strong { (email.as_str()) } " from now on." } },
        ),
        Verified::Undone(email) => (
            "Your account is back",
            html! {
                p {
                    "A mail is on its way to " strong { (email.as_str()) } ". Its link sets another password, and works for half an "
                    "hour. After that, " a href="/password/forgot" { "ask for another mail" } "."
                }
            },
        ),
    };
    pages::page(StatusCode::OK, title, main)
}

fn taken() -> Response {
    let main = html! {
        p { "Somebody else has this address here, so your account stays where it is." }
        p { "If you have that account, too, " a href="/shop/sign-in" { "sign in there" } ", or take another address." }
    };
    pages::page(StatusCode::CONFLICT, "This address has an account", main)
}

fn ended() -> Response {
    pages::ended(html! {
        p {
            "If you have followed it before, all is well. Otherwise ask for another mail in "
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
