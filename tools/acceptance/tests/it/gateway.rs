//! What API Gateway hands to a function, through the same adapter as in Lambda: whatever is in the event, the answer
//! is one of the API document's, and never a defect.

use std::{cell::RefCell, collections::BTreeMap};

use axum::Router;
use base64::{Engine, prelude::BASE64_STANDARD};
use http_api::gateway::gateway;
use lambda_http::{
    Body, LambdaEvent, aws_lambda_events::apigw::ApiGatewayV2httpResponse, request::LambdaRequest,
    tower::ServiceExt,
};
use local::api;
use proptest::{collection::vec, option, prelude::*, test_runner::Config, test_runner::TestRunner};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::common::{Session, TestApp, contract::CONTRACT, permissions};

/// Events tried by each test.
const EVENTS: u32 = 400;

/// What a test needs to make requests that get further than the first check.
struct World {
    service: Router,
    /// Of an event, a reservation and a booking.
    ids: Vec<String>,
    tokens: Vec<String>,
}

impl World {
    async fn new() -> Self {
        let evently = TestApp::start().await;
        let event = evently.event(1_000).await;
        let (user, admin) = (evently.user(), evently.admin());
        let ids = vec![user.hold(&event, 2).await, user.buy(&event, 1).await, event];
        let token = |session: &Session| session.token.clone().unwrap();
        let service = permissions::service(&evently.app);
        Self { ids, tokens: vec![token(&user), token(&admin)], service }
    }

    /// Methods and paths, mostly of the API, with ids that name something or not.
    fn route(&self) -> impl Strategy<Value = (String, String)> + use<> {
        let operations = prop::sample::select(operations());
        let mut ids = self.ids.clone();
        ids.push(Uuid::now_v7().to_string());
        let id =
            prop_oneof![4 => prop::sample::select(ids), 1 => "[ -~]{0,40}", 1 => "(%[0-9a-fA-F]{2}|.){0,8}"];
        prop_oneof![
            12 => (operations.clone(), id).prop_map(|((method, path), id)| (method, path.replace("{id}", &id))),
            2 => (operations, "GET|POST|PUT|DELETE|HEAD|PATCH|OPTIONS|[A-Z]{1,8}").prop_map(|((_, path), method)| (method, path)),
            1 => ("GET|POST", "(/[ -~]{0,12}){0,4}|.{0,20}"),
        ]
    }

    fn headers(&self) -> impl Strategy<Value = BTreeMap<String, String>> + use<> {
        let tokens = self.tokens.clone();
        let token = prop::sample::select(tokens).prop_map(|token| format!("Bearer {token}"));
        let some = |name: &'static str, value: BoxedStrategy<String>| {
            option::of(value).prop_map(move |value| (name, value))
        };
        let named = (
            some("authorization", prop_oneof![6 => token, 1 => "(Bearer )?[ -~]{0,40}"].boxed()),
            some(
                "content-type",
                prop_oneof![3 => Just("application/json".to_owned()), 1 => "[ -~]{0,20}"].boxed(),
            ),
            some("idempotency-key", prop_oneof![3 => "[a-z]{1,8}", 1 => "[ -~]{0,300}"].boxed()),
            some("if-match", prop_oneof![3 => "\"[1-3]\"|\\*", 1 => "[W/\"*, !-~]{0,20}"].boxed()),
            some("if-none-match", "(W/)?\"[0-9]\"|\\*|[ -~]{0,20}".boxed()),
            some("x-forwarded-for", "[0-9a-f.:, ]{0,40}".boxed()),
        );
        named.prop_map(|(a, b, c, d, e, f)| {
            [a, b, c, d, e, f]
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect()
        })
    }

    /// An HTTP API's event of payload format 2.0.
    fn event(&self) -> impl Strategy<Value = Value> + use<> {
        let query = "((q|from|to|limit|cursor|status|bom)=([0-9A-Za-z:-]|%[0-9a-fA-F]{2}|[ -~]){0,12}&?){0,3}(&?format=(csv|json))?";
        (self.route(), query, self.headers(), body()).prop_map(|((method, path), query, headers, (body, is_base64))| {
            json!({
                "version": "2.0",
                "routeKey": "$default",
                "rawPath": path,
                "rawQueryString": query,
                "headers": headers,
                "requestContext": {
                    "accountId": "123456789012",
                    "apiId": "api",
                    "domainName": "api.execute-api.eu-central-1.amazonaws.com",
                    "domainPrefix": "api",
                    "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1" },
                    "requestId": "id",
                    "routeKey": "$default",
                    "stage": "$default",
                    "time": "12/Mar/2031:19:03:58 +0000",
                    "timeEpoch": 1_931_000_638_390_u64,
                },
                "body": body,
                "isBase64Encoded": is_base64,
            })
        })
    }

    /// The answer to an event; none for what is no event at all, which the runtime refuses before any code of ours.
    async fn answer(&self, event: Value) -> Option<ApiGatewayV2httpResponse> {
        let request: LambdaRequest = serde_json::from_value(event).ok()?;
        let service = gateway(self.service.clone());
        let event = LambdaEvent::new(request, lambda_http::Context::default());
        let answer = serde_json::to_value(service.oneshot(event).await.unwrap()).unwrap();
        Some(serde_json::from_value(answer).unwrap())
    }
}

