//! Whom a browser means that asks this machine.
//!
//! A web page of anybody can have its own name point to 127.0.0.1 (DNS rebinding): to a browser the answers are then that page's
//! to read. But it still sends the page's name as `Host`, and no page can change that. So nothing is answered under another
//! name than this machine's own. A program that names no host is no browser.

use std::str::FromStr;

use axum::{
    Router,
    extract::Request,
    http::{header, uri::Authority},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http_api::{Code, Problem};

const OWN: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The service, for this machine's own names only.
pub fn own_only(service: Router) -> Router {
    service.layer(middleware::from_fn(check))
}

async fn check(request: Request, next: Next) -> Response {
    if names_another(&request) {
        let detail = format!("Only {} are served.", OWN.join(", "));
        return Problem::new(Code::HostNotServed).detail(detail).into_response();
    }
    next.run(request).await
}

/// Whether the request's target, or any `Host`, is another's.
fn names_another(request: &Request) -> bool {
    let target = request.uri().authority().is_some_and(|authority| !is_own(authority));
    let mut named = request.headers().get_all(header::HOST).iter();
    target
        || named.any(|host| {
            let host = host.to_str().ok().and_then(|host| Authority::from_str(host).ok());
            host.is_none_or(|host| !is_own(&host))
        })
}

fn is_own(authority: &Authority) -> bool {
    !authority.as_str().contains('@') && OWN.iter().any(|own| authority.host().eq_ignore_ascii_case(own))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn answers(target: &str, hosts: &[&str]) -> bool {
        let mut request = axum::http::Request::get(target);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        !names_another(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn it_answers_to_its_own_names_only() {
        for host in ["localhost", "LocalHost:3000", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:3000"] {
            assert!(answers("/", &[host]), "{host}");
            assert!(answers(&format!("http://{host}/events"), &[host]), "{host}");
        }
        assert!(answers("/", &[]), "no browser");
        for host in [
            "evil.example",
            "evil.example:3000",
            "localhost.evil.example",
            "localhost.",
            "127.0.0.1.nip.io",
            "127.0.0.2",
            "0.0.0.0",
            "[::]",
            "me@localhost",
            "localhost, evil.example",
            "",
        ] {
            assert!(!answers("/", &[host]), "{host}");
        }
        assert!(!answers("/", &["localhost", "evil.example"]));
        assert!(!answers("http://evil.example/", &["localhost"]));
        assert!(!answers("http://localhost/", &["evil.example"]));
    }
}
