//! What every answer carries, which web pages may ask, and what the log must never tell.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read},
    process::Command,
};

use local::template::Template;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    common::{Answer, Session, TestApp, concert, erase_me, send},
    local_server::{command, free_port},
};

const ORIGIN: &str = "https://tickets.example.com";

async fn with_origin(session: &Session, method: Method, path: &str, origin: &str) -> Answer {
    let request = session.request(method, path).header("origin", origin);
    send(request.header("access-control-request-method", "POST")).await
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own_and_is_not_to_be_sniffed() {
    let evently = TestApp::start().await;
    let event = evently.event(5).await;
    let (anybody, ada) = (evently.anybody(), evently.user());
    let mut ids = Vec::new();
    for answer in [
        anybody.get("/events").await,
        anybody.get(&format!("/events/{event}")).await,
        anybody.get("/nothing/here").await,
        anybody.delete("/events").await,
        anybody.get("/bookings").await,
        ada.get("/bookings").await,
        ada.book(&event, 1).await,
        ada.post_bytes("/events/x/book", "text/plain", "no").await,
        anybody.get_with("/health", "x-request-id", "my-own").await,
    ] {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(!answer.headers.contains_key("strict-transport-security"), "not served by TLS");
        let id = answer.header("x-request-id");
        assert!(id.parse::<Uuid>().is_ok(), "{id} is not a client's choice");
        ids.push(id.to_owned());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 9, "{ids:?}");
}

#[tokio::test]
async fn no_web_page_may_call_the_api_unless_the_settings_say_so() {
    let evently = TestApp::start().await;
    for method in [Method::OPTIONS, Method::GET] {
        let answer = with_origin(&evently.anybody(), method, "/events", ORIGIN).await;
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control")), "{answer:?}");
    }
}

#[tokio::test]
async fn web_pages_of_the_settings_origins_may_call_the_api_and_see_its_headers() {
    let evently = TestApp::with(|config| config.cors_allow_origins = vec![ORIGIN.to_owned()]).await;
    let anybody = evently.anybody();
    let template = Template::embedded().unwrap();
    for path in template.routes().iter().map(|route| route.path.replace("$default", "/nothing/here")) {
        let asked = with_origin(&anybody, Method::OPTIONS, &path, ORIGIN).await;
        assert_eq!(asked.status, 200, "{path}");
        assert_eq!(asked.header("access-control-allow-origin"), ORIGIN);
        assert_eq!(asked.header("access-control-max-age"), "3600");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            assert!(asked.header("access-control-allow-methods").contains(method), "{method}");
        }
        for name in [
            "authorization",
            "baggage",
            "content-type",
            "idempotency-key",
            "if-match",
            "if-none-match",
            "traceparent",
            "tracestate",
            "x-request-id",
        ] {
            assert!(asked.header("access-control-allow-headers").contains(name), "{name}");
        }
        assert!(!asked.headers.contains_key("access-control-allow-credentials"));
        assert_eq!(asked.header("x-content-type-options"), "nosniff");
    }
    for (method, path) in [(Method::GET, "/events"), (Method::GET, "/bookings"), (Method::GET, "/nothing")] {
        let answer = with_origin(&anybody, method, path, ORIGIN).await;
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN, "problems can be read, too");
        assert!(answer.header("vary").contains("origin"), "caches keep origins apart");
        assert!(exposed(&answer).contains("date"), "{answer:?}");
        assert!(answer.headers.contains_key("date"), "{answer:?}");
    }
    for origin in ["https://evil.example.com", "http://tickets.example.com", "null"] {
        let asked = with_origin(&anybody, Method::OPTIONS, "/events", origin).await;
        assert!(!asked.headers.contains_key("access-control-allow-origin"), "{origin}");
    }
}

/// The headers that a page may read of an answer.
fn exposed(answer: &Answer) -> BTreeSet<String> {
    let named = answer.header("access-control-expose-headers").split(',').map(str::trim).map(str::to_owned);
    // Of any answer (Fetch, "CORS-safelisted response-header name").
    let always = ["cache-control", "content-length", "content-type"].map(str::to_owned);
    named.chain(always).collect()
}

/// Headers that are for browsers and caches, not for pages.
const NOT_FOR_PAGES: [&str; 4] =
    ["content-encoding", "content-security-policy", "vary", "x-content-type-options"];

