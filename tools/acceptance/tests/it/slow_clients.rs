//! Clients that send a byte now and then, or nothing: none keeps a connection for ever.

use std::time::{Duration, Instant};

use server::{
    api,
    serve::{self, Limits},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use crate::common::{TestApp, permissions};

const HEAD: Duration = Duration::from_millis(600);
const TRICKLE: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(20);
const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: evently\r\n\r\n";

async fn limited(evently: &TestApp, connections: u32) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let service = api::with_peers(permissions::service(&evently.app));
    tokio::spawn(serve::serve(listener, service, Limits { head: HEAD, connections }, std::future::pending()));
    address
}

async fn connect(address: &str) -> TcpStream {
    let connection = TcpStream::connect(address).await.unwrap();
    connection.set_nodelay(true).unwrap();
    connection
}

/// Sends a byte now and then until the server has had enough. Answers what that says, and after what time.
async fn trickle(connection: &mut TcpStream, byte: &[u8]) -> (String, Duration) {
    let started = Instant::now();
    let (mut reads, mut writes) = connection.split();
    let mut answer = Vec::new();
    let sending = async {
        while writes.write_all(byte).await.is_ok() {
            sleep(TRICKLE).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        // A reset is an end, too.
        ended = timeout(LONG, reads.read_to_end(&mut answer)) => drop(ended.expect("still open")),
        () = sending => {}
    }
    (String::from_utf8(answer).unwrap(), started.elapsed())
}

async fn status(connection: &mut TcpStream) -> String {
    let mut answer = [0; 4_096];
    let read = timeout(LONG, connection.read(&mut answer)).await.expect("no answer").unwrap();
    String::from_utf8_lossy(answer.get(9..12.min(read)).unwrap_or_default()).into_owned()
}

#[tokio::test]
async fn a_head_that_trickles_ends_its_connection() {
    let evently = TestApp::start().await;
    let address = limited(&evently, 10).await;
    let mut connection = connect(&address).await;
    connection.write_all(b"GET /health HTTP/1.1\r\nX-Slow: ").await.unwrap();
    let (_, after) = trickle(&mut connection, b"x").await;
    assert!(after >= HEAD / 2 && after < HEAD * 8, "{after:?}");
    // One that says nothing at all.
    let mut silent = connect(&address).await;
    let mut answer = Vec::new();
    let ended = timeout(LONG, silent.read_to_end(&mut answer)).await.expect("still open");
    assert!(ended.is_err() || answer.is_empty());
}

#[tokio::test]
async fn a_connection_in_use_goes_on_for_longer() {
    let evently = TestApp::start().await;
    let mut connection = connect(&limited(&evently, 10).await).await;
    for _ in 0..8 {
        connection.write_all(HEALTH).await.unwrap();
        assert_eq!(status(&mut connection).await, "200");
        sleep(HEAD / 3).await;
    }
}

#[tokio::test]
async fn a_body_that_trickles_is_told_that_it_took_too_long() {
    let evently = TestApp::start().await;
    let mut connection = connect(evently.url.strip_prefix("http://").unwrap()).await;
    let head = "POST /login HTTP/1.1\r\nHost: evently\r\nContent-Type: application/json\r\n";
    connection.write_all(format!("{head}Content-Length: 1000\r\n\r\n").as_bytes()).await.unwrap();
    let (answer, after) = trickle(&mut connection, b" ").await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("body_too_slow"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    assert!(after < Duration::from_secs(12), "{after:?}");
}

#[tokio::test]
async fn a_body_that_is_too_long_by_its_own_word_is_refused_before_it_comes() {
    let evently = TestApp::start().await;
    for length in ["16385", "1000000000000"] {
        let mut connection = connect(evently.url.strip_prefix("http://").unwrap()).await;
        let head = "POST /login HTTP/1.1\r\nHost: evently\r\nContent-Type: application/json\r\n";
        connection.write_all(format!("{head}Content-Length: {length}\r\n\r\n").as_bytes()).await.unwrap();
        let started = Instant::now();
        assert_eq!(status(&mut connection).await, "413");
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn one_connection_too_many_waits_until_another_ends() {
    let evently = TestApp::start().await;
    let address = limited(&evently, 2).await;
    let (_first, _second) = (connect(&address).await, connect(&address).await);
    sleep(TRICKLE).await;
    let started = Instant::now();
    let mut third = connect(&address).await;
    third.write_all(HEALTH).await.unwrap();
    assert_eq!(status(&mut third).await, "200");
    assert!(started.elapsed() > HEAD / 2, "it did not wait: {:?}", started.elapsed());
}
