//! All functions behind one API, and the OpenAPI document that they make together.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Once},
};

use axum::{
    Router,
    body::HttpBody,
    extract::{ConnectInfo, Request, State, connect_info::IntoMakeServiceWithConnectInfo},
    http::{HeaderValue, Method, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http_api::{
    App,
    body::without_length,
    client_address::{ByTls, PeerAddress},
    openapi::{Document, arrange, complete},
};
use serde_json::Value;
use tower::ServiceExt;
use utoipa::{OpenApi, openapi};

use crate::{
    forwarded::{self, TrustedProxies},
    template::{Routes, Template, TemplateError},
    unread,
};

/// To a browser that came by TLS: try nothing else for a year (RFC 6797). Less than for API Gateway, which nobody reaches
/// otherwise: the name is the operator's own, who may have other plans for it.
const BY_TLS_FOR_A_YEAR: &str = "max-age=31536000";

const PROXIES_NOT_SET: &str = "a request came with X-Forwarded-For, but TRUSTED_PROXIES is not set: if a load balancer sent it, \
                               all clients count as one";

/// The routes of each function, by the function's name in the template.
pub fn routes_by_function() -> [(&'static str, Router<Arc<App>>); 6] {
    [
        ("auth", auth::routes()),
        ("events", events::routes()),
        ("reservations", reservations::routes()),
        ("bookings", bookings::routes()),
        ("admin", admin::routes()),
        ("web", web::routes()),
    ]
}

/// What the OpenAPI document says of the routes of each function that has more than pages.
pub fn documents_by_function() -> [(&'static str, openapi::OpenApi); 5] {
    [
        ("auth", auth::document()),
        ("events", events::document()),
        ("reservations", reservations::document()),
        ("bookings", bookings::document()),
        ("admin", admin::document()),
    ]
}

/// The whole API as one service: the same services that the Lambda functions run, each for the paths that the template
/// gives to its function.
///
/// # Errors
/// When a path of the template goes to none of the functions.
pub fn service(template: &Template, app: &Arc<App>) -> Result<Router, TemplateError> {
    let functions = routes_by_function();
    by_template(template, functions.map(|(name, routes)| (name, http_api::service(routes, Arc::clone(app)))))
}

/// Plays API Gateway before these functions: each request goes to the one whose path it is, and to no other.
///
/// # Errors
/// When a path of the template goes to none of the functions.
pub fn by_template<'a>(
    template: &Template,
    functions: impl IntoIterator<Item = (&'a str, Router)>,
) -> Result<Router, TemplateError> {
    let functions: HashMap<&str, Router> = functions.into_iter().collect();
    let routes = Routes::of(template, |route| functions.get(route.function.as_str()).cloned())?;
    Ok(Router::new().fallback(pass_on).with_state(Arc::new(routes)))
}

async fn pass_on(State(routes): State<Arc<Routes<Router>>>, request: Request) -> Response {
    let function = routes.at(request.uri().path()).clone();
    let is_head = request.method() == Method::HEAD;
    let response = function.oneshot(request).await.into_response();
    if is_head { without_made_up_length(response) } else { response }
}

/// The function's router has taken the body from an answer to HEAD by now, and this one would say the length of what is
/// left: 0, where GET says none (RFC 9110, section 9.3.2). It says none of a body whose length it can't know.
fn without_made_up_length(response: Response) -> Response {
    if response.headers().contains_key(header::CONTENT_LENGTH)
        || response.body().size_hint().exact() != Some(0)
    {
        return response;
    }
    response.map(|_| without_length())
}

/// A service for connections from anywhere, whose addresses it knows.
pub fn with_peers(service: Router) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
    received(Door { proxies: TrustedProxies::default(), untold: None }, service)
}

/// A service that knows where its requests come from, by the connection and by what these proxies tell; that leaves a
/// connection good for the next request, or says that it ends; and that finishes the changes that it has begun. Without
/// proxies it says, once, if there seems to be one.
pub fn behind(
    proxies: TrustedProxies,
    service: Router,
) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
    received(Door { untold: (proxies == TrustedProxies::default()).then(Once::new), proxies }, service)
}

/// What requests come through.
struct Door {
    proxies: TrustedProxies,
    /// Whether nobody was told yet that proxies should be set; `None` where that would make no sense.
    untold: Option<Once>,
}

fn received(door: Door, service: Router) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
    service
        .layer(middleware::from_fn_with_state(Arc::new(door), receive))
        .into_make_service_with_connect_info()
}

async fn receive(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(untold) = &door.untold
        && forwarded::is_forwarded(request.headers())
    {
        untold.call_once(|| tracing::warn!(from = %peer.ip(), "{PROXIES_NOT_SET}"));
    }
    let client = door.proxies.client(peer.ip(), request.headers());
    let is_by_tls = door.proxies.is_by_tls(peer.ip(), request.headers());
    request.extensions_mut().insert(PeerAddress(client));
    if is_by_tls {
        request.extensions_mut().insert(ByTls);
    }
    let mut response = unread::answer(request, next).await;
    if is_by_tls {
        let value = HeaderValue::from_static(BY_TLS_FOR_A_YEAR);
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

/// The OpenAPI document of the whole API, as `functions/events/openapi.json` holds it.
///
/// # Errors
/// When the document can't be written as JSON.
pub fn openapi() -> Result<String, serde_json::Error> {
    let mut document = Document::openapi();
    for (_, of_function) in documents_by_function() {
        document.merge(of_function);
    }
    complete(&mut document)?;
    let mut document = serde_json::to_value(document)?;
    arrange(&mut document);
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// The methods of each path of the whole API, a line each, as `shared/http-api/src/allowed.txt` holds them.
///
/// # Errors
/// When the document can't be written as JSON.
pub fn allowed() -> Result<String, serde_json::Error> {
    let document: Value = serde_json::from_str(&openapi()?)?;
    let mut table = String::new();
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        let operations = operations.as_object().into_iter().flatten();
        let mut methods: Vec<String> = operations.map(|(method, _)| method.to_uppercase()).collect();
        methods.sort_unstable();
        if methods.iter().any(|method| method == "GET") {
            methods.push("HEAD".to_owned());
        }
        table += &format!("{path} {}\n", methods.join(", "));
    }
    Ok(table)
}
