//! What stands around every page.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_api::{Code, Problem};
use maud::{DOCTYPE, Markup, html};

use super::{
    assets::{HTMX, ICON, SCRIPT, STYLE},
    cookies::{self, Kept},
    links,
    parts::button,
    refusal::Refusal,
    visitor::Glimpse,
};
use crate::{
    console::overview,
    shop::{account, bookings, holds, register, sign_in},
};

/// No styles of its own, which the content policy would refuse, and nothing that is evaluated.
const HTMX_CONFIG: &str =
    r#"{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true,"historyCacheSize":0}"#;

/// A whole page.
pub(crate) fn page(glimpse: &Glimpse, status: StatusCode, title: &str, main: Markup) -> Response {
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX_CONFIG);
                title { (title) " · Evently" }
                link rel="icon" href=(ICON.href()) type="image/svg+xml";
                link rel="stylesheet" href=(STYLE.href());
                script src=(HTMX.href()) defer {}
                script src=(SCRIPT.href()) defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.site { (navigation(glimpse)) }
                main #main tabindex="-1" {
                    @if let Some(notice) = &glimpse.notice {
                        p.notice.bad[!notice.is_good] role=(if notice.is_good { "status" } else { "alert" }) { (notice.text) }
                    }
                    (main)
                }
                footer.site { p { "Evently · " a href="/docs" { "API for programs" } } }
            }
        }
    };
    let html_type = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(header::CONTENT_TYPE, html_type)], html.into_string()).into_response()
}

fn navigation(glimpse: &Glimpse) -> Markup {
    html! {
        nav aria-label="Main" {
            a.brand href="/" { "Evently" }
            ul {
                @if let Some(email) = &glimpse.email {
                    @if glimpse.is_admin { li { a href=(overview::PATH) { "Console" } } }
                    li { a href=(holds::PATH) { "On hold" } }
                    li { a href=(bookings::PATH) { "My bookings" } }
                    li { a href=(account::PATH) title=(email) { "Account" } }
                    @if glimpse.form_token.is_some() {
                        li { form method="post" action=(sign_in::OUT_PATH) { (button(glimpse, "Sign out", "quiet")) } }
                    }
                } @else {
                    li { a href=(sign_in::PATH) { "Sign in" } }
                    li { a href=(register::PATH) { "Register" } }
                }
            }
        }
    }
}

/// The page of a refusal.
pub(crate) fn refusal(glimpse: &Glimpse, status: StatusCode, refusal: &Refusal) -> Response {
    let (href, label) = refusal.next;
    let mut response = page(
        glimpse,
        status,
        &refusal.title,
        html! {
            h1 { (refusal.title) }
            p { (refusal.text) }
            p { a.button href=(href) { (label) } }
        },
    );
    // What it said once is not said again.
    let said = glimpse.notice.as_ref().and_then(|_| glimpse.reached.forget(Kept::Notice));
    cookies::add(response.headers_mut(), said);
    response
}

/// Where no page is.
pub(crate) async fn nothing_here() -> Problem {
    Problem::new(Code::NotFound)
}

/// Where a page has other methods. Which ones, the router adds.
pub(crate) async fn other_method() -> Problem {
    Problem::new(Code::MethodNotAllowed)
}

/// A link to sign in, and come back.
pub(crate) fn sign_in_link(next: &str) -> String {
    links::with(sign_in::PATH, [("next", next.into())])
}
