//! The local server as people run it: what it prints, what it keeps, and that it leaves nothing behind.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use kit::process::lives;
use local::settings;
use serde_json::json;

use crate::common::{Session, TestApp};

/// A running local server; killed when the test ends, however it ends.
pub(crate) struct Server {
    process: Child,
    url: String,
    redis_pid: u32,
    pub(crate) banner: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn command(port: u16, data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local-under-test"));
    for setting in settings::names() {
        command.env_remove(setting);
    }
    command
        .env_remove("RUST_LOG")
        .env("PORT", port.to_string())
        .env("DATA_DIR", data)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts a server and waits until it says how to use it.
fn start(data: &Path) -> Server {
    start_with(data, |_| {})
}

/// The same, with more in its environment.
pub(crate) fn start_with(data: &Path, set_up: impl FnOnce(&mut Command)) -> Server {
    let port = free_port();
    let mut command = command(port, data);
    set_up(&mut command);
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap());
    let mut banner = String::new();
    while !banner.contains("Stop it") {
        assert_ne!(lines.read_line(&mut banner).unwrap(), 0, "it ended: {banner}");
    }
    // The log must be read by somebody.
    let mut log = process.stderr.take().unwrap();
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    let redis_pid = banner.split("(process ").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    Server { process, url: format!("http://127.0.0.1:{port}"), redis_pid, banner }
}

impl Server {
    pub(crate) fn anybody(&self) -> Session {
        Session::at(self.url.clone())
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.url.strip_prefix("http://").unwrap().parse().unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) async fn admin(&self) -> Session {
        let credentials = json!({ "email": "admin@example.com", "password": "evently-admin" });
        let signed_in = self.anybody().post("/login", credentials).await;
        self.anybody().with_token(signed_in.text("access_token"))
    }