/// The operations of the API, each with its method and path.
fn operations() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&api::openapi().unwrap()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let of_path = |(path, item): (&String, &Value)| {
        let methods: Vec<_> = item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        methods.into_iter().map(|method| (method, path.clone())).collect::<Vec<_>>()
    };
    paths.flat_map(of_path).collect()
}

/// A body, and whether it says that it is in base64.
fn body() -> impl Strategy<Value = (Option<String>, bool)> {
    let event = json!({ "name": "Show", "starts_at": "2031-06-12T20:00:00Z", "capacity": 10, "base_price": 1, "currency": "EUR" });
    let account = json!({ "email": "ada@example.com", "password": "correct horse" });
    let text = prop_oneof![
        3 => prop::sample::select(vec![event.to_string(), account.to_string(), r#"{"quantity":2}"#.to_owned()]),
        1 => "[{}\\[\\]\",:0-9a-z\\\\]{0,40}",
        1 => ".{0,40}",
    ];
    // Base64 is the gateway's own work, so it is sound.
    let encoded = any::<Vec<u8>>().prop_map(|bytes| (Some(BASE64_STANDARD.encode(bytes)), true));
    prop_oneof![4 => option::of(text).prop_map(|text| (text, false)), 1 => encoded]
}

/// Tries many events, sound ones or not; answers with how often each status came.
fn try_all(is_sound: bool, make: impl Fn(World) -> (World, BoxedStrategy<Value>)) -> BTreeMap<u16, u32> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (world, events) = make(runtime.block_on(World::new()));
    let seen = RefCell::new(BTreeMap::new());
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(EVENTS) });
    let tried = runner.run(&events, |event| {
        let Some(answer) = runtime.block_on(world.answer(event.clone())) else {
            *seen.borrow_mut().entry(0).or_default() += 1;
            return Ok(());
        };
        let status = u16::try_from(answer.status_code).unwrap();
        *seen.borrow_mut().entry(status).or_default() += 1;
        prop_assert_ne!(status, 500, "{:?}", answer.body);
        let method =
            event["requestContext"]["http"]["method"].as_str().and_then(|method| method.parse().ok());
        // A path like `/events/..` is another one after all.
        let path = event["rawPath"].as_str().filter(|path| is_sound && !path.contains("/."));
        if let (Some(method), Some(path)) = (method, path) {
            let body = answer.body.as_ref().map(Body::as_ref).unwrap_or_default();
            let complaint = CONTRACT.complaint(&method, path, status, &answer.headers, body);
            prop_assert!(complaint.is_none(), "{complaint:?}");
        }
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
    seen.into_inner()
}

#[test]
fn every_event_of_the_gateway_gets_an_answer_of_the_document() {
    let seen = try_all(true, |world| {
        let events = world.event().boxed();
        (world, events)
    });
    for status in [200, 400, 401, 403, 404, 405] {
        assert!(seen.contains_key(&status), "nothing was answered with {status}: {seen:?}");
    }
    assert!(!seen.contains_key(&0), "{seen:?}");
}

#[test]
fn an_event_with_anything_in_it_gets_an_answer_or_is_none() {
    let anything = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        vec(".{0,8}", 0..3).prop_map(Value::from),
        prop::collection::btree_map("[a-zA-Z-]{1,8}", ".{0,8}", 0..3).prop_map(|map| json!(map)),
    ];
    let places = [
        "version",
        "routeKey",
        "rawPath",
        "rawQueryString",
        "headers",
        "cookies",
        "queryStringParameters",
        "pathParameters",
        "requestContext",
        "requestContext/http",
        "requestContext/http/method",
        "requestContext/http/path",
        "requestContext/http/sourceIp",
        "requestContext/stage",
        "requestContext/authorizer",
        "stageVariables",
    ];
    let seen = try_all(false, |world| {
        let changes = vec((prop::sample::select(places.to_vec()), option::of(anything.clone())), 1..3);
        let events = (world.event(), changes).prop_map(|(mut event, changes)| {
            for (place, value) in changes {
                let (parent, member) = place.rsplit_once('/').unwrap_or(("", place));
                let parent = if parent.is_empty() { String::new() } else { format!("/{parent}") };
                if let Some(Value::Object(members)) = event.pointer_mut(&parent) {
                    match value {
                        Some(value) => drop(members.insert(member.to_owned(), value)),
                        None => drop(members.remove(member)),
                    }
                }
            }
            event
        });
        (world, events.boxed())
    });
    assert!(seen.len() > 4, "{seen:?}");
}

