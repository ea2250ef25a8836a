//! What programs send in JSON, and the pages here as a form.

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use domain::{error::Error, field_error::FieldError};
use http_api::{
    JsonBody, Permit, Problem,
    body::form_fields,
    fields::{self, Given, Read, text},
};

use crate::pages;

/// A body of type `T`.
#[derive(Debug)]
pub(crate) enum Sent<T> {
    /// From a program, which is answered as the API does.
    Program(T),
    /// From a page, which is answered with a page.
    Page {
        /// What it says, or what is wrong with it.
        read: Result<T, Vec<FieldError>>,
        /// What was typed, for the page that shows the form again.
        typed: Typed,
    },
    /// From a page of somebody else.
    ForeignPage,
}

/// The fields of a form as they were typed.
#[derive(Debug, Default)]
pub(crate) struct Typed(Given);

impl Typed {
    /// One field; nothing, if it was not there.
    pub(crate) fn get(&self, name: &str) -> String {
        let field = self.0.iter().find(|(field, _)| field == name);
        field.and_then(|(_, value)| text(value.clone()).ok()).unwrap_or_default()
    }
}

impl<T> Sent<T> {
    /// Does what was sent, once it is permitted. A program is answered by that status alone, if it was done; a page by the page that
    /// says what came of it. What is wrong with a form comes as `Invalid`.
    pub(crate) async fn answer<D, F>(
        self,
        permit: &Permit,
        done: StatusCode,
        act: impl FnOnce(T) -> F,
        page: impl FnOnce(Result<D, Error>, &Typed) -> Result<Response, Error>,
    ) -> Result<Response, Problem>
    where
        F: Future<Output = Result<D, Error>>,
    {
        let (read, typed) = match self {
            Self::Program(body) => {
                permit.granted().await?;
                act(body).await?;
                return Ok(done.into_response());
            }
            Self::ForeignPage => return Ok(pages::foreign()),
            Self::Page { read, typed } => (read, typed),
        };
        if let Err(error) = permit.granted().await {
            return pages::refused(error);
        }
        let result = match read {
            Ok(body) => act(body).await,
            Err(errors) => Err(Error::Invalid(errors)),
        };
        Ok(page(result, &typed)?)
    }
}

impl<T: Read, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let named = request.headers().get(header::CONTENT_TYPE).map(|named| named.as_bytes());
        if !named.is_some_and(|named| named.starts_with(b"application/x-www-form-urlencoded")) {
            return JsonBody::from_request(request, state).await.map(|JsonBody(body)| Self::Program(body));
        }
        if is_foreign(request.headers()) {
            return Ok(Self::ForeignPage);
        }
        // What can't be read says nothing.
        let given = form_fields(request, state, T::BODY_BYTES_MAX).await.unwrap_or_default();
        Ok(Self::Page { read: fields::read(given.clone()), typed: Typed(given) })
    }
}

/// Whether the browser says that another site's page sent it. Some say nothing: as our pages tell nobody where somebody comes from,
/// they have no origin. What a token does needs the token all the same.
fn is_foreign(headers: &HeaderMap) -> bool {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = said("sec-fetch-site") {
        return site != "same-origin";
    }
    let Some(origin) = said("origin").filter(|origin| *origin != "null") else { return false };
    let origin = origin.parse::<Uri>().ok();
    let authority = origin.as_ref().and_then(Uri::authority).map(|named| named.as_str().to_ascii_lowercase());
    authority.is_none() || authority != said("host").map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn another_sites_form_is_foreign() {
        let is_foreign = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().chain(&[("host", "shop.example")]);
            let headers =
                pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            is_foreign(&headers.collect())
        };
        for own in [
            &[("sec-fetch-site", "same-origin"), ("origin", "null")][..],
            &[("origin", "https://shop.example")],
            &[("origin", "null")],
            &[],
        ] {
            assert!(!is_foreign(own), "{own:?}");
        }
        for foreign in [
            &[("sec-fetch-site", "cross-site"), ("origin", "null")][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example")],
            &[("origin", "nonsense")],
        ] {
            assert!(is_foreign(foreign), "{foreign:?}");
        }
    }
}
