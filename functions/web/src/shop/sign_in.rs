//! `/shop/sign-in`, and signing out.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};
use domain::{error::Error, field_error::FieldError, user::User};
use http_api::{App, ClientAddress, Problem};
use jiff::Timestamp;
use maud::{Markup, html};
use sign_in::Credentials;

use super::{event, register};
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

/// A page of the function of accounts.
const FORGOT_PATH: &str = "/password/forgot";

const EMAIL: Field = Field::new("email", "Email", "email").filled_with("username");
pub(crate) const PASSWORD: Field =
    Field::new("password", "Password", "password").filled_with("current-password");

pub(crate) const PAGE: EntryPage = EntryPage { title: "Sign in", form };

pub(crate) async fn show(visitor: Visitor, uri: Uri) -> Response {
    PAGE.show(visitor, &uri)
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
        p { a href=(FORGOT_PATH) { "Forgotten your password?" } }
        p { "New here? " a href=(links::with(register::PATH, [("next", next.unwrap_or_default().into())])) { "Register" } "." }
    }
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    from: ClientAddress,
    form: Form<Credentials>,
) -> Result<Response, Problem> {
    let sign_in =
        async |credentials| sign_in::sign_in(&app, credentials, from, Timestamp::now()).await.map(Some);
    PAGE.enter(&app, visitor, form, sign_in, "").await
}

/// A form that leads to `next`, with what was typed, what is wrong with its fields, and what is wrong with it as a whole.
type EntryForm = fn(
    visitor: &Visitor,
    next: Option<&str>,
    typed: &Typed,
    errors: &[FieldError],
    wrong: Option<&str>,
) -> Markup;

/// A page by whose form somebody is signed in.
pub(crate) struct EntryPage {
    pub(crate) title: &'static str,
    pub(crate) form: EntryForm,
}

impl EntryPage {
    /// The empty form. Who is signed in already goes on.
    pub(crate) fn show(&self, visitor: Visitor, uri: &Uri) -> Response {
        let next = next_of(uri);
        if visitor.is_signed_in() {
            return visitor.go(next.as_deref().unwrap_or("/"));
        }
        let main = (self.form)(&visitor, next.as_deref(), &Typed::default(), &[], None);
        visitor.page(self.title, main)
    }

    /// Signs in whom `try_in` says, and goes on with a word of welcome; says so where a mail says who that is; or shows the form again, with what is wrong.
    pub(crate) async fn enter<T>(
        &self,
        app: &App,
        mut visitor: Visitor,
        Form { read, typed, next }: Form<T>,
        try_in: impl AsyncFnOnce(T) -> Result<Option<User>, Error>,
        welcome: &str,
    ) -> Result<Response, Problem> {
        let next = next.as_deref();
        let again = |visitor: Visitor, status, errors: &[FieldError], text: Option<&str>| {
            let main = (self.form)(&visitor, next, &typed, errors, text);
            visitor.page_with(status, self.title, main)
        };
        let read = match read {
            Ok(read) => read,
            Err(errors) => return Ok(again(visitor, StatusCode::UNPROCESSABLE_ENTITY, &errors, None)),
        };
        if let Some(text) = not_in_plain(&visitor) {
            return Ok(again(visitor, StatusCode::FORBIDDEN, &[], Some(text)));
        }
        match try_in(read).await {
            Ok(None) => {
                Ok(visitor.go_saying(PATH, "Look into your mail: it says how to go on. Then sign in."))
            }
            Ok(Some(user)) => {
                visitor.sign_in(app, &user).await?;
                let next = next.unwrap_or("/");
                // Whoever comes from an event's form has to send it again.
                let hint = if next.starts_with(event::FOLDER) {
                    "Nothing is held yet: hold your places now."
                } else {
                    ""
                };
                let said = format!("{welcome} {hint}").trim().to_owned();
                Ok(if said.is_empty() { visitor.go(next) } else { visitor.go_saying(next, said) })
            }
            Err(error) => {
                let (status, text) = refused(error)?;
                Ok(again(visitor, status, &[], Some(&text)))
            }
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
