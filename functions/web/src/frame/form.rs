//! What a form on a page sends.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::field_error::FieldError;
use http_api::{
    App,
    body::form_fields,
    fields::{self, Fields, Read, Value, text},
};
use subtle::ConstantTimeEq;

use super::{cookies::Reached, layer::SignedIn, layout, links, refusal::Refusal, visitor::Glimpse};

/// The field that proves that a form is a page's of this session.
pub(crate) const TOKEN: &str = "form_token";
/// The field with the page to go on with.
pub(crate) const NEXT: &str = "next";

/// A form that one of our pages sent, for this session if there is one.
#[derive(Debug)]
pub(crate) struct Form<T> {
    /// What it says, or what is wrong with it.
    pub(crate) read: Result<T, Vec<FieldError>>,
    /// Its fields as they were typed, to be shown again.
    pub(crate) typed: Typed,
    /// Where to go on.
    pub(crate) next: Option<String>,
}

/// Fields as they were typed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Typed(Vec<(String, String)>);

impl Typed {
    /// One field.
    pub(crate) fn of(name: &str, value: &str) -> Self {
        Self(vec![(name.to_owned(), value.to_owned())])
    }

    /// Fields as a form that changes something shows them at first.
    pub(crate) fn all(fields: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The same without some fields.
    pub(crate) fn without(mut self, is_left_out: impl Fn(&str, &str) -> bool) -> Self {
        self.0.retain(|(name, value)| !is_left_out(name, value));
        self
    }

    /// What stood in a field.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// The same, if there is such a field.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(typed, _)| typed == name).map(|(_, value)| value.as_str())
    }
}

/// A form without fields: a button.
#[derive(Debug)]
pub(crate) struct Button;

impl Read for Button {
    fn read(_: &mut Fields) -> Option<Self> {
        Some(Self)
    }
}

impl<T: Read> FromRequest<Arc<App>> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let signed_in = parts.extensions.get::<Arc<SignedIn>>().cloned();
        let glimpse = Glimpse::of(&parts, Reached::of(&parts), signed_in.as_deref());
        let request = Request::from_parts(parts, body);
        let mut given =
            form_fields(request, app, T::BODY_BYTES_MAX).await.map_err(IntoResponse::into_response)?;
        let token = take(&mut given, TOKEN).unwrap_or_default();
        if let Some(signed_in) = &signed_in {
            let expected = app.tokens.form_token(&signed_in.session);
            if !bool::from(expected.as_bytes().ct_eq(token.as_bytes())) {
                return Err(layout::refusal(&glimpse, StatusCode::FORBIDDEN, &Refusal::of_an_old_form()));
            }
        }
        let next = take(&mut given, NEXT).filter(|next| links::own(next).is_some());
        // What was left empty was not given.
        given.retain(|(_, value)| !matches!(value, Value::Parameter(text) if text.is_empty()));
        let typed = given.iter().filter_map(|(name, value)| Some((name.clone(), text(value.clone()).ok()?)));
        Ok(Self { typed: Typed(typed.collect()), read: fields::read(given), next })
    }
}

fn take(given: &mut fields::Given, name: &str) -> Option<String> {
    let at = given.iter().position(|(field, _)| field == name)?;
    text(given.remove(at).1).ok()
}

/// What is wrong with a field, in a sentence.
pub(crate) fn complaint<'a>(errors: &'a [FieldError], field: &str) -> Option<&'a str> {
    errors.iter().find(|error| error.field == field).map(|error| error.message.as_str())
}
