//! `/shop/register`.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};
use domain::field_error::FieldError;
use http_api::{App, ClientAddress, Problem};
use jiff::Timestamp;
use maud::{Markup, html};
use sign_in::Registration;

use super::sign_in::{next_of, not_in_plain, refused};
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

pub(crate) async fn show(visitor: Visitor, uri: Uri) -> Response {
    let next = next_of(&uri);
    let main = form(&visitor, next.as_deref(), &Typed::default(), &[], None);
    visitor.page("Register", main)
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
    mut visitor: Visitor,
    from: ClientAddress,
    Form { read, typed, next }: Form<Registration>,
) -> Result<Response, Problem> {
    let next = next.as_deref();
    let registration = match read {
        Ok(registration) => registration,
        Err(errors) => {
            let main = form(&visitor, next, &typed, &errors, None);
            return Ok(visitor.page_with(StatusCode::UNPROCESSABLE_ENTITY, "Register", main));
        }
    };
    if let Some(text) = not_in_plain(&visitor) {
        let main = form(&visitor, next, &typed, &[], Some(text));
        return Ok(visitor.page_with(StatusCode::FORBIDDEN, "Register", main));
    }
    match sign_in::register(&app, &registration, from, Timestamp::now()).await {
        Ok(user) => {
            visitor.sign_in(&app, &user).await?;
            Ok(visitor.go_saying(next.unwrap_or("/"), "Welcome. You are registered, and signed in."))
        }
        Err(error) => {
            let (status, text) = refused(error)?;
            let main = form(&visitor, next, &typed, &[], Some(&text));
            Ok(visitor.page_with(status, "Register", main))
        }
    }
}
