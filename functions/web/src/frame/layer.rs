//! The layer around all pages: before, who looks at them and whether a form is ours; after, problems as pages.

use std::sync::Arc;

use accounts::{sessions::Session, tokens::AccessClaims};
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use http_api::{Front, problem::PROBLEM_JSON};
use jiff::Timestamp;

use super::{
    cookies::{self, Kept, Reached},
    layout, links, origin,
    refusal::Refusal,
    visitor::{Glimpse, Notice},
};
use crate::shop::sign_in;

/// Nothing but our own files, no script and no style within a page, and nobody shows it in a frame.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                              form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The longest problem that is read again; ours have some hundred bytes.
const PROBLEM_BYTES_MAX: usize = 64 * 1024;

/// Whoever signed in, as the cookie says: its token has not expired. Whether it ended before its time, others find out.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub(crate) session: Session,
    pub(crate) claims: AccessClaims,
}

pub(crate) async fn pages(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let reached = Reached::of(&parts);
    // A page is asked by its cookie alone, as the API is by its tokens alone.
    parts.headers.remove(header::AUTHORIZATION);
    let signed_in = signed_in(&parts.extensions.get::<Arc<Front>>().cloned(), reached, &parts.headers);
    if let Some(signed_in) = &signed_in {
        if let Ok(bearer) = HeaderValue::try_from(format!("Bearer {}", signed_in.session.token)) {
            parts.headers.insert(header::AUTHORIZATION, bearer);
        }
        parts.extensions.insert(Arc::new(signed_in.clone()));
    }
    let glimpse = Glimpse::of(&parts, reached, signed_in.as_ref());
    let mut response = if !parts.method.is_safe() && !origin::is_own(&parts.headers) {
        layout::refusal(&glimpse, StatusCode::FORBIDDEN, &Refusal::of_a_foreign_form())
    } else {
        let came_from = came_from(&parts.method, &parts.uri, &parts.headers);
        let is_form = !parts.method.is_safe();
        let answer = next.run(Request::from_parts(parts, body)).await;
        as_page(answer, &glimpse, &came_from, is_form).await
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        // With none at all, browsers would say of our own forms that they come from nowhere.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}

fn signed_in(front: &Option<Arc<Front>>, reached: Reached, headers: &HeaderMap) -> Option<SignedIn> {
    let (front, now) = (front.as_ref()?, Timestamp::now());
    let cookie = reached.read(Kept::Session, headers)?;
    let session = front.tokens().open_session(&cookie, now).ok()?;
    let claims = front.tokens().verify_access(&session.token, now).ok()?;
    Some(SignedIn { session, claims })
}

/// Where somebody is to go on after signing in: this page, or the one whose form was sent.
fn came_from(method: &Method, uri: &Uri, headers: &HeaderMap) -> String {
    // In Lambda an address has its host in it.
    let path = |uri: &Uri| uri.path_and_query().map(ToString::to_string);
    if method.is_safe() {
        return path(uri).unwrap_or_default();
    }
    let referer = headers.get(header::REFERER).and_then(|referer| referer.to_str().ok()?.parse().ok());
    referer.as_ref().and_then(path).unwrap_or_default()
}

/// What the API would tell programs, told to people; and whoever must sign in first is led there.
async fn as_page(answer: Response, glimpse: &Glimpse, came_from: &str, is_form: bool) -> Response {
    let is_problem = answer.headers().get(header::CONTENT_TYPE).is_some_and(|named| named == PROBLEM_JSON);
    if !is_problem {
        return answer;
    }
    let (parts, body) = answer.into_parts();
    if parts.status == StatusCode::UNAUTHORIZED {
        let next = links::own(came_from).unwrap_or("/");
        let mut response = Redirect::to(&links::with(sign_in::PATH, [("next", next.into())])).into_response();
        cookies::add(response.headers_mut(), glimpse.reached.forget(Kept::Session));
        if is_form {
            let text =
                "You are not signed in any more, so nothing was done. Sign in, and send it again.".to_owned();
            let notice = Notice { is_good: false, text };
            cookies::add(response.headers_mut(), notice.kept(glimpse.reached));
        }
        return response;
    }
    let body = axum::body::to_bytes(body, PROBLEM_BYTES_MAX).await.unwrap_or_default();
    let problem = serde_json::from_slice(&body).unwrap_or_default();
    let mut response = layout::refusal(glimpse, parts.status, &Refusal::of_problem(&problem));
    // When to try again, how much is left: what is not about the body.
    for (name, value) in &parts.headers {
        if ![header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response.extensions_mut().extend(parts.extensions);
    response
}
