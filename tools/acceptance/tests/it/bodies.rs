//! Request bodies: what is no JSON, no object, too large or of another type.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use uuid::Uuid;

use crate::common::{Answer, Session, TestApp, send};

const LIMIT_BYTES: usize = 16 * 1024;
const EVENT_LIMIT_BYTES: usize = 1024 * 1024;
const JSON: &str = "application/json";

/// Books with that body.
async fn book(
    user: &Session,
    event: &str,
    content_type: Option<&str>,
    body: impl Into<reqwest::Body>,
) -> Answer {
    let mut request = user
        .request(reqwest::Method::POST, &format!("/events/{event}/book"))
        .header("idempotency-key", Uuid::now_v7().to_string());
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    send(request.body(body)).await
}

#[tokio::test]
async fn what_is_no_json_is_malformed() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    let bodies: &[&[u8]] = &[
        b"{",
        b"{\"quantity\": 1",
        b"{\"quantity\": }",
        b"{'quantity': 1}",
        b"quantity=1",
        b" ",
        b"{\"quantity\": 1} x",
        b"{\"quantity\": 1}{\"quantity\": 1}",
        b"{\"quantity\": \"many\"",
        b"{\"quantity\": \"many\"} x",
        b"{\"quantity\": 01}",
        b"[1",
        b"\xff\xfe",
        b"\xef\xbb\xbf\xef\xbb\xbf{\"quantity\": 1}",
    ];
    for body in bodies {
        let refused = book(&user, &event, Some(JSON), *body).await;
        assert_eq!(refused.status, 400, "{}: {}", String::from_utf8_lossy(body), refused.body);
        refused.assert_problem(400, "malformed_json");
    }
    assert_eq!(evently.available(&event).await, 10, "nothing is held");
}

#[tokio::test]
async fn text_must_be_utf_8() {
    let evently = TestApp::start().await;
    for body in [
        b"{\"email\": \"ada\xff@example.com\", \"password\": \"correct horse\"}".as_slice(),
        b"{\"email\": \"ada@example.com\", \"password\": \"correct horse\", \"name\": \"\xc3\"}",
        b"{\"email\": \"ada@example.com\", \"password\": \"correct horse\", \"name\": \"\\ud800\"}",
    ] {
        let refused = evently.anybody().post_bytes("/register", JSON, body).await;
        refused.assert_problem(400, "malformed_json");
    }
}