#[tokio::test]
async fn a_web_page_can_read_every_header_that_the_document_or_an_answer_has() {
    let evently = TestApp::with(|config| {
        config.cors_allow_origins = vec![ORIGIN.to_owned()];
        config.rate_limits.reads_per_minute = 5;
    })
    .await;
    let from = |session: &Session, method: Method, path: &str| {
        session.request(method, path).header("origin", ORIGIN).header("idempotency-key", "mine")
    };
    let admin = evently.admin();
    let event = send(from(&admin, Method::POST, "/admin/events").json(&concert(json!({})))).await;
    let (id, ada, anybody) = (event.text("id"), evently.user(), evently.anybody());
    let book = || from(&ada, Method::POST, &format!("/events/{id}/book"));
    let mut answers = vec![event, send(book()).await, send(book()).await];
    for (session, method, path) in [
        (&anybody, Method::GET, format!("/events/{id}")),
        (&anybody, Method::GET, "/docs".to_owned()),
        (&anybody, Method::DELETE, "/health".into()),
        (&anybody, Method::GET, "/bookings".into()),
    ] {
        answers.push(send(from(session, method, &path)).await);
    }
    let patch = from(&admin, Method::PATCH, &format!("/admin/events/{id}")).header("if-match", "*");
    answers.push(send(patch.json(&json!({}))).await);
    evently.event(1).await;
    let csv = from(&admin, Method::GET, "/admin/events/capacity_utilization?limit=1");
    answers.push(send(csv.header("accept", "text/csv")).await);
    for _ in 0..5 {
        answers.push(send(from(&anybody, Method::GET, "/nowhere")).await);
    }
    let document: Value = serde_json::from_str(&local::api::openapi().unwrap()).unwrap();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let responses = operations.flat_map(|operation| operation["responses"].as_object().unwrap().values());
    let described =
        responses.filter_map(|response| response["headers"].as_object()).flat_map(|headers| headers.keys());
    let mut missing: BTreeSet<String> = described.map(|name| name.to_lowercase()).collect();
    for answer in &answers {
        let exposed = exposed(answer);
        let of_cors = |name: &str| name.starts_with("access-control-") || NOT_FOR_PAGES.contains(&name);
        for name in answer.headers.keys().map(|name| name.as_str()).filter(|name| !of_cors(name)) {
            assert!(exposed.contains(name), "{name} is in an answer, and a page can't read it: {answer:?}");
            missing.remove(name);
        }
        missing.retain(|name| !NOT_FOR_PAGES.contains(&name.as_str()));
    }
    assert!(missing.is_empty(), "no answer here has {missing:?}");
}

/// Signs in with that password; answers with the token, if it was right.
async fn sign_in(server: &Session, email: &str, password: &str) -> Option<String> {
    let answer = server.post("/login", json!({ "email": email, "password": password })).await;
    answer.body["access_token"].as_str().map(str::to_owned)
}

/// Each kind has its line, which says whose account it was where there is one, and no address.
#[track_caller]
fn assert_security_events(log: &str) {
    for (event, times, with_account) in [
        ("sign_in_succeeded", 3, 3),
        ("sign_in_failed", 6, 1),
        ("password_changed", 1, 1),
        ("account_erased", 1, 1),
        ("registration_refused", 1, 0),
        ("registered", 2, 2),
        ("password_failed", 3, 2),
        ("attempt_refused", 1, 0),
    ] {
        let field = format!("security_event=\"{event}\"");
        let lines: Vec<_> = log.lines().filter(|line| line.contains(&field)).collect();
        let known = lines.iter().filter(|line| line.contains("user_id=")).count();
        assert_eq!((lines.len(), known), (times, with_account), "{event}:\n{}", lines.join("\n"));
        assert!(lines.iter().all(|line| line.contains("request_id=")), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains('@') || line.contains("127.0.0.1")), "{lines:?}");
    }
}

