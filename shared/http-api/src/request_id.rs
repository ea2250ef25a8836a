//! The id of a request: in each of its lines in the log, and in its answer, for whoever asks about it. API Gateway's
//! where there is one, which its own log has, too; otherwise a new one. What a client sends as its own changes nothing.

use std::fmt;

use axum::http::{Extensions, HeaderName, HeaderValue};
use lambda_http::request::RequestContext;
use tracing::{Span, error_span};

/// The answer's header that tells it.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request.
#[derive(Clone, Debug)]
pub(super) struct RequestId(String);

impl RequestId {
    /// The id of a request with these extensions.
    pub(super) fn of(extensions: &Extensions) -> Self {
        let by_gateway = extensions.get::<RequestContext>().and_then(|context| match context {
            RequestContext::ApiGatewayV2(context) => context.request_id.clone(),
            _ => None,
        });
        // Nobody gains by guessing it, so it need not cost a call of the system.
        Self(by_gateway.unwrap_or_else(|| format!("{:032x}", fastrand::u128(..))))
    }

    /// What the request's lines in the log stand in. Of the highest level, so that it is there whatever is shown.
    pub(super) fn span(&self) -> Span {
        error_span!("request", request_id = self.0)
    }

    /// The id as a header.
    pub(super) fn to_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_gateways_id_is_taken_over() {
        let context = serde_json::json!({ "requestId": "JKJaXmPLvHcESHA=", "http": { "method": "GET" } });
        let mut extensions = Extensions::new();
        extensions.insert(RequestContext::ApiGatewayV2(serde_json::from_value(context).unwrap()));
        assert_eq!(RequestId::of(&extensions).to_header().unwrap(), "JKJaXmPLvHcESHA=");
    }

    #[test]
    fn without_one_each_request_gets_a_new_one() {
        let id = || RequestId::of(&Extensions::new()).0;
        assert_ne!(id(), id());
    }
}
