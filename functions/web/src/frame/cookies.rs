//! The cookies: the session, and what the next page says.

use axum::http::{HeaderMap, HeaderValue, header, request::Parts};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use http_api::client_address::is_by_tls;

use super::origin::is_loopback;

/// How the site was reached, which decides what its cookies are called. Over TLS their names bind them to this very host
/// (RFC 6265bis, `__Host-`). Browsers keep no such cookie over plain HTTP, where there is one for people who try the service on
/// their own machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    ByTls,
    OnThisMachine,
    /// Over plain HTTP through a network: nobody signs in like that.
    InPlain,
}

/// A cookie of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Session,
    /// A sentence for the next page, and how it is meant.
    Notice,
}

impl Reached {
    pub(crate) fn of(parts: &Parts) -> Self {
        if is_by_tls(&parts.extensions) {
            Self::ByTls
        } else if is_loopback(&parts.headers) {
            Self::OnThisMachine
        } else {
            Self::InPlain
        }
    }

    fn name(self, kept: Kept) -> &'static str {
        match (self, kept) {
            (Self::ByTls, Kept::Session) => "__Host-evently",
            (Self::ByTls, Kept::Notice) => "__Host-evently-notice",
            (_, Kept::Session) => "evently",
            (_, Kept::Notice) => "evently-notice",
        }
    }

    /// What the browser sent.
    pub(crate) fn read(self, kept: Kept, headers: &HeaderMap) -> Option<String> {
        CookieJar::from_headers(headers).get(self.name(kept)).map(|cookie| cookie.value().to_owned())
    }

    /// Lets the browser keep something for so many seconds. The value has none of the characters that cookies can't have.
    pub(crate) fn keep(self, kept: Kept, value: String, seconds: i64) -> Option<HeaderValue> {
        let cookie = Cookie::build((self.name(kept), value))
            .path("/")
            .http_only(true)
            .secure(self == Self::ByTls)
            .same_site(SameSite::Lax)
            .build();
        HeaderValue::try_from(format!("{cookie}; Max-Age={seconds}")).ok()
    }

    /// Lets it forget.
    pub(crate) fn forget(self, kept: Kept) -> Option<HeaderValue> {
        self.keep(kept, String::new(), 0)
    }
}

/// Adds what the browser is to keep.
pub(crate) fn add(headers: &mut HeaderMap, cookies: impl IntoIterator<Item = HeaderValue>) {
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
}
