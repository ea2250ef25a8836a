//! A keep-alive connection to the API: plain HTTP/1.1, one request at a time, with as little work of our own as can be.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
    header,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::Failure;

/// Far longer than the service takes at most: what takes longer is lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// A request to the API.
#[derive(Debug)]
pub struct Call<'a> {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: &'a str,
    /// Whose it is: an `Authorization` header's value.
    pub bearer: Option<&'a str>,
    /// The `Idempotency-Key`.
    pub key: Option<&'a str>,
    /// A JSON body.
    pub body: Option<String>,
}

impl<'a> Call<'a> {
    /// A `GET` by anybody.
    pub fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, bearer: None, key: None, body: None }
    }

    /// A `POST` by somebody.
    pub fn post(path: &'a str, bearer: &'a str) -> Self {
        Self { method: Method::POST, path, bearer: Some(bearer), key: None, body: None }
    }
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body as it came.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A connection, which is made when it is first used and again after it broke.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    from: Option<Ipv4Addr>,
    host: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// A connection to that address. Connects to nothing yet.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, from: None, host: address.to_string(), sender: None }
    }

    /// The same from one of this machine's addresses, so that a server sees several clients.
    pub fn new_from(from: Ipv4Addr, address: SocketAddr) -> Self {
        Self { from: Some(from), ..Self::new(address) }
    }

    /// Sends a request and waits for its whole answer.
    ///
    /// # Errors
    /// When the connection breaks or nothing comes for too long.
    pub async fn send(&mut self, call: &Call<'_>) -> Result<Answer, Failure> {
        let answered = timeout(ANSWER_WITHIN, self.exchange(call)).await;
        // Whatever went wrong, an answer may still come: the connection can't be used again.
        match answered {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                self.sender = None;
                Err(error)
            }
            Err(_) => {
                self.sender = None;
                Err(format!("no answer within {} s", ANSWER_WITHIN.as_secs()).into())
            }
        }
    }

    async fn exchange(&mut self, call: &Call<'_>) -> Result<Answer, Failure> {
        let request = self.request(call)?;
        let sender = self.connected().await?;
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok(Answer { status, body })
    }

    fn request(&self, call: &Call<'_>) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request =
            Request::builder().method(&call.method).uri(call.path).header(header::HOST, &self.host);
        if let Some(bearer) = call.bearer {
            request = request.header(header::AUTHORIZATION, bearer);
        }
        if let Some(key) = call.key {
            request = request.header("idempotency-key", key);
        }
        if call.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = call.body.clone().unwrap_or_default();
        Ok(request.body(Full::from(body))?)
    }

    async fn connected(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, Failure> {
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            let stream = match self.from {
                None => TcpStream::connect(self.address).await,
                Some(from) => connect_from(from, self.address).await,
            };
            let stream = stream.map_err(|error| format!("nothing answers at {}: {error}", self.host))?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            // Ends with its sender; what goes wrong in it is what the sender is told, too.
            tokio::spawn(async move { drop(connection.await) });
            self.sender = Some(sender);
        }
        let sender = self.sender.as_mut().ok_or("not connected")?;
        sender.ready().await?;
        Ok(sender)
    }
}

async fn connect_from(from: Ipv4Addr, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(address).await
}
