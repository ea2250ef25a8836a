//! `/shop/register`.

use std::sync::Arc;

use axum::{extract::State, http::Uri, response::Response};
use domain::field_error::FieldError;
use http_api::{App, ClientAddress, Problem};
use jiff::Timestamp;
use maud::{Markup, html};
use sign_in::{Registered, Registration};

use super::sign_in::EntryPage;
use crate::frame::{
    form::{Form, Typed},
    layout::sign_in_link,
    parts::{Field, form_error, hidden},
    visitor::Visitor,
};

pub(crate) const PATH: &str = "/shop/register";

const FIELDS: [Field; 3] = [
    Field::new("email", "Email", "email").filled_with("username"),
    Field::new("password", "Password", "password")
        .filled_with("new-password")
        .hint("At least 8 characters. A few words are easy to remember and hard to guess."),
    Field::new("name", "Name", "text").filled_with("name").optional(),
];

const PAGE: EntryPage = EntryPage { title: "Register", form };

pub(crate) async fn show(visitor: Visitor, uri: Uri) -> Response {
    PAGE.show(visitor, &uri)
}

fn form(
    visitor: &Visitor,
    next: Option<&str>,
    typed: &Typed,
    errors: &[FieldError],
    wrong: Option<&str>,
) -> Markup {
    html! {
        h1 { "Register" }
        (form_error(wrong))
        form.account method="post" action=(PATH) {
            (hidden(&visitor.glimpse, next))
            @for field in &FIELDS { (field.show(typed, errors)) }
            button { "Register" }
        }
        p { "Already have an account? " a href=(sign_in_link(next.unwrap_or_default())) { "Sign in" } "." }
    }
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    from: ClientAddress,
    form: Form<Registration>,
) -> Result<Response, Problem> {
    let register = async |registration: Registration| match sign_in::register(
        &app,
        &registration,
        from,
        Timestamp::now(),
    )
    .await?
    {
        Registered::Account(user) => Ok(Some(*user)),
        Registered::ByMail => Ok(None),
    };
    PAGE.enter(&app, visitor, form, register, "Welcome. You are registered, and signed in.").await
}