#[tokio::test]
async fn the_log_never_tells_a_password_a_token_or_an_email_address() {
    const ADA: &str = "ada.lovelace@example.com";
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut process = command(port, data.path())
        .env(
            "RUST_LOG",
            "info,dynoxide=error,shared=trace,local=trace,admin=trace,auth=trace,bookings=trace,events=trace,\
             janitor=trace,reservations=trace",
        )
        // All that is done here in a second is more than a client may have.
        .env("RATE_LIMIT_AUTH_PER_MINUTE", "0")
        .env("RATE_LIMIT_WRITES_PER_MINUTE", "0")
        .env("NETWORK_REGISTRATIONS_PER_HOUR", "2")
        .spawn()
        .unwrap();
    let mut log = process.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        text
    });
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("Stop it")));

    let server = Session::at(format!("http://127.0.0.1:{port}"));
    let registration = json!({ "email": ADA, "password": "first secret phrase", "name": "Ada Lovelace" });
    assert_eq!(server.post("/register", registration.clone()).await.status, 201);
    let again = server.post("/register", registration).await;
    assert_eq!(again.status, 201, "{}", again.body);
    let taken = json!({ "email": ADA, "password": "wrong secret phrase" });
    assert_eq!(server.post("/register", taken).await.status, 409);
    let mistyped = json!({ "email": ADA, "password": 20_319_984, "nonsense": "yes" });
    assert_eq!(server.post("/register", mistyped).await.status, 422);
    // The last one has to wait.
    for _ in 0..6 {
        assert_eq!(sign_in(&server, "bob.nobody@example.com", "wrong secret phrase").await, None);
    }
    assert_eq!(sign_in(&server, ADA, "wrong secret phrase").await, None);
    let token = sign_in(&server, ADA, "first secret phrase").await.unwrap();
    let ada = server.with_token(&token);
    let event = server.get("/events?limit=1").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let booking = ada.buy(&event, 1).await;
    assert_eq!(ada.cancel(&booking).await.status, 200);
    let wrong = json!({ "current_password": "wrong secret phrase", "new_password": "second secret phrase" });
    assert_eq!(ada.post("/password", wrong).await.status, 401);
    let change = json!({ "current_password": "first secret phrase", "new_password": "second secret phrase" });
    assert_eq!(ada.post("/password", change.clone()).await.status, 204);
    assert_eq!(ada.post("/password", change).await.status, 204);
    assert_eq!(ada.get("/bookings").await.status, 401, "an ended token");
    let second_token = sign_in(&server, ADA, "second secret phrase").await.unwrap();
    let admin_token = sign_in(&server, "admin@example.com", "evently-admin").await.unwrap();
    let admin = server.with_token(&admin_token);
    assert_eq!(admin.post("/admin/events", concert(json!({}))).await.status, 201);
    let cursor = admin.get("/admin/events?limit=1").await.text("next_cursor");
    assert_eq!(admin.get(&format!("/admin/events?limit=1&cursor={cursor}")).await.status, 200);
    let eve = json!({ "email": "eve.short@example.com", "password": "third secret phrase" });
    let eve = server.with_token(server.post("/register", eve).await.text("access_token"));
    assert_eq!(erase_me(&eve, "wrong secret phrase").await.status, 401);
    assert_eq!(erase_me(&eve, "third secret phrase").await.status, 204);
    let one_too_many = json!({ "email": "mallory.late@example.com", "password": "third secret phrase" });
    assert_eq!(server.post("/register", one_too_many).await.status, 429);
    let tampered = format!("{token}x");
    assert_eq!(server.with_token(&tampered).get("/bookings").await.status, 401);

    let pid = process.id().to_string();
    assert!(Command::new("sh").args(["-c", "kill -INT \"$1\"", "sh", &pid]).status().unwrap().success());
    assert!(process.wait().unwrap().success());
    let log = log.join().unwrap();
    let answered: Vec<&str> = log.lines().filter(|line| line.contains("answered")).collect();
    let refused = |line: &&str| line.contains("status=422") && line.contains("code=\"validation_failed\"");
    assert!(answered.iter().any(refused), "{log}");
    assert!(!answered.iter().any(|line| line.contains("status=200") && line.contains("code=")), "{log}");
    assert!(answered.len() >= 20 && answered.iter().all(|line| line.contains("request_id=")), "{log}");
    assert_security_events(&log);
    let acted: Vec<&str> = log.lines().filter(|line| line.contains("an admin acted")).collect();
    assert_eq!(acted.len(), 1, "{acted:?}");
    for field in ["request_id=", "admin_id=", "action=\"event_created\"", "event_id=", "version_after=1"] {
        assert!(acted[0].contains(field), "{field}: {}", acted[0]);
    }
    let secret_of_tokens = std::fs::read_to_string(data.path().join("jwt-secret")).unwrap();
    let mut secrets = vec![
        "secret phrase".to_owned(),
        "20319984".to_owned(),
        "evently-admin".to_owned(),
        "lovelace".to_owned(),
        "bob.nobody".to_owned(),
        "eve.short".to_owned(),
        "mallory.late".to_owned(),
        "admin@example.com".to_owned(),
        "$argon2".to_owned(),
        secret_of_tokens.trim().to_owned(),
    ];
    for token in [&again.text("access_token"), &token, &second_token, &admin_token, &cursor] {
        // Its claims, and its signature.
        secrets.extend(token.split('.').skip(1).map(str::to_owned));
    }
    for secret in secrets {
        assert!(!log.to_lowercase().contains(&secret.to_lowercase()), "{secret} is in the log:\n{log}");
    }
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let user: domain::user::User = serde_json::from_value(json!({
        "email": "ada@example.com", "id": Uuid::now_v7(), "name": Value::Null, "role": "user",
        "password_hash": "$argon2id$secret", "created_at": 0,
    }))
    .unwrap();
    let shown = format!("{user:?}");
    assert!(!shown.contains("ada@") && !shown.contains("argon2id"), "{shown}");
}