#[tokio::test]
async fn a_bad_field_is_named() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    for (body, field) in [
        (r#"{"quantity": "1"}"#, "quantity"),
        (r#"{"quantity": 1.5}"#, "quantity"),
        (r#"{"quantity": -1}"#, "quantity"),
        (r#"{"quantity": 4294967296}"#, "quantity"),
        (r#"{"quantity": null}"#, "quantity"),
        (r#"{"quantity": [1]}"#, "quantity"),
        (r#"{"quantity": 1, "quantity": 2}"#, "quantity"),
        (r#"{"quantity": 0}"#, "quantity"),
        (r#"{"quantity": 51}"#, "quantity"),
        (r#"{"quantitty": 1}"#, "quantitty"),
        (r#"{"quantity": 1, "seat": "A1"}"#, "seat"),
    ] {
        let refused = book(&user, &event, Some(JSON), body).await;
        assert_eq!(refused.status, 422, "{body}: {}", refused.body);
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), [field], "{}", refused.body);
        assert!(!refused.body["errors"][0]["message"].as_str().unwrap().is_empty());
    }
    assert_eq!(evently.available(&event).await, 10, "nothing is held");
}

#[tokio::test]
async fn a_body_must_be_an_object() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    for body in ["[]", "[1]", "1", "\"quantity\"", "null", "true"] {
        let refused = book(&user, &event, Some(JSON), body).await;
        assert_eq!(refused.status, 422, "{body}: {}", refused.body);
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), ["body"]);
    }
    let credentials = json!(["ada@example.com", "correct horse", "Ada"]);
    evently.anybody().post("/register", credentials).await.assert_problem(422, "validation_failed");
}

#[tokio::test]
async fn nested_fields_are_named_by_their_path() {
    let evently = TestApp::start().await;
    for (pricing, field) in [
        (json!({ "min_percent": "50", "max_percent": 200 }), "pricing.min_percent"),
        (json!({ "min_percent": 151 }), "pricing.max_percent"),
        (json!({ "min_percent": 50, "max_percent": 200, "step": 1 }), "pricing.step"),
        (json!(50), "pricing"),
        (json!([80, 150]), "pricing"),
        (json!([]), "pricing"),
    ] {
        let event = crate::common::concert(json!({ "pricing": pricing }));
        let refused = evently.admin().post("/admin/events", event).await;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), [field], "{}", refused.body);
    }
}

#[tokio::test]
async fn deep_nesting_does_no_harm() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    let depth = LIMIT_BYTES / 2 - 100;
    let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    book(&user, &event, Some(JSON), nested.clone()).await.assert_problem(422, "validation_failed");
    book(&user, &event, Some(JSON), "[".repeat(depth)).await.assert_problem(400, "malformed_json");
    let inside = format!("{{\"quantity\": {nested}}}");
    book(&user, &event, Some(JSON), inside).await.assert_problem(422, "validation_failed");
    let unknown = format!("{{\"unknown\": {}", "{\"a\":".repeat(depth / 3));
    let refused = book(&user, &event, Some(JSON), unknown).await;
    assert!([400, 422].contains(&refused.status), "{}", refused.body);
    assert_eq!(evently.anybody().get("/health").await.status, 200);
}

#[tokio::test]
async fn a_body_may_have_16_kib_and_no_byte_more() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    let padded =
        |bytes: usize| format!("{{\"quantity\": 2{}}}", " ".repeat(bytes - "{\"quantity\": 2}".len()));
    let largest = book(&user, &event, Some(JSON), padded(LIMIT_BYTES)).await;
    assert_eq!(largest.status, 201, "{}", largest.body);
    book(&user, &event, Some(JSON), padded(LIMIT_BYTES + 1)).await.assert_problem(413, "body_too_large");
    let long = json!({ "email": "ada@example.com", "password": "p".repeat(LIMIT_BYTES) });
    evently.anybody().post("/register", long.clone()).await.assert_problem(413, "body_too_large");
    evently.anybody().post("/login", long).await.assert_problem(413, "body_too_large");
    let wordy = crate::common::concert(json!({ "description": "d".repeat(EVENT_LIMIT_BYTES) }));
    evently.admin().post("/admin/events", wordy).await.assert_problem(413, "body_too_large");
    assert_eq!(evently.available(&event).await, 8);
}

#[tokio::test]
async fn the_limit_holds_for_a_body_in_chunks_too() {
    let evently = TestApp::start().await;
    for (bytes, status) in [(LIMIT_BYTES, "HTTP/1.1 401"), (LIMIT_BYTES + 1, "HTTP/1.1 413")] {
        let start = "{\"email\": \"ada@example.com\", \"password\": \"a password\"";
        let body = format!("{start}{}}}", " ".repeat(bytes - start.len() - 1));
        let answer = post_in_chunks(&evently, "/login", body.as_bytes()).await;
        assert!(answer.starts_with(status), "{bytes} bytes: {answer}");
    }
}

/// Posts without a Content-Length, and answers with the response as it came.
async fn post_in_chunks(evently: &TestApp, path: &str, body: &[u8]) -> String {
    let address = evently.url.strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    .into_bytes();
    for chunk in body.chunks(1_000) {
        request.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        request.extend(chunk);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    connection.write_all(&request).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// Each character as escapes of its UTF-16.
fn escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

#[tokio::test]
async fn an_event_fits_however_its_json_is_escaped() {
    let evently = TestApp::start().await;
    let (name, venue, description) = ("🎪".repeat(200), "🎭".repeat(200), "🎶".repeat(5_000));
    let concert = crate::common::concert(
        json!({ "name": "NAME", "venue": "VENUE", "description": "DESCRIPTION", "rates": "RATES" }),
    );
    let rate = |n: u32| {
        let (id, rate) = (escaped(&format!("{n}{}", "x".repeat(31))), escaped(&"🎟".repeat(200)));
        format!(r#"{{"id": "{id}", "name": "{rate}", "percent": 1000}}"#)
    };
    let rates = (0..10).map(rate).collect::<Vec<_>>().join(", ");
    let body = concert
        .to_string()
        .replace("\"RATES\"", &format!("[{rates}]"))
        .replace("NAME", &escaped(&name))
        .replace("VENUE", &escaped(&venue))
        .replace("DESCRIPTION", &escaped(&description));
    assert!(body.len() > 90_000, "{}", body.len());
    let made = evently.admin().post_bytes("/admin/events", JSON, body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(
        (&made.body["name"], &made.body["venue"], &made.body["description"]),
        (&json!(name), &json!(venue), &json!(description))
    );
    let path = format!("/admin/events/{}", made.text("id"));
    let put = evently.admin().request(reqwest::Method::PUT, &path).header("if-match", "*");
    assert_eq!(send(put.header("content-type", JSON).body(body)).await.status, 200);
    let patch = evently.admin().request(reqwest::Method::PATCH, &path).header("if-match", "*");
    let patch = patch.header("content-type", "application/merge-patch+json");
    let body = format!(r#"{{"description": "{}"}}"#, escaped(&"🎷".repeat(5_000)));
    assert_eq!(send(patch.body(body)).await.status, 200);
}

#[tokio::test]
async fn a_byte_order_mark_is_passed_over() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    for body in ["\u{feff}{\"quantity\": 1}", "\u{feff} {}", "\u{feff}"] {
        let held = book(&user, &event, Some(JSON), body).await;
        assert_eq!(held.status, 201, "{body:?}: {}", held.body);
    }
    let admin = evently.admin();
    let patch =
        admin.request(reqwest::Method::PATCH, &format!("/admin/events/{event}")).header("if-match", "*");
    let patch = patch.header("content-type", "application/merge-patch+json");
    assert_eq!(send(patch.body("\u{feff}{\"venue\": \"Hall\"}")).await.body["venue"], "Hall");
}

#[tokio::test]
async fn a_compressed_body_is_refused_and_says_so() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    let path = format!("/events/{event}/book");
    let book = |codings: &[&str]| {
        let mut request = user.request(reqwest::Method::POST, &path).header("content-type", JSON);
        request = request.header("idempotency-key", Uuid::now_v7().to_string());
        for coding in codings {
            request = request.header("content-encoding", *coding);
        }
        send(request.body("{}"))
    };
    for codings in [&["gzip"][..], &["br"], &["identity, gzip"], &["identity", "gzip"], &["GZIP"], &[""]] {
        let refused = book(codings).await;
        refused.assert_problem(415, "unsupported_media_type");
        assert!(refused.text("detail").contains("Content-Encoding"), "{codings:?}: {}", refused.body);
    }
    for codings in [&["identity"][..], &["Identity"]] {
        assert_eq!(book(codings).await.status, 201, "{codings:?}");
    }
    let patch = evently.admin().request(reqwest::Method::PATCH, &format!("/admin/events/{event}"));
    let patch = patch.header("if-match", "*").header("content-encoding", "gzip");
    let refused = send(patch.header("content-type", "application/merge-patch+json").body("{}")).await;
    refused.assert_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_second_media_type_is_none() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    let request = user.request(reqwest::Method::POST, &format!("/events/{event}/book"));
    let request = request.header("content-type", JSON).header("content-type", "text/plain");
    let refused = send(request.header("idempotency-key", "a-key").body("{}")).await;
    refused.assert_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_is_told_to_go_on() {
    let evently = TestApp::start().await;
    let address = evently.url.strip_prefix("http://").unwrap();
    let body = r#"{"email": "ada@example.com", "password": "correct horse"}"#;
    let mut connection = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /register HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    connection.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    connection.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

#[tokio::test]
async fn a_body_of_another_media_type_is_refused() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json", ""] {
        let refused = book(&user, &event, Some(content_type), "{}").await;
        assert_eq!(refused.status, 415, "{content_type}: {}", refused.body);
        refused.assert_problem(415, "unsupported_media_type");
    }
    for content_type in [
        None,
        Some(JSON),
        Some("application/json; charset=utf-8"),
        Some("Application/JSON"),
        Some("application/vnd.evently+json"),
    ] {
        let held = book(&user, &event, content_type, "{}").await;
        assert_eq!(held.status, 201, "{content_type:?}: {}", held.body);
    }
}

#[tokio::test]
async fn booking_without_a_body_holds_one_seat() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    for (content_type, body) in [(None, ""), (Some(JSON), ""), (Some("text/plain"), ""), (Some(JSON), "{}")] {
        let held = book(&user, &event, content_type, body).await;
        assert_eq!(held.status, 201, "{}", held.body);
        assert_eq!(held.body["reservation"]["quantity"], 1);
    }
    assert_eq!(evently.available(&event).await, 6);
    evently.anybody().post_bytes("/register", JSON, "").await.assert_problem(422, "validation_failed");
}