    async fn first_event(&self) -> String {
        self.anybody().get("/events?limit=1").await.body["items"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Stops the server as Ctrl-C or a service manager would.
    fn stop(mut self, signal: &str) -> ExitStatus {
        let pid = self.process.id().to_string();
        assert!(
            Command::new("sh")
                .args(["-c", "kill -\"$1\" \"$2\"", "sh", signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        self.process.wait().unwrap()
    }
}

fn refusal(port: u16, data: &Path, setting: Option<(&str, &str)>) -> (Option<i32>, String) {
    let mut command = command(port, data);
    command.envs(setting);
    let mut process = command.spawn().unwrap();
    let mut said = String::new();
    process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (process.wait().unwrap().code(), said)
}

fn wait_until_gone(pid: u32) {
    let deadline = Instant::now() + Duration::from_secs(8);
    while lives(pid) {
        assert!(Instant::now() < deadline, "Redis still runs");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn it_says_how_to_use_it_and_stops_cleanly_with_its_data_kept() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    for said in [
        &server.url,
        "admin@example.com, password evently-admin",
        "11 demo events",
        "/dev/mail",
        "notifications every 60 s",
        "janitor       every 60 s",
        "pricing       every 86400 s",
    ] {
        assert!(server.banner.contains(said), "{said} is not in {}", server.banner);
    }
    let (event, admin) = (server.first_event().await, server.admin().await);
    let (booking, hold) = (admin.buy(&event, 1).await, admin.hold(&event, 1).await);
    let redis_pid = server.redis_pid;
    assert!(server.stop("INT").success());
    assert!(!lives(redis_pid), "Redis is stopped before the server ends");

    let server = start(data.path());
    assert!(!server.banner.contains("demo events"), "they are made once");
    let admin = server.anybody().with_token(admin.token.unwrap());
    assert_eq!(admin.get(&format!("/bookings/{booking}")).await.status, 200, "the old token is good, too");
    assert_eq!(admin.confirm(&hold).await.status, 201, "the hold outlived the restart");
    assert!(server.stop("TERM").success());
}

#[tokio::test]
async fn a_strangers_environment_does_not_keep_it_from_its_own_stores() {
    // Nobody listens there.
    const NOWHERE: &str = "http://127.0.0.1:1";
    let folder = tempfile::tempdir().unwrap();
    let server = start_with(&folder.path().join("a folder"), |command| {
        command.envs([("HTTP_PROXY", NOWHERE), ("http_proxy", NOWHERE), ("ALL_PROXY", NOWHERE)]);
        command.env_remove("NO_PROXY").env_remove("no_proxy");
        command.envs([("AWS_ENDPOINT_URL", NOWHERE), ("AWS_PROFILE", "another"), ("AWS_REGION", "mars-1")]);
        command.envs([("AWS_CONFIG_FILE", "/nowhere"), ("AWS_CA_BUNDLE", "/nowhere")]);
        command.envs([("HOME", "/dev/null"), ("TMPDIR", "/dev/null"), ("LC_ALL", "C"), ("RUST_LOG", "off")]);
    });
    let event = server.first_event().await;
    assert_eq!(server.admin().await.book(&event, 1).await.status, 201);
}

#[tokio::test]
async fn killed_without_warning_it_leaves_no_process_and_loses_no_booking() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let event = server.first_event().await;
    let booking = server.admin().await.buy(&event, 1).await;
    let redis_pid = server.redis_pid;
    assert!(!server.stop("KILL").success());
    wait_until_gone(redis_pid);

    let server = start(data.path());
    assert_eq!(server.admin().await.get(&format!("/bookings/{booking}")).await.status, 200);
}

#[tokio::test]
async fn its_redis_is_started_again_when_it_dies() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let (event, admin) = (server.first_event().await, server.admin().await);
    let pid = server.redis_pid.to_string();
    assert!(Command::new("sh").args(["-c", "kill -KILL \"$1\"", "sh", &pid]).status().unwrap().success());
    let deadline = Instant::now() + Duration::from_secs(10);
    while admin.book(&event, 1).await.status != 201 {
        assert!(Instant::now() < deadline, "booking does not come back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn what_keeps_it_from_starting_is_said_in_one_sentence() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let taken = server.url.rsplit(':').next().unwrap().parse().unwrap();
    let (other, damaged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(damaged.path().join("jwt-secret"), "").unwrap();
    for ((code, said), expected) in [
        (refusal(taken, other.path(), None), "port"),
        (refusal(free_port(), data.path(), None), "another process is using the data"),
        (refusal(free_port(), Path::new("/dev/null/data"), None), "DATA_DIR"),
        (
            refusal(free_port(), damaged.path(), None),
            "jwt-secret has no secret of at least 32 bytes; delete it",
        ),
        (refusal(free_port(), other.path(), Some(("JWT_SECRET", "short"))), "JWT_SECRET"),
        (refusal(free_port(), other.path(), Some(("PORT", "many"))), "PORT"),
        (refusal(free_port(), other.path(), Some(("RUST_LOG", "infos"))), "RUST_LOG"),
        (
            refusal(free_port(), other.path(), Some(("LOCAL_CONFIRM_GRACE_SECONDS", "8"))),
            "LOCAL_CONFIRM_GRACE_SECONDS",
        ),
        (refusal(free_port(), other.path(), Some(("REDIS_SERVER", "/no/such/server"))), "/no/such/server"),
    ] {
        assert_eq!(code, Some(1), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("Evently can't start: ") && said.contains(expected), "{said}");
    }
}

/// What is answered to a request as these bytes.
fn raw(server: &Server, request: &str) -> String {
    let mut connection = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn it_answers_only_under_this_machines_own_names() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            let answer =
                raw(&server, &format!("GET /events HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
            assert!(answer.starts_with("HTTP/1.1 200 "), "{host}: {answer}");
        }
    }
    for (target, host) in [
        ("/events", "evil.example"),
        ("/events", &format!("evil.example:{port}")),
        ("/events", "localhost.evil.example"),
        ("http://evil.example/events", "localhost"),
        ("http://localhost/events", "evil.example"),
    ] {
        let answer =
            raw(&server, &format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 421 "), "{target} of {host}: {answer}");
        assert!(
            answer.contains("application/problem+json") && answer.contains("host_not_served"),
            "{answer}"
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_its_data() {
    use std::{fs, os::unix::fs::PermissionsExt};

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let parent = tempfile::tempdir().unwrap();
    let (data, secret) = (parent.path().join("data"), parent.path().join("data/jwt-secret"));
    start(&data).stop("TERM");
    assert_eq!((mode(&data), mode(&secret)), (0o700, 0o600));
    let kept = fs::read_to_string(&secret).unwrap();

    // As an earlier release left them.
    fs::set_permissions(&data, PermissionsExt::from_mode(0o755)).unwrap();
    fs::set_permissions(&secret, PermissionsExt::from_mode(0o644)).unwrap();
    start(&data).stop("TERM");
    assert_eq!((mode(&data), mode(&secret)), (0o700, 0o600));
    assert_eq!(fs::read_to_string(&secret).unwrap(), kept);
}

#[tokio::test]
async fn it_uses_the_stores_it_is_told_of() {
    // Another Evently's stores.
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut process = command(port, data.path())
        .env("REDIS_URL", redis.url())
        .env("AWS_ENDPOINT_URL_DYNAMODB", crate::common::shared_dynamodb())
        .env("EVENTS_TABLE", &evently.app.config.tables.events)
        .env("INVENTORY_TABLE", &evently.app.config.tables.inventory)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let banner: Vec<_> =
        lines.by_ref().map(Result::unwrap).take_while(|line| !line.starts_with("Stop it")).collect();
    let event = evently.event(3).await;
    let seen = Session::at(format!("http://127.0.0.1:{port}"));
    assert_eq!(seen.get(&format!("/events/{event}")).await.status, 200, "{banner:?}");
    assert!(banner.iter().any(|line| line.contains("as set in REDIS_URL")), "{banner:?}");
    process.kill().unwrap();
    process.wait().unwrap();
}
