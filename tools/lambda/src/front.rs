//! Plays API Gateway before the emulators: makes an event of each request, for the function that the template's routes
//! say, and a response of its answer.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, State},
    http::{HeaderName, HeaderValue, Request, Response, StatusCode},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use kit::Failure;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{emulator::Emulators, payload, routes::Routes};

/// API Gateway takes no more.
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;

/// A running gateway. Dropping it stops it.
#[derive(Debug)]
pub struct Front {
    /// Where it listens.
    pub url: String,
    serving: JoinHandle<()>,
}

struct Behind {
    routes: Routes,
    emulators: Arc<Emulators>,
}

impl Front {
    /// Starts it on a free loopback port.
    ///
    /// # Errors
    /// When there is none, or the template is not understood.
    pub async fn start(emulators: Arc<Emulators>) -> Result<Self, Failure> {
        let behind = Arc::new(Behind { routes: Routes::of_template()?, emulators });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let service = Router::new().fallback(pass_on).with_state(behind);
        let service = service.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { drop(axum::serve(listener, service).await) });
        Ok(Self { url, serving })
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass_on(
    State(behind): State<Arc<Behind>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response<Body> {
    match answer(&behind, from, request).await {
        Ok(response) => response,
        Err(error) => {
            eprintln!("{error}");
            // As API Gateway answers for a function that failed.
            let mut response = Response::new(Body::from(r#"{"message":"Internal Server Error"}"#));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

async fn answer(
    behind: &Behind,
    from: SocketAddr,
    request: Request<Body>,
) -> Result<Response<Body>, Failure> {
    let (parts, body) = request.into_parts();
    let mut request = payload::Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: Default::default(),
        body: to_bytes(body, BODY_BYTES_MAX).await?.to_vec(),
        source_ip: from.ip().to_string(),
        request_id: format!("front-{}", Timestamp::now().as_microsecond()),
        at: Timestamp::now(),
    };
    for (name, value) in &parts.headers {
        let value = value.to_str()?;
        let values = request.headers.entry(name.as_str().to_owned()).or_default();
        *values = if values.is_empty() { value.to_owned() } else { format!("{values},{value}") };
    }
    let route = behind.routes.at(&request.path);
    let answer = behind.emulators.invoke(&route.function, &request.event(&route)).await?;
    response(&answer)
}

fn response(answer: &Value) -> Result<Response<Body>, Failure> {
    let text = answer["body"].as_str().unwrap_or_default();
    let body = match answer["isBase64Encoded"].as_bool() {
        Some(true) => BASE64_STANDARD.decode(text)?,
        _ => text.as_bytes().to_vec(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(u16::try_from(answer["statusCode"].as_u64().unwrap_or(0))?)?;
    let headers = response.headers_mut();
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        headers
            .insert(HeaderName::try_from(name)?, HeaderValue::try_from(value.as_str().unwrap_or_default())?);
    }
    for (name, values) in answer["multiValueHeaders"].as_object().into_iter().flatten() {
        let name = HeaderName::try_from(name)?;
        headers.remove(&name);
        for value in values.as_array().into_iter().flatten() {
            headers.append(name.clone(), HeaderValue::try_from(value.as_str().unwrap_or_default())?);
        }
    }
    Ok(response)
}
