//! The service around a router: state, body limit, logs, headers of every answer, and problems for unknown paths and methods. The same for
//! a Lambda function and for the local server.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    handler::Handler,
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, Uri, Version, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
};
use lambda_http::request::RequestContext;
use tower::util::option_layer;
use tower_http::compression::{CompressionLayer, Predicate, predicate::SizeAbove};
use tracing::Instrument;

use super::{
    body::without_length,
    code::Code,
    cors,
    csv::{BYTE_ORDER_MARK, CONTENT_TYPE as CSV},
    fields::BODY_BYTES_MAX,
    gateway::gateway,
    limit::limit_unknown,
    problem::Problem,
    request_id::{RequestId, X_REQUEST_ID},
    validators::Known,
};
use crate::{App, Ring, front::Front};
use domain::error::{Error, GaveUp};
use settings::{Config, ConfigError};
use stores::dynamodb::AskedTable;
use telemetry::{self, names};

/// Below the functions' timeout of 10 s, so that a client is told to try again, instead of nothing. Breaking a
/// request off anywhere is like a crash there, which the protocol allows.
pub const REQUEST_TIME_MAX: Duration = Duration::from_millis(8_500);

/// API Gateway is reached by TLS only: browsers need not try anything else for two years (RFC 6797).
const ALWAYS_BY_TLS: &str = "max-age=63072000";

/// A smaller answer fits into one packet as it is.
const COMPRESSED_BYTES_MIN: u64 = 1_400;

/// Runs the routes of one inner function as a Lambda behind API Gateway. `table` is one that it may read.
pub async fn run(routes: Router<Arc<App>>, table: AskedTable) -> Result<(), lambda_http::Error> {
    run_checked(routes, table, |_| Ok(())).await
}

/// The same, if the settings are good enough for that function, too.
pub async fn run_checked(
    routes: Router<Arc<App>>,
    table: AskedTable,
    check: fn(&Config) -> Result<(), ConfigError>,
) -> Result<(), lambda_http::Error> {
    telemetry::init(telemetry::SHOWN)?;
    let app = App::from_env(check).await?;
    app.open_connections(table).await;
    lambda_runtime::run(gateway(service(routes, app))).await
}

/// The routes as a service.
pub fn service<R: Ring>(routes: Router<Arc<R>>, app: Arc<R>) -> Router {
    let front = Arc::clone(app.front());
    routes
        .fallback(no_such_route.layer(middleware::from_fn(limit_unknown)))
        .method_not_allowed_fallback(no_such_route.layer(middleware::from_fn(limit_unknown)))
        // Together, for each call of this goes through all methods of all routes when a function starts. The first is outermost.
        .layer((
            middleware::from_fn_with_state(Arc::clone(&front), finish_response),
            CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED_BYTES_MIN).and(is_public)),
            option_layer(cors::layer(&front.config.cors_allow_origins)),
            DefaultBodyLimit::max(BODY_BYTES_MAX),
        ))
        .with_state(app)
}

/// Whether anybody may see an answer. In a personal one, its compressed size could tell a secret beside what an
/// attacker put in (BREACH).
fn is_public(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    headers.get(header::CACHE_CONTROL).is_some_and(|value| value.as_bytes().starts_with(b"public"))
}

/// Gives the request an id, under which it stands in the log and is answered.
async fn finish_response(State(front): State<Arc<Front>>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(front);
    let id = RequestId::of(request.extensions());
    request.extensions_mut().insert(id.clone());
    let is_in_lambda = request.extensions().get::<RequestContext>().is_some();
    let mut response = answer(request, next).instrument(id.span()).await;
    if is_in_lambda && response.headers().get(header::CONTENT_TYPE).is_some_and(|named| named == CSV) {
        response = with_mark_kept(response).await;
    }
    if response.status() == StatusCode::NO_CONTENT {
        response = response.map(|_| without_length());
    }
    let headers = response.headers_mut();
    if let Some(id) = id.to_header() {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // API Gateway is reached by nothing but TLS.
    if is_in_lambda {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ALWAYS_BY_TLS));
    }
    response
}

/// `lambda_http` reads an answer's text to put it into JSON, and takes a byte order mark for a sign to itself. So a file that shall
/// have one gets another.
async fn with_mark_kept(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(content) if content.starts_with(BYTE_ORDER_MARK) => {
            // Of what the client gets.
            parts.headers.insert(header::CONTENT_LENGTH, content.len().into());
            Response::from_parts(parts, Body::from([BYTE_ORDER_MARK, &content].concat()))
        }
        Ok(content) => Response::from_parts(parts, Body::from(content)),
        Err(error) => Problem::from(Error::Internal(Box::new(error))).into_response(),
    }
}

/// Answers are personal unless their handler says otherwise, and every request leaves one line in the log, and one
/// of metrics where they are collected.
async fn answer(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let known = Known::of(&request);
    if !method.is_safe() {
        // No answer to a change is compressed. Who wants nothing else must not be told 406 of what is done.
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let mut response = match tokio::time::timeout(REQUEST_TIME_MAX, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::from(Error::GaveUp(GaveUp::Answering)).into_response(),
    };
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let response = known.unless_same(response);
    let status = response.status();
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        %method,
        route = route.as_deref().unwrap_or("unknown"),
        status = status.as_u16(),
        code = response.extensions().get::<Code>().map(|code| code.as_str()),
        ms,
        "answered"
    );
    metrics::counter!(names::REQUESTS).increment(1);
    metrics::counter!(names::REQUESTS_REFUSED).increment(u64::from(status.is_client_error()));
    metrics::counter!(names::REQUESTS_FAILED).increment(u64::from(status.is_server_error()));
    metrics::histogram!(names::REQUEST_MS).record(started.elapsed().as_secs_f64() * 1_000.0);
    telemetry::flush_metrics();
    response
}

/// The methods of each path of the whole API, for `Allow`: read only when somebody uses a wrong one. `make openapi` writes
/// the file, a path and its methods in each line.
static ALLOWED: LazyLock<matchit::Router<&'static str>> = LazyLock::new(|| {
    let mut allowed = matchit::Router::new();
    for (path, methods) in include_str!("allowed.txt").lines().filter_map(|line| line.split_once(' ')) {
        // Paths of one document do not conflict; the test of the document says so.
        let _ = allowed.insert(path, methods);
    }
    allowed
});

async fn no_such_route(uri: Uri) -> Response {
    // A page for people, who may type its address like this.
    if uri.path() == "/docs/" {
        return Redirect::permanent("/docs").into_response();
    }
    match ALLOWED.at(uri.path()) {
        Ok(found) => method_not_allowed(found.value).into_response(),
        Err(_) => nothing_here().into_response(),
    }
}

pub(super) fn method_not_allowed(allowed: &str) -> Problem {
    Problem::new(Code::MethodNotAllowed).detail(format!("Allowed: {allowed}.")).header(header::ALLOW, allowed)
}

pub(super) fn nothing_here() -> Problem {
    Problem::new(Code::NotFound)
}
