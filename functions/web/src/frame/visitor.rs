//! Whoever looks at a page.

use std::{convert::Infallible, sync::Arc};

use accounts::tokens::ACCESS_TOKEN_SECONDS;
use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    error::Error,
    user::{Role, User},
};
use http_api::{App, Caller};
use jiff::Timestamp;
use maud::Markup;

use super::{
    cookies::{self, Kept, Reached},
    layer::SignedIn,
    layout,
};

/// For how long a sentence waits for the next page.
const NOTICE_SECONDS: i64 = 60;

/// What every page shows of its visitor.
#[derive(Clone, Debug)]
pub(crate) struct Glimpse {
    pub(crate) reached: Reached,
    /// The address that they signed in with.
    pub(crate) email: Option<String>,
    /// Whether the console is theirs.
    pub(crate) is_admin: bool,
    /// What forms carry, see [`Session`](accounts::sessions::Session).
    pub(crate) form_token: Option<String>,
    /// What the page before had to say.
    pub(crate) notice: Option<Notice>,
}

/// A sentence for the next page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) is_good: bool,
    pub(crate) text: String,
}

impl Notice {
    /// What lets the browser keep it for the next page.
    pub(crate) fn kept(&self, reached: Reached) -> Option<HeaderValue> {
        reached.keep(Kept::Notice, self.written(), NOTICE_SECONDS)
    }

    /// As a cookie holds it.
    fn written(&self) -> String {
        let kind = if self.is_good { 'g' } else { 'b' };
        form_urlencoded::byte_serialize(format!("{kind}{}", self.text).as_bytes()).collect()
    }

    fn read(written: &str) -> Option<Self> {
        let (text, _) = form_urlencoded::parse(written.as_bytes()).next()?;
        let is_good = text.starts_with('g');
        let text = text.strip_prefix(['g', 'b'])?;
        (!text.is_empty() && text.chars().count() <= 500).then(|| Self { is_good, text: text.to_owned() })
    }
}

impl Glimpse {
    pub(crate) fn of(parts: &Parts, reached: Reached, signed_in: Option<&SignedIn>) -> Self {
        Self {
            reached,
            email: signed_in.map(|signed_in| signed_in.claims.email.to_string()),
            is_admin: signed_in.is_some_and(|signed_in| signed_in.claims.role == Role::Admin),
            form_token: None,
            notice: reached.read(Kept::Notice, &parts.headers).as_deref().and_then(Notice::read),
        }
    }
}

/// Whoever looks at a page, and what their browser is to keep.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) glimpse: Glimpse,
    keeps: Vec<HeaderValue>,
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let reached = Reached::of(parts);
        let signed_in = parts.extensions.get::<Arc<SignedIn>>().cloned();
        let mut glimpse = Glimpse::of(parts, reached, signed_in.as_deref());
        let mut keeps = Vec::new();
        if glimpse.notice.is_some() {
            keeps.extend(reached.forget(Kept::Notice));
        }
        if let Some(signed_in) = signed_in {
            glimpse.form_token = Some(app.tokens.form_token(&signed_in.session));
            match renewed(app, &signed_in).await {
                Ok(Some(session)) => keeps.extend(kept(app, reached, &session)),
                Ok(None) => {}
                // It is good for a while yet, and the next page tries again.
                Err(error) => tracing::warn!(%error, "a session was not renewed"),
            }
        }
        Ok(Self { glimpse, keeps })
    }
}

/// The session with a new access token, in the second half of the old one's life. What DynamoDB has decides: of an account
/// that is gone, or has another password by now, nothing is renewed.
async fn renewed(app: &App, signed_in: &SignedIn) -> Result<Option<accounts::sessions::Session>, Error> {
    let (claims, now) = (&signed_in.claims, Timestamp::now());
    let left = claims.exp - now.as_second();
    if left > ACCESS_TOKEN_SECONDS / 2 || signed_in.session.exp <= claims.exp {
        return Ok(None);
    }
    let caller = Caller::from(claims.clone());
    let user = sign_in::account(app, &caller).await?;
    let Some(user) = user.filter(|user| user.password_version == claims.password_version) else {
        return Ok(None);
    };
    // What an account may do is what its token says; whether that still holds, each request is asked.
    let user = User { role: claims.role, email: claims.email.clone(), ..user };
    Ok(Some(signed_in.session.renewed(app.tokens.issue_access(&user, now)?)))
}

fn kept(app: &App, reached: Reached, session: &accounts::sessions::Session) -> Option<HeaderValue> {
    let seconds = session.exp - Timestamp::now().as_second();
    let sealed = app.tokens.seal_session(session).ok()?;
    reached.keep(Kept::Session, sealed, seconds)
}

impl Visitor {
    /// Whether somebody signed in.
    pub(crate) fn is_signed_in(&self) -> bool {
        self.glimpse.email.is_some()
    }

    /// Signs the browser in as that user.
    pub(crate) async fn sign_in(&mut self, app: &App, user: &User) -> Result<(), Error> {
        let now = Timestamp::now();
        let token = sign_in::access_token(app, user, now).await?;
        let session = accounts::sessions::Session::new(token, now);
        self.keeps.extend(kept(app, self.glimpse.reached, &session));
        Ok(())
    }

    /// Signs it out.
    pub(crate) fn sign_out(&mut self) {
        self.keeps.extend(self.glimpse.reached.forget(Kept::Session));
    }

    /// The page of that title.
    pub(crate) fn page(self, title: &str, main: Markup) -> Response {
        self.page_with(StatusCode::OK, title, main)
    }

    pub(crate) fn page_with(self, status: StatusCode, title: &str, main: Markup) -> Response {
        let mut response = layout::page(&self.glimpse, status, title, main);
        cookies::add(response.headers_mut(), self.keeps);
        response
    }

    /// Leads to another page.
    pub(crate) fn go(self, to: &str) -> Response {
        let mut response = Redirect::to(to).into_response();
        cookies::add(response.headers_mut(), self.keeps);
        response
    }

    /// Leads to another page that says so.
    pub(crate) fn go_saying(mut self, to: &str, text: impl Into<String>) -> Response {
        self.notice(true, text.into());
        self.go(to)
    }

    /// Leads to another page that says why something was refused.
    pub(crate) fn go_refused(mut self, to: &str, text: impl Into<String>) -> Response {
        self.notice(false, text.into());
        self.go(to)
    }

    fn notice(&mut self, is_good: bool, text: String) {
        self.keeps.extend(Notice { is_good, text }.kept(self.glimpse.reached));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_notice_comes_through_its_cookie(text in "\\PC{1,100}", is_good: bool) {
            let notice = Notice { is_good, text };
            let written = notice.written();
            prop_assert!(written.bytes().all(|byte| byte.is_ascii_graphic() && !b";,\"\\".contains(&byte)));
            prop_assert_eq!(Notice::read(&written), Some(notice));
        }

        #[test]
        fn what_is_no_notice_says_nothing_or_something_short(written in "\\PC{0,2000}") {
            if let Some(notice) = Notice::read(&written) {
                prop_assert!(notice.text.chars().count() <= 500);
            }
        }
    }
}
