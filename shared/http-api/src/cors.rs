//! Which web pages may call the API from a browser: those of the origins in the settings, none by default.
//!
//! Tokens are sent by the page itself, never by the browser, so that no credentials are allowed here. The functions answer
//! for CORS in both places that they run; API Gateway must not be told to, as it would take these headers away. It sends
//! the browser's question before a request, `OPTIONS`, to the function of the path, as any other method.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header, request::Parts};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::request_id::X_REQUEST_ID;

/// How long a browser need not ask again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(3_600);

/// The layer that answers browsers; `None` if no origin is allowed.
pub(super) fn layer(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origins: Vec<String> = origins.to_vec();
    let is_allowed = move |asked: &HeaderValue, _: &Parts| {
        asked.to_str().is_ok_and(|asked| origins.iter().any(|origin| is_of(asked, origin)))
    };
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(is_allowed))
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            HeaderName::from_static("idempotency-key"),
            // What tools that trace requests add.
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("tracestate"),
            HeaderName::from_static("baggage"),
            X_REQUEST_ID,
        ])
        .expose_headers(exposed())
        .max_age(ASK_AGAIN_AFTER);
    Some(layer)
}

/// Whether an origin is the one of the settings, or has any port where these say so.
fn is_of(asked: &str, origin: &str) -> bool {
    match origin.strip_suffix(":*") {
        None => asked == origin,
        Some(host) => asked.strip_prefix(host).is_some_and(|port| {
            port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
        }),
    }
}

/// What a page may read of an answer beside what any page may, like `Content-Type` and `Cache-Control` (Fetch, section
/// "CORS-safelisted response-header name"). `Date` comes from whoever serves: hyper, API Gateway, SAM.
fn exposed() -> [HeaderName; 13] {
    [
        header::ALLOW,
        header::CONTENT_DISPOSITION,
        // A page's clock may be wrong: what `expires_at` leaves is counted from here.
        header::DATE,
        header::ETAG,
        header::LINK,
        header::LOCATION,
        header::RETRY_AFTER,
        header::WWW_AUTHENTICATE,
        HeaderName::from_static("accept-patch"),
        HeaderName::from_static("idempotent-replayed"),
        HeaderName::from_static("ratelimit"),
        HeaderName::from_static("ratelimit-policy"),
        X_REQUEST_ID,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_the_port_of_the_settings_or_any() {
        for (asked, origin) in [
            ("https://a.example", "https://a.example"),
            ("http://localhost:5173", "http://localhost:*"),
            ("http://localhost", "http://localhost:*"),
            ("http://[::1]:80", "http://[::1]:*"),
        ] {
            assert!(is_of(asked, origin), "{asked} {origin}");
        }
        for (asked, origin) in [
            ("https://a.example:8443", "https://a.example"),
            ("http://a.example", "https://a.example"),
            ("http://localhost.evil.example", "http://localhost:*"),
            ("http://localhost:80.evil.example", "http://localhost:*"),
            ("http://localhost:", "http://localhost:*"),
            ("http://localhost:99999", "http://localhost:*"),
            ("https://localhost:1", "http://localhost:*"),
            ("null", "http://localhost:*"),
        ] {
            assert!(!is_of(asked, origin), "{asked} {origin}");
        }
    }
}
