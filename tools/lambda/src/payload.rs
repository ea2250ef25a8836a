//! What AWS hands to a function: API Gateway's events of payload format 2.0, and EventBridge Scheduler's.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::routes::Matched;

/// The account and the API in all payloads: AWS's own examples have them.
const ACCOUNT: &str = "123456789012";
const API: &str = "a1b2c3d4e5";
const REGION: &str = "eu-central-1";

/// A request as API Gateway gets it from a client.
#[derive(Clone, Debug)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// As the client wrote it.
    pub path: String,
    /// As the client wrote it, without the question mark; empty for none.
    pub query: String,
    /// Names in lower case; values of one name are joined by commas.
    pub headers: BTreeMap<String, String>,
    /// Empty for none.
    pub body: Vec<u8>,
    /// Where the client is.
    pub source_ip: String,
    /// API Gateway's own id of the request.
    pub request_id: String,
    /// When it came.
    pub at: Timestamp,
}

impl Request {
    /// The event that API Gateway makes of it for the function of that route.
    #[must_use]
    pub fn event(&self, route: &Matched) -> Value {
        let domain = format!("{API}.execute-api.{REGION}.amazonaws.com");
        let mut headers = self.headers.clone();
        let mut event = json!({
            "version": "2.0",
            "routeKey": route.route_key,
            "rawPath": self.path,
            "rawQueryString": self.query,
        });
        if let Some(cookies) = headers.remove("cookie") {
            event["cookies"] = cookies.split("; ").collect();
        }
        headers.insert("host".to_owned(), domain.clone());
        headers.insert("x-forwarded-for".to_owned(), self.source_ip.clone());
        headers.insert("x-forwarded-port".to_owned(), "443".to_owned());
        headers.insert("x-forwarded-proto".to_owned(), "https".to_owned());
        event["headers"] = json!(headers);
        if !self.query.is_empty() {
            event["queryStringParameters"] = parameters(&self.query);
        }
        event["requestContext"] = json!({
            "accountId": ACCOUNT,
            "apiId": API,
            "domainName": domain,
            "domainPrefix": API,
            "http": {
                "method": self.method,
                "path": self.path,
                "protocol": "HTTP/1.1",
                "sourceIp": self.source_ip,
                "userAgent": headers.get("user-agent"),
            },
            "requestId": self.request_id,
            "routeKey": route.route_key,
            "stage": "$default",
            "time": self.at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": self.at.as_millisecond(),
        });
        if !route.path_parameters.is_empty() {
            event["pathParameters"] = json!(route.path_parameters);
        }
        let text = std::str::from_utf8(&self.body).ok().filter(|_| self.is_text());
        if !self.body.is_empty() {
            event["body"] = json!(text.map_or_else(|| BASE64_STANDARD.encode(&self.body), str::to_owned));
        }
        event["isBase64Encoded"] = json!(text.is_none() && !self.body.is_empty());
        event
    }

    /// Whether API Gateway hands the body on as text: it looks at the content's type and encoding.
    fn is_text(&self) -> bool {
        let content_type = self.headers.get("content-type").map_or("", String::as_str);
        let is_text_type = content_type.starts_with("text/") || content_type.starts_with("application/json");
        is_text_type && !self.headers.contains_key("content-encoding")
    }
}

/// The parameters of a query, those of the same name joined by commas.
fn parameters(query: &str) -> Value {
    let mut parameters = Map::new();
    for (name, value) in form_urlencoded(query) {
        match parameters.get_mut(&name) {
            Some(Value::String(values)) => *values = format!("{values},{value}"),
            _ => drop(parameters.insert(name, json!(value))),
        }
    }
    Value::Object(parameters)
}

fn form_urlencoded(query: &str) -> Vec<(String, String)> {
    match reqwest::Url::parse(&format!("http://localhost/?{query}")) {
        Ok(url) => url.query_pairs().into_owned().collect(),
        Err(_) => Vec::new(),
    }
}

/// The event that EventBridge Scheduler hands to a function that has no input of its own.
#[must_use]
pub fn scheduled(schedule: &str, id: &str, at: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": id,
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": REGION,
        "resources": [format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{schedule}")],
        "detail": "{}",
    })
}
