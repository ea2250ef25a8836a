//! Between API Gateway's events and the routes.

use axum::Router;
use lambda_http::{Adapter, LambdaEvent, request::LambdaRequest};
use tower::util::MapRequest;

/// A service for the events of an HTTP API.
pub type Gateway = MapRequest<Adapter<'static, axum::response::Response, Router>, fn(Event) -> Event>;

type Event = LambdaEvent<LambdaRequest>;

/// The routes as a service for the events of an HTTP API (payload format 2.0).
pub fn gateway(routes: Router) -> Gateway {
    MapRequest::new(Adapter::from(routes), |event| LambdaEvent {
        payload: with_clean_url(event.payload),
        ..event
    })
}

/// API Gateway hands on a query as the client wrote it, and a path perhaps decoded, while `lambda_http` puts them
/// together as they are and panics if that gives no URL: the client would hear of a defect. So what must be written
/// as `%xx` is written like that here.
fn with_clean_url(mut request: LambdaRequest) -> LambdaRequest {
    if let LambdaRequest::ApiGatewayV2(event) = &mut request {
        event.raw_query_string = event.raw_query_string.take().map(|query| escaped(&query, b"/?"));
        event.raw_path = event.raw_path.take().map(|path| {
            let path = escaped(&path, b"/");
            if path.starts_with('/') { path } else { format!("/{path}") }
        });
    }
    request
}

/// A part of a URL with everything escaped that can stand neither in every part (RFC 3986, section 3.3), nor in this.
fn escaped(part: &str, also: &[u8]) -> String {
    let mut escaped = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte) || also.contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped += &format!("%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_that_is_one_stays_as_it_is() {
        let query = "q=open%20air&from=2031-06-12T20:00:00%2B02:00&limit=5&cursor=eyJ0.e30.c2ln_bmF-";
        assert_eq!(escaped(query, b"/?"), query);
        assert_eq!(escaped("q=<é \"#", b"/?"), "q=%3C%C3%A9%20%22%23");
        assert_eq!(escaped("/events/a?b", b"/"), "/events/a%3Fb");
    }

    proptest! {
        #[test]
        fn any_query_becomes_part_of_a_url(query: String) {
            let url = format!("https://example.com/events?{}", escaped(&query, b"/?"));
            prop_assert!(axum::http::Uri::try_from(url).is_ok());
        }
    }
}
