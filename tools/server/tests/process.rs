//! The server as an orchestrator sees it. Its stores are out of reach here: it lives all the same.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use kit::process::{free_port, send};

/// A running server; killed when the test ends, however it ends.
struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    command.env_clear().stdout(Stdio::piped()).stderr(Stdio::piped()).envs([
        ("PORT", port.to_string().as_str()),
        ("USERS_TABLE", "users"),
        ("EVENTS_TABLE", "events"),
        ("INVENTORY_TABLE", "inventory"),
        ("BOOKINGS_TABLE", "bookings"),
        ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
        // Nobody listens there.
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1"),
        ("AWS_REGION", "local"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ]);
    command
}

impl Server {
    /// Starts a server and waits until its health check says that it lives.
    fn start(settings: &[(&str, &str)]) -> Self {
        let port = free_port().unwrap();
        let process = command(port).envs(settings.iter().copied()).spawn().unwrap();
        let server = Self { process, port };
        let deadline = Instant::now() + Duration::from_secs(10);
        while !healthcheck(port).status.success() {
            assert!(Instant::now() < deadline, "it does not come to life");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn connect(&self) -> TcpStream {
        let connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        connection
    }

    fn get(&self, path: &str) -> String {
        let mut connection = self.connect();
        write!(connection, "GET {path} HTTP/1.1\r\nHost: evently\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }

    fn terminate(&self) {
        assert!(send("TERM", self.process.id()).unwrap());
    }

    /// Waits for the end: the exit code, and the log.
    fn wait(mut self) -> (Option<i32>, String) {
        let code = self.process.wait().unwrap().code();
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (code, log)
    }
}

fn healthcheck(port: u16) -> Output {
    command(port).arg("healthcheck").output().unwrap()
}

#[test]
fn without_its_stores_it_lives_but_is_not_well() {
    let mut server = Server::start(&[("LOG_FORMAT", "json"), ("EMBEDDED_METRICS", "true")]);
    assert!(server.get("/livez").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(server.get("/health").starts_with("HTTP/1.1 503 "));
    assert!(server.get("/no/such/path").starts_with("HTTP/1.1 404 "));
    let refused = healthcheck(free_port().unwrap());
    assert_eq!(refused.status.code(), Some(1), "a health check finds out where nobody lives");
    assert!(String::from_utf8(refused.stderr).unwrap().starts_with("Evently does not answer: "));
    server.terminate();
    let mut metrics = String::new();
    server.process.stdout.take().unwrap().read_to_string(&mut metrics).unwrap();
    assert!(
        metrics.lines().all(|line| line.starts_with('{')) && metrics.contains("RequestsFailed"),
        "{metrics}"
    );
    let (code, log) = server.wait();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.lines().all(|line| line.starts_with('{') && line.ends_with('}')), "{log}");
    assert!(log.contains("DynamoDB can't be used yet") && log.contains("refused"), "it says why: {log}");
    assert_eq!(log.matches("AUDIT_TABLE is not set").count(), 1, "as in a container of before: {log}");
    assert!(!log.contains("/livez"), "who asks whether it lives leaves no trace: {log}");
}

#[test]
fn a_proxy_that_nobody_set_is_told_of_once() {
    for (settings, expected) in [(&[][..], 1), (&[("TRUSTED_PROXIES", "127.0.0.0/8")][..], 0)] {
        let server = Server::start(settings);
        for _ in 0..3 {
            let mut connection = server.connect();
            write!(connection, "GET /livez HTTP/1.0\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n").unwrap();
            connection.read_to_string(&mut String::new()).unwrap();
        }
        server.terminate();
        let (_, log) = server.wait();
        assert_eq!(log.matches("TRUSTED_PROXIES is not set").count(), expected, "{log}");
    }
}

#[test]
fn told_to_stop_it_answers_what_is_under_way_and_takes_nothing_new() {
    let server = Server::start(&[]);
    let mut under_way = server.connect();
    let body = r#"{"email": "nobody", "password": "correct horse battery"}"#;
    let head = "POST /register HTTP/1.1\r\nHost: evently\r\nContent-Type: application/json\r\n";
    write!(under_way, "{head}Content-Length: {}\r\n\r\n", body.len()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    server.terminate();
    let deadline = Instant::now() + Duration::from_secs(5);
    while TcpStream::connect(("127.0.0.1", server.port)).is_ok() {
        assert!(Instant::now() < deadline, "it takes new connections");
        std::thread::sleep(Duration::from_millis(10));
    }
    under_way.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 422 ") && answer.contains("validation_failed"), "{answer}");
    let (code, log) = server.wait();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn who_never_ends_a_request_does_not_keep_it_from_stopping() {
    let server = Server::start(&[]);
    let (mut slow, _idle) = (server.connect(), server.connect());
    slow.write_all(b"GET /events HTTP/1.1\r\nHost").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    server.terminate();
    let asked = Instant::now();
    let (code, log) = server.wait();
    assert_eq!(code, Some(0), "{log}");
    assert!(asked.elapsed() < Duration::from_secs(10), "Docker would have killed it");
}

#[test]
fn what_keeps_it_from_starting_is_said_in_one_sentence() {
    let server = Server::start(&[]);
    for (setting, value, expected) in [
        ("JWT_SECRET", "", "setting JWT_SECRET is not set"),
        ("REDIS_URL", "http://127.0.0.1", "setting REDIS_URL must be"),
        ("REDIS_CA_FILE", "/no/such.pem", "setting REDIS_CA_FILE names /no/such.pem, which can't be read"),
        ("PORT", "many", "setting PORT must be"),
        ("PORT", &server.port.to_string(), "is taken; set PORT to another one"),
        ("TRUSTED_PROXIES", "everybody", "everybody is none"),
        ("RUN_SCHEDULES", "no", "setting RUN_SCHEDULES must be true or false"),
        ("ADMIN_EMAIL", "a@example.com", "setting ADMIN_EMAIL_PASSWORD is not set, though ADMIN_EMAIL is"),
        ("ADMIN_EMAIL_PASSWORD", "evently-admin", "setting ADMIN_EMAIL is not set"),
        (
            "ADMIN_EMAIL_PASSWORD",
            "evently-adm",
            "setting ADMIN_EMAIL_PASSWORD must have at least 12 characters",
        ),
        (
            "ADMIN_EMAIL_PASSWORD",
            "password1234",
            "setting ADMIN_EMAIL_PASSWORD must not be one of the most common",
        ),
    ] {
        let mut command = command(free_port().unwrap());
        if expected.contains("ADMIN_EMAIL_PASSWORD must") {
            command.env("ADMIN_EMAIL", "a@example.com");
        }
        let ended = command.env(setting, value).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.starts_with("Evently can't start: ") && said.contains(expected), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
