//! GET and POST /password/forgot

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use domain::error::Error;
use http_api::{
    App, Permit, Problem,
    openapi::{BodyProblems, StoreProblems},
};
use jiff::Timestamp;
use maud::{Markup, html};
use sign_in::ForgottenPassword;

use crate::{pages, problems::NoMailProblems, sent::Sent};

const PATH: &str = "/password/forgot";
const TITLE: &str = "Forgotten password";

/// The page on which people ask for a mail that sets another password.
#[utoipa::path(
    get, path = "/password/forgot", operation_id = "get_forgot_password_page", tag = "Accounts",
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html; charset=utf-8",
         headers(("Content-Security-Policy" = String))),
    ),
)]
pub(crate) async fn show_forgot_password() -> Response {
    pages::page(StatusCode::OK, TITLE, form(""))
}

fn form(email: &str) -> Markup {
    let field = html! {
        label for="email" { "Email" }
        input #email name="email" type="email" autocomplete="username" value=(email) required;
    };
    html! {
        p { "A mail to your address has a link that sets another password." }
        (pages::form(PATH, "", field, "Send me the mail"))
    }
}

/// Sends a mail that sets another password. The answer is the same whether the address has an account or not; three such
/// mails an hour are sent to one address.
#[utoipa::path(
    post, path = "/password/forgot", operation_id = "forgot_password", tag = "Accounts",
    request_body = ForgottenPassword,
    responses(
        (status = 202, description = "If the address has an account, a mail is on its way."),
        BodyProblems, StoreProblems, NoMailProblems,
    ),
)]
pub(crate) async fn forgot_password(
    State(app): State<Arc<App>>,
    permit: Permit,
    sent: Sent<ForgottenPassword>,
) -> Result<Response, Problem> {
    let forget = |forgotten| sign_in::forgot_password(&app, forgotten, Timestamp::now());
    sent.answer(&permit, StatusCode::ACCEPTED, forget, |asked, typed| match asked {
        Ok(()) => {
            let main = html! {
                p { "If that address has an account here, a mail is on its way. Its link works for half an hour." }
                p { "Nothing arrives? Look among what your mail program takes for spam, or try again in an hour." }
            };
            Ok(pages::page(StatusCode::ACCEPTED, "Look into your mail", main))
        }
        Err(Error::Invalid(_)) => {
            let wrong = pages::wrong("This is no address that mail can be sent to.");
            let main = html! { (wrong) (form(&typed.get("email"))) };
            Ok(pages::page(StatusCode::UNPROCESSABLE_ENTITY, TITLE, main))
        }
        Err(Error::NoMail) => Ok(pages::no_mail()),
        Err(error) => Err(error),
    })
    .await
}
