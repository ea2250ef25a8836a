//! A function outside the network of Redis: it knows its callers, counts their requests and refuses ended tokens all the same.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    middleware::from_fn_with_state,
    routing::{get, post},
};
use http_api::{
    Caller, OuterApp,
    limit::{Counted, limit},
    service,
};
use secrecy::SecretString;
use serde_json::json;
use settings::Config;
use stores::dynamodb::client_for_endpoint;
use tower::ServiceExt;

use crate::common::{TestApp, shared_dynamodb};

async fn who(caller: Caller) -> String {
    caller.user_id.to_string()
}

/// A process of the outer ring, beside this Evently. Redis is nowhere.
fn outer(evently: &TestApp) -> Router {
    let mut config = Config::clone(&evently.app.config);
    config.redis.url = SecretString::from("redis://127.0.0.1:9");
    config.rate_limits.writes_per_minute = 3;
    let app = OuterApp::new(config, client_for_endpoint(shared_dynamodb()));
    let counted = |counted: Counted| from_fn_with_state(counted, limit);
    let routes = Router::<Arc<OuterApp>>::new()
        .route("/who", get(who).route_layer(counted(Counted::READ)))
        .route("/do", post(who).route_layer(counted(Counted::WRITE)));
    service(routes, app)
}

async fn ask(service: &Router, method: &str, path: &str, token: &str) -> StatusCode {
    let request = Request::builder().method(method).uri(path);
    let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
}

#[tokio::test]
async fn callers_are_known_and_counted_without_redis() {
    let evently = TestApp::start().await;
    let (service, ada, bob) = (outer(&evently), evently.user(), evently.user());
    let (ada, bob) = (ada.token.unwrap(), bob.token.unwrap());
    assert_eq!(ask(&service, "GET", "/who", &ada).await, 200);
    assert_eq!(ask(&service, "GET", "/who", "nonsense").await, 401);
    for _ in 0..3 {
        assert_eq!(ask(&service, "POST", "/do", &ada).await, 200);
    }
    assert_eq!(ask(&service, "POST", "/do", &ada).await, 429, "by this process");
    assert_eq!(ask(&service, "POST", "/do", &bob).await, 200, "each client by itself");
    assert_eq!(ask(&service, "GET", "/nowhere", &ada).await, 404);
}

#[tokio::test]
async fn a_token_that_ended_is_refused_by_what_dynamodb_says() {
    let evently = TestApp::start().await;
    let account = json!({ "email": "ada@example.com", "password": "correct horse battery" });
    let registered = evently.anybody().post("/register", account).await;
    let token = registered.text("access_token").to_owned();
    assert_eq!(ask(&outer(&evently), "GET", "/who", &token).await, 200);
    let change =
        json!({ "current_password": "correct horse battery", "new_password": "another horse battery" });
    let changed = evently.anybody().with_token(token.clone()).post("/password", change).await;
    assert_eq!(changed.status, 204, "{}", changed.body);
    assert_eq!(
        ask(&outer(&evently), "GET", "/who", &token).await,
        401,
        "another process, which knows of nothing"
    );
}
