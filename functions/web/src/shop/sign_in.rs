//! `/shop/sign-in`, and signing out.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};
use domain::{error::Error, field_error::FieldError};
use http_api::{App, ClientAddress, Problem};
use jiff::Timestamp;
use maud::{Markup, html};
use sign_in::Credentials;

use super::register;
use crate::frame::{
    cookies::Reached,
    form::{Button, Form, Typed},
    links,
    parts::{Field, form_error, hidden},
    refusal::Refusal,
    visitor::Visitor,
};

pub(crate) const PATH: &str = "/shop/sign-in";
pub(crate) const OUT_PATH: &str = "/shop/sign-out";

const EMAIL: Field = Field::new("email", "Email", "email").filled_with("username");
pub(crate) const PASSWORD: Field =
    Field::new("password", "Password", "password").filled_with("current-password");

pub(crate) async fn show(visitor: Visitor, uri: Uri) -> Response {
    let next = next_of(&uri);
    let main = form(&visitor, next.as_deref(), &Typed::default(), &[], None);
    visitor.page("Sign in", main)
}

/// Where the query says to go on.
pub(crate) fn next_of(uri: &Uri) -> Option<String> {
    links::query(uri).remove("next").filter(|next| links::own(next).is_some())
}

fn form(
    visitor: &Visitor,
    next: Option<&str>,
    typed: &Typed,
    errors: &[FieldError],
    wrong: Option<&str>,
) -> Markup {
    html! {
        h1 { "Sign in" }
        (form_error(wrong))
        form.account method="post" action=(PATH) {
            (hidden(&visitor.glimpse, next))
            (EMAIL.show(typed, errors))
            (PASSWORD.show(typed, errors))
            button { "Sign in" }
        }
        p { "New here? " a href=(links::with(register::PATH, [("next", next.unwrap_or_default().into())])) { "Register" } "." }
    }
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    mut visitor: Visitor,
    from: ClientAddress,
    Form { read, typed, next }: Form<Credentials>,
) -> Result<Response, Problem> {
    let next = next.as_deref();
    let credentials = match read {
        Ok(credentials) => credentials,
        Err(errors) => {
            let main = form(&visitor, next, &typed, &errors, None);
            return Ok(visitor.page_with(StatusCode::UNPROCESSABLE_ENTITY, "Sign in", main));
        }
    };
    if let Some(text) = not_in_plain(&visitor) {
        let main = form(&visitor, next, &typed, &[], Some(text));
        return Ok(visitor.page_with(StatusCode::FORBIDDEN, "Sign in", main));
    }
    match sign_in::sign_in(&app, credentials, from, Timestamp::now()).await {
        Ok(user) => {
            visitor.sign_in(&app, &user).await?;
            Ok(visitor.go(next.unwrap_or("/")))
        }
        Err(error) => {
            let (status, text) = refused(error)?;
            let main = form(&visitor, next, &typed, &[], Some(&text));
            Ok(visitor.page_with(status, "Sign in", main))
        }
    }
}

/// Whoever may be overheard does not sign in. A proxy that ends TLS must be one that the service trusts to say so.
pub(crate) fn not_in_plain(visitor: &Visitor) -> Option<&'static str> {
    (visitor.glimpse.reached == Reached::InPlain).then_some(
        "This page came over plain HTTP, where others could read your password. Use its https:// address. (For whoever runs this: \
         behind a proxy that ends TLS, set TRUSTED_PROXIES.)",
    )
}

/// What a form with a password says when it is refused; what failed otherwise is another page.
pub(crate) fn refused(error: Error) -> Result<(StatusCode, String), Problem> {
    let status = match &error {
        Error::InvalidCredentials
        | Error::EmailTaken
        | Error::StillOpen { .. }
        | Error::PasswordIsASetting => StatusCode::UNPROCESSABLE_ENTITY,
        Error::TooManyAttempts { .. } | Error::TooManyRegistrations { .. } => StatusCode::TOO_MANY_REQUESTS,
        _ => return Err(error.into()),
    };
    Ok((status, Refusal::of(error).said()))
}

pub(crate) async fn out(mut visitor: Visitor, _: Form<Button>) -> Response {
    visitor.sign_out();
    visitor.go_saying("/", "You are signed out.")
}
