//! One connection, request after request: it survives an answer that came before the request's body, or the answer says
//! that it ends.

use std::{collections::BTreeMap, time::Duration};

use http_api::fields::BODY_BYTES_MAX;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::{sleep, timeout},
};
use uuid::Uuid;

use crate::common::{TestApp, concert};

const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: evently\r\n\r\n";
/// Longer than anything that the server waits for.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);

/// A client's connection, as bytes.
struct Connection(BufReader<TcpStream>);

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
}

impl Answer {
    fn says_that_the_connection_ends(&self) -> bool {
        self.headers.get("connection").is_some_and(|value| value == "close")
    }
}

impl Connection {
    async fn to(evently: &TestApp) -> Self {
        let stream = TcpStream::connect(evently.url.strip_prefix("http://").unwrap()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(ANSWERED_WITHIN, self.0.read_line(&mut line)).await.expect("no answer").unwrap();
        line.trim_end().to_owned()
    }

    async fn answer(&mut self) -> Answer {
        let first = self.line().await;
        let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest[..3].parse().ok());
        let status = status.unwrap_or_else(|| panic!("no answer, but {first:?}"));
        let mut headers = BTreeMap::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.insert(name.to_owned(), value.to_owned());
        }
        let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).await.unwrap();
        Answer { status, headers }
    }

    /// The next request is answered as if nothing had been.
    async fn is_good(&mut self) {
        self.send(HEALTH).await;
        assert_eq!(self.answer().await.status, 200);
    }

    async fn has_ended(&mut self) {
        let mut rest = Vec::new();
        let ended = timeout(ANSWERED_WITHIN, self.0.read_to_end(&mut rest)).await.expect("still open");
        assert!(ended.is_err() || rest.is_empty(), "{}", rest.escape_ascii());
    }
}

/// A request line with headers, still without those of the body.
fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\nHost: evently\r\nContent-Type: application/json\r\n{headers}")
}

fn with_length(head: &str, bytes: usize) -> String {
    format!("{head}Content-Length: {bytes}\r\n\r\n")
}

fn in_chunks(head: &str) -> String {
    format!("{head}Transfer-Encoding: chunked\r\n\r\n")
}

fn chunk(bytes: usize) -> String {
    format!("{bytes:x}\r\n{}\r\n", " ".repeat(bytes))
}

/// Requests that are refused without a look at their body, each with its status.
async fn refused(evently: &TestApp) -> Vec<(u16, String)> {
    let event = evently.event(10).await;
    let bearer = |token: Option<String>| format!("Bearer {}", token.unwrap());
    let (user, admin) = (bearer(evently.user().token), bearer(evently.admin().token));
    let book = format!("/events/{event}/book");
    vec![
        (401, head("POST", &book, &[])),
        (401, head("POST", &book, &[("Authorization", "Bearer made.up.token")])),
        (403, head("POST", "/admin/events", &[("Authorization", &user)])),
        (404, head("POST", "/nowhere", &[])),
        (404, head("GET", &format!("/events/{}", Uuid::now_v7()), &[])),
        (405, head("PUT", "/health", &[])),
        (400, head("POST", &book, &[("Authorization", &user)])),
        (400, head("GET", "/events?limit=0", &[])),
        (428, head("PUT", &format!("/admin/events/{event}"), &[("Authorization", &admin)])),
    ]
}

#[tokio::test]
async fn a_connection_is_good_after_an_answer_that_came_before_the_body() {
    let evently = TestApp::start().await;
    for (status, head) in refused(&evently).await {
        for bytes in [1, 1_000, BODY_BYTES_MAX] {
            let mut connection = Connection::to(&evently).await;
            connection.send(with_length(&head, bytes)).await;
            let answer = connection.answer().await;
            assert_eq!(answer.status, status, "{head}");
            assert!(!answer.says_that_the_connection_ends(), "{head}");
            // Late, and in two pieces.
            sleep(Duration::from_millis(20)).await;
            connection.send(" ".repeat(bytes / 2)).await;
            sleep(Duration::from_millis(20)).await;
            connection.send(" ".repeat(bytes - bytes / 2)).await;
            connection.is_good().await;
        }
    }
}

#[tokio::test]
async fn a_connection_is_good_after_one_request_too_many() {
    let evently = TestApp::with(|config| config.rate_limits.writes_per_minute = 1).await;
    let mut connection = Connection::to(&evently).await;
    let head = head("POST", "/admin/events", &[]);
    for status in [401, 429, 429] {
        connection.send(with_length(&head, 10_000)).await;
        assert_eq!(connection.answer().await.status, status);
        connection.send(" ".repeat(10_000)).await;
    }
    connection.is_good().await;
}

#[tokio::test]
async fn a_body_in_chunks_may_come_late_too() {
    let evently = TestApp::start().await;
    for (status, head) in refused(&evently).await {
        let mut connection = Connection::to(&evently).await;
        connection.send(in_chunks(&head) + &chunk(1_000)).await;
        sleep(Duration::from_millis(100)).await;
        connection.send(chunk(BODY_BYTES_MAX - 1_000) + "0\r\n\r\n").await;
        let answer = connection.answer().await;
        assert_eq!(answer.status, status, "{head}");
        assert!(!answer.says_that_the_connection_ends(), "{head}");
        connection.is_good().await;
    }
}

