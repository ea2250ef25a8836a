//! Whether this process is alive, which is not whether the service is well: an orchestrator kills what is not alive,
//! and no process gets better by being killed because a store is down. `GET /health` tells of the stores.

use std::{io, time::Duration};

use axum::{Router, routing::get};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Where the process says that it is alive. No part of the API: no store is asked, and no request counted.
pub const PATH: &str = "/livez";

const ANSWER_TIME_MAX: Duration = Duration::from_secs(3);
const ANSWER_BYTES_MAX: u64 = 1_024;

/// The service, with [`PATH`] beside it.
pub fn beside(service: Router) -> Router {
    Router::new().route(PATH, get(async || "alive\n")).merge(service)
}

/// Asks the process that serves at that port of this machine: an image need not have an HTTP client for its health check.
///
/// # Errors
/// When nothing answers there in time, or not as this server does.
pub async fn check(port: u16) -> io::Result<()> {
    let answer = timeout(ANSWER_TIME_MAX, ask(port)).await??;
    match answer.starts_with("HTTP/1.0 200") {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "port {port} answers otherwise: {:?}",
            answer.lines().next().unwrap_or_default()
        ))),
    }
}

async fn ask(port: u16) -> io::Result<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await?;
    connection.write_all(format!("GET {PATH} HTTP/1.0\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    connection.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).await?;
    Ok(answer)
}