/// API Gateway makes a length of the body that it gets, and of an answer to HEAD it gets none. What the function says of the
/// length is what the whole answer to GET has, or nothing.
#[tokio::test]
async fn an_answer_to_head_says_no_length_that_get_has_not() {
    let world = World::new().await;
    let event = world.ids.last().unwrap();
    for path in [
        "/events",
        "/events/popular",
        "/docs",
        "/openapi.json",
        "/health",
        "/nowhere",
        &format!("/events/{event}"),
    ] {
        for encoding in ["identity", "gzip"] {
            let ask = async |method: &str| {
                let http = json!({
                    "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test",
                });
                let asked = world.answer(json!({
                    "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
                    "headers": { "accept-encoding": encoding }, "isBase64Encoded": false,
                    "requestContext": { "http": http, "stage": "$default", "timeEpoch": 1_931_000_638_390_u64 },
                }));
                asked.await.unwrap()
            };
            let (get, head) = (ask("GET").await, ask("HEAD").await);
            assert_eq!(head.status_code, get.status_code, "{path}");
            let body = match &get.body {
                Some(Body::Text(text)) if get.is_base64_encoded => BASE64_STANDARD.decode(text).unwrap(),
                Some(body) => body.as_ref().to_vec(),
                None => Vec::new(),
            };
            assert!(!body.is_empty(), "{path}");
            assert!(head.body.as_ref().is_none_or(|body| body.as_ref().is_empty()), "{path}");
            let length = |answer: &ApiGatewayV2httpResponse| answer.headers.get("content-length").cloned();
            assert_eq!(length(&head), length(&get), "{path} {encoding}");
            if let Some(length) = length(&head) {
                assert_eq!(length, body.len().to_string(), "{path} {encoding}");
            }
        }
    }
}
