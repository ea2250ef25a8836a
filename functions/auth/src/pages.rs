//! The pages that links in mails lead to. They work without scripts, load nothing, and tell nobody where somebody came from: their
//! addresses have a token in them. Looking at one uses nothing up, as programs that scan mails follow links; its button does.

use axum::{
    http::{HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use domain::error::Error;
use http_api::Problem;
use maud::{DOCTYPE, Markup, html};

const STYLE: &str = ":root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif } body { max-width: 32em; margin: 0 auto; \
                     padding: 1.5em } h1 { line-height: 1.2 } label { display: block; font-weight: 600 } input { font: inherit; \
                     width: 100%; box-sizing: border-box; padding: .5em; margin: .25em 0 1em } button { font: inherit; padding: .6em \
                     1.2em; cursor: pointer } .wrong { border-left: .3em solid #c22; padding-left: .8em }";
/// Its own style alone, known by its hash; a test computes that.
const POLICY: &str = "default-src 'none'; style-src 'sha256-v2gB+KOzV5wlGoUXcKC6kYkIC9PM0bvP1W29fVzEl34='; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The parameter of a link in a mail.
const TOKEN: &str = "token";

/// The token in the address of a page; others may have added parameters to it.
pub(crate) fn token_of(uri: &Uri) -> String {
    let query = uri.query().unwrap_or_default();
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    parameters.find(|(name, _)| name == TOKEN).map(|(_, token)| token.into_owned()).unwrap_or_default()
}

/// A whole page.
pub(crate) fn page(status: StatusCode, title: &str, main: Markup) -> Response {
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Evently" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                p { a href="/" { "Evently" } }
                main {
                    h1 { (title) }
                    (main)
                }
            }
        }
    };
    let mut answer = (status, Html(html.into_string())).into_response();
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// A form with the token of the address that led to it.
pub(crate) fn form(path: &str, token: &str, fields: Markup, button: &str) -> Markup {
    html! {
        form method="post" action=(path) {
            @if !token.is_empty() { input type="hidden" name=(TOKEN) value=(token); }
            (fields)
            button { (button) }
        }
    }
}

/// What is wrong with what was sent.
pub(crate) fn wrong(text: &str) -> Markup {
    html! { p.wrong role="alert" { (text) } }
}

/// The page of what is refused before its form is looked at, as it is one too many.
pub(crate) fn refused(error: Error) -> Result<Response, Problem> {
    match error {
        Error::RateLimited { retry_after } => {
            let seconds = retry_after.as_secs() + 1;
            let main = html! { p { "That was a lot within a minute. Try again in " (seconds) " seconds." } };
            Ok(page(StatusCode::TOO_MANY_REQUESTS, "A little slower, please", main))
        }
        error => Err(error.into()),
    }
}

/// The page of a form that no page of ours sent.
pub(crate) fn foreign() -> Response {
    let main = html! { p { "It came from another site. Go to the page here, and try again." } };
    page(StatusCode::FORBIDDEN, "This form was not sent from here", main)
}

/// The page of a service that can't send what was asked for.
pub(crate) fn no_mail() -> Response {
    let main = html! { p { "This service sends no mail. Whoever runs it can help." } };
    page(StatusCode::CONFLICT, "No mail", main)
}

/// The page of a link that does nothing any more.
pub(crate) fn ended(what_next: Markup) -> Response {
    page(
        StatusCode::GONE,
        "This link does nothing any more",
        html! {
            p { "It was used, or it is too old, or a part of it got lost." }
            (what_next)
        },
    )
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_knows_the_style_by_its_hash() {
        let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
        assert!(POLICY.contains(&format!("'sha256-{hash}'")), "{hash}");
    }

    #[test]
    fn a_token_is_found_among_what_others_added() {
        let token = |uri: &str| token_of(&uri.parse().unwrap());
        assert_eq!(token("/verify-email?utm_source=mail&token=a.b-c_d&fbclid=1"), "a.b-c_d");
        assert_eq!(token("/verify-email"), "");
        assert_eq!(token("/verify-email?token="), "");
    }
}
