//! The Redis server beside us: that it serves, keeps what it should and never outlives us.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kit::process::lives;
use local::redis_server::{RedisOptions, RedisServer};

fn kept_in(folder: &Path) -> RedisOptions {
    RedisOptions { data: Some(folder.to_owned()), ..RedisOptions::default() }
}

async fn connect(server: &RedisServer) -> redis::aio::MultiplexedConnection {
    redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn set(server: &RedisServer, key: &str) {
    let () = redis::cmd("SET").arg(key).arg("x").query_async(&mut connect(server).await).await.unwrap();
}

async fn has(server: &RedisServer, key: &str) -> bool {
    redis::cmd("EXISTS").arg(key).query_async(&mut connect(server).await).await.unwrap()
}

/// Whether any process still has this text on its command line.
fn is_on_a_command_line(text: &str) -> bool {
    // Small Linux images have no `ps`, macOS has no /proc.
    let Ok(processes) = std::fs::read_dir("/proc") else {
        let listing = Command::new("ps").args(["-A", "-o", "args="]).output().unwrap();
        return String::from_utf8_lossy(&listing.stdout).contains(text);
    };
    processes.flatten().any(|process| {
        let arguments = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&arguments).replace('\0', " ").contains(text)
    })
}

#[tokio::test]
async fn it_serves_and_a_clean_stop_keeps_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("a folder");
    let server = RedisServer::start(kept_in(&folder)).await.unwrap();
    let pid = server.pid();
    set(&server, "kept").await;
    server.stop().await;
    assert!(!lives(pid));

    let server = RedisServer::start(kept_in(&folder)).await.unwrap();
    assert!(has(&server, "kept").await);
}

#[tokio::test]
async fn a_killed_server_is_noticed_and_comes_back_at_the_same_address() {
    let mut server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let (url, pid) = (server.url().to_owned(), server.pid());
    set(&server, "lost").await;

    server.kill().unwrap();
    assert_eq!(server.wait_dead().await, "killed by signal 9");
    assert!(server.kill().is_err(), "it cannot be killed twice");

    server.restart().await.unwrap();
    assert_eq!(server.url(), url);
    assert_ne!(server.pid(), pid);
    assert!(!has(&server, "lost").await, "nothing is kept without a folder");
}

#[tokio::test]
async fn a_killed_server_with_a_folder_has_its_data_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = RedisServer::start(kept_in(folder.path())).await.unwrap();
    set(&server, "kept").await;
    server.kill().unwrap();
    server.wait_dead().await;
    server.restart().await.unwrap();
    assert!(has(&server, "kept").await);
}

#[tokio::test]
async fn a_server_that_still_runs_can_be_restarted() {
    let mut server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let pid = server.pid();
    server.restart().await.unwrap();
    assert!(!lives(pid));
    assert!(!has(&server, "any").await);
}

#[tokio::test]
async fn dropping_it_leaves_no_process() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let (pid, port) = (server.pid(), server.url().rsplit(':').next().unwrap().to_owned());
    assert!(is_on_a_command_line(&format!("--port {port}")), "the supervisor");
    drop(server);
    assert!(!lives(pid));
    assert!(!is_on_a_command_line(&format!("--port {port}")));
}

#[tokio::test]
async fn two_servers_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let server = RedisServer::start(kept_in(folder.path())).await.unwrap();
    let refusal = RedisServer::start(kept_in(folder.path())).await.unwrap_err().to_string();
    assert!(refusal.starts_with("another process is using the data in "), "{refusal}");
    server.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_refused_in_the_servers_own_words() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let options = RedisOptions { port: Some(port), ..RedisOptions::default() };
    let refusal = RedisServer::start(options).await.unwrap_err().to_string();
    assert!(refusal.contains(&format!("listening on port {port}")), "{refusal}");
}

#[tokio::test]
async fn a_damaged_file_is_refused_in_the_servers_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let server = RedisServer::start(kept_in(folder.path())).await.unwrap();
    set(&server, "kept").await;
    server.stop().await;
    // Since version 7 there is a folder of files; before, there was one file.
    let several = folder.path().join("appendonlydir");
    let files = if several.is_dir() { several } else { folder.path().to_owned() };
    for file in files.read_dir().unwrap().flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if name.ends_with(".incr.aof") || name == "appendonly.aof" {
            std::fs::write(file.path(), "*9\r\nnonsense\r\n".repeat(9)).unwrap();
        }
    }
    let began = Instant::now();
    let refusal = RedisServer::start(kept_in(folder.path())).await.unwrap_err().to_string();
    assert!(refusal.contains("ended with exit code 1; it last said: "), "{refusal}");
    assert!(refusal.to_lowercase().contains("append only file"), "{refusal}");
    assert!(began.elapsed() < Duration::from_secs(5));
}