#[tokio::test]
async fn chunks_without_an_end_are_answered_and_the_answer_says_that_the_connection_ends() {
    let evently = TestApp::start().await;
    let mut connection = Connection::to(&evently).await;
    connection.send(in_chunks(&head("POST", "/events/x/book", &[])) + &chunk(1_000)).await;
    let answer = connection.answer().await;
    assert_eq!(answer.status, 401);
    assert!(answer.says_that_the_connection_ends());
    connection.has_ended().await;
}

#[tokio::test]
async fn a_body_that_is_too_long_ends_the_connection_and_the_answer_says_so() {
    let evently = TestApp::start().await;
    // Only a handler that reads the body says that it is too long.
    let (login, no_token) = (head("POST", "/login", &[]), head("POST", "/events/x/book", &[]));
    for (status, head) in [(413, login), (401, no_token)] {
        for body in [
            with_length(&head, 2_000_000) + &" ".repeat(2_000_000),
            in_chunks(&head) + &chunk(BODY_BYTES_MAX).repeat(100) + "0\r\n\r\n",
        ] {
            let mut connection = Connection::to(&evently).await;
            // All of it is taken, so that the answer is not lost with the connection.
            connection.send(&body).await;
            let answer = connection.answer().await;
            assert_eq!(answer.status, status);
            assert!(answer.says_that_the_connection_ends(), "{status} {}", body.len());
            connection.has_ended().await;
        }
    }
}

#[tokio::test]
async fn a_body_that_is_a_little_too_long_may_be_there_already_and_the_answer_says_whether_the_connection_ends()
 {
    let evently = TestApp::start().await;
    for head in [head("POST", "/login", &[]), head("POST", "/events/x/book", &[])] {
        for body in [
            with_length(&head, BODY_BYTES_MAX + 1) + &" ".repeat(BODY_BYTES_MAX + 1),
            in_chunks(&head) + &chunk(BODY_BYTES_MAX / 2 + 1).repeat(2) + "0\r\n\r\n",
        ] {
            let mut connection = Connection::to(&evently).await;
            connection.send(&body).await;
            match connection.answer().await.says_that_the_connection_ends() {
                true => connection.has_ended().await,
                false => connection.is_good().await,
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_waits_to_send_is_refused_at_once_and_told_that_the_connection_ends() {
    let evently = TestApp::start().await;
    for (status, head) in refused(&evently).await {
        let mut connection = Connection::to(&evently).await;
        connection.send(with_length(&(head.clone() + "Expect: 100-continue\r\n"), 1_000)).await;
        let answer = connection.answer().await;
        assert_eq!(answer.status, status, "not told to send: {head}");
        assert!(answer.says_that_the_connection_ends(), "{head}");
        connection.has_ended().await;
    }
}

#[tokio::test]
async fn a_client_that_waits_to_send_is_told_to_where_its_body_is_wanted() {
    let evently = TestApp::start().await;
    let body = concert(json!({})).to_string();
    let bearer = format!("Bearer {}", evently.admin().token.unwrap());
    let create = head("POST", "/admin/events", &[("Authorization", &bearer), ("Expect", "100-continue")]);
    let mut connection = Connection::to(&evently).await;
    connection.send(with_length(&create, body.len())).await;
    assert_eq!(connection.answer().await.status, 100);
    connection.send(&body).await;
    let created = connection.answer().await;
    assert_eq!(created.status, 201);
    assert!(!created.says_that_the_connection_ends());
    connection.is_good().await;
}

#[tokio::test]
async fn requests_sent_at_once_are_answered_one_after_the_other() {
    let evently = TestApp::start().await;
    for (status, head) in refused(&evently).await {
        let body = " ".repeat(BODY_BYTES_MAX);
        let counted = with_length(&head, body.len()) + &body;
        let chunked = in_chunks(&head) + &chunk(BODY_BYTES_MAX) + "0\r\n\r\n";
        let mut connection = Connection::to(&evently).await;
        connection.send([counted.as_str(), HEALTH, &chunked, HEALTH, &counted].concat()).await;
        for expected in [status, 200, status, 200, status] {
            assert_eq!(connection.answer().await.status, expected, "{head}");
        }
        connection.is_good().await;
    }
}

#[tokio::test]
async fn a_client_that_never_sends_its_body_keeps_its_connection_for_some_seconds_only() {
    let evently = TestApp::start().await;
    let mut connection = Connection::to(&evently).await;
    connection.send(with_length(&head("POST", "/events/x/book", &[]), 1_000)).await;
    assert_eq!(connection.answer().await.status, 401);
    connection.has_ended().await;
}

#[tokio::test]
async fn chunks_that_are_none_end_the_connection_and_the_answer_says_so() {
    let evently = TestApp::start().await;
    let mut connection = Connection::to(&evently).await;
    connection.send(in_chunks(&head("POST", "/login", &[])) + "no size\r\n").await;
    let answer = connection.answer().await;
    assert_eq!(answer.status, 400);
    assert!(answer.says_that_the_connection_ends());
    connection.has_ended().await;
}
