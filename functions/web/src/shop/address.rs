//! `/shop/account/email`: where one's account is to move.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use domain::{error::Error, field_error::FieldError};
use http_api::{App, Caller, ClientAddress, Problem};
use maud::html;
use sign_in::EmailChange;

use super::{account, sign_in::PASSWORD};
use crate::frame::{
    form::{Form, Typed},
    parts::{Field, form_error, hidden},
    visitor::Visitor,
};

pub(crate) const PATH: &str = "/shop/account/email";

const TITLE: &str = "Move my account";
const EMAIL: Field = Field::new("email", "New address", "email").filled_with("email");

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    caller: Caller,
) -> Result<Response, Problem> {
    if !app.config.sends_mail {
        return Err(Error::NoMail.into());
    }
    Ok(page(visitor, &caller, StatusCode::OK, &Typed::default(), &[], None))
}

fn page(
    visitor: Visitor,
    caller: &Caller,
    status: StatusCode,
    typed: &Typed,
    errors: &[FieldError],
    wrong: Option<&str>,
) -> Response {
    let main = html! {
        h1 { (TITLE) }
        (form_error(wrong))
        p {
            "Your account is at " strong { (caller.email.as_str()) } ". A mail with a link goes to the new address. Once you follow it, "
            "you sign in with that one, and everybody is signed out. For seven days a link in the old one's mail undoes it."
        }
        form.account method="post" action=(PATH) {
            (hidden(&visitor.glimpse, None))
            (EMAIL.show(typed, errors))
            (PASSWORD.show(typed, errors))
            button { "Send the link" }
        }
        p { a href=(account::PATH) { "My account" } }
    };
    visitor.page_with(status, TITLE, main)
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    caller: Caller,
    from: ClientAddress,
    form: Form<EmailChange>,
) -> Result<Response, Problem> {
    let Form { read, typed, .. } = form;
    let tried = match read {
        Ok(change) => sign_in::change_email(&app, &caller, change, from).await,
        Err(errors) => Err(Error::Invalid(errors)),
    };
    let (status, errors, wrong) = match tried {
        Ok(()) => {
            return Ok(
                visitor.go_saying(account::PATH, "If that address can be had, a mail is on its way there.")
            );
        }
        Err(Error::Invalid(errors)) => (StatusCode::UNPROCESSABLE_ENTITY, errors, None),
        Err(Error::RateLimited { .. }) => {
            let text = "That was asked for too often. Try again in an hour.".to_owned();
            (StatusCode::TOO_MANY_REQUESTS, Vec::new(), Some(text))
        }
        Err(error) => {
            let (status, text) = account::refused_here(error)?;
            (status, Vec::new(), Some(text))
        }
    };
    Ok(page(visitor, &caller, status, &typed, &errors, wrong.as_deref()))
}
