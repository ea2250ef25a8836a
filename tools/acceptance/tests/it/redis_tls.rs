//! Redis by TLS: whom it is trusted by, as the settings say.

use std::{path::PathBuf, process::Stdio};

use domain::error::Error;
use serde_json::{Value, json};
use settings::{Config, RedisConfig};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{
    common::{Authority, JWT_SECRET, Session, TestApp, cluster::Cluster, own_redis, shared_dynamodb, tls},
    local_server::{command, free_port},
};

/// What these settings say of the Redis on that port.
fn settings(port: u16, ca_file: Option<PathBuf>, cluster: bool) -> RedisConfig {
    let config = Config::from_lookup(|name| match name {
        "REDIS_URL" => Some(format!("rediss://127.0.0.1:{port}")),
        "REDIS_CA_FILE" => ca_file.as_ref().map(|file| file.to_str().unwrap().to_owned()),
        "REDIS_CLUSTER" => Some(cluster.to_string()),
        "JWT_SECRET" => Some(JWT_SECRET.to_owned()),
        name if name.ends_with("_TABLE") => Some(name.to_owned()),
        _ => None,
    });
    config.unwrap().redis
}

/// An Evently whose Redis is as these settings say.
async fn evently(redis: RedisConfig) -> TestApp {
    TestApp::on(shared_dynamodb(), "redis://of-the-settings", |config| config.redis = redis).await
}

async fn assert_it_sells(evently: &TestApp) {
    assert!(evently.app.redis.is_reachable().await);
    let health = evently.anybody().get("/health").await;
    assert_eq!(health.body, json!({ "status": "ok", "dynamodb": "up", "redis": "up" }));
    let (event, user) = (evently.event(10).await, evently.user());
    user.hold(&event, 2).await;
    user.buy(&event, 3).await;
    assert_eq!(evently.available(&event).await, 5);
}

/// Nothing is done by Redis; answers with what the log will say of that.
async fn assert_no_trust(evently: &TestApp) -> String {
    assert!(!evently.app.redis.is_reachable().await);
    let event = evently.event(10).await;
    evently.user().book(&event, 1).await.assert_problem(503, "try_again");
    match evently.app.redis.janitor_cursor("holds").await {
        Err(Error::OutOfReach { source, .. }) => source.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_redis_by_tls_is_trusted_by_the_authority_in_the_settings() {
    let (redis, authority) = (own_redis().await, Authority::new());
    let port = tls::in_front_of(redis.url(), &authority).await;
    assert_it_sells(&evently(settings(port, Some(authority.file()), false)).await).await;
}

#[tokio::test]
async fn a_redis_by_tls_is_not_trusted_by_an_authority_that_nobody_named() {
    let (redis, authority, another) = (own_redis().await, Authority::new(), Authority::new());
    let port = tls::in_front_of(redis.url(), &authority).await;
    for ca_file in [None, Some(another.file())] {
        let reason = assert_no_trust(&evently(settings(port, ca_file, false)).await).await;
        assert!(reason.contains("invalid peer certificate: UnknownIssuer"), "{reason}");
    }
}

#[tokio::test]
async fn every_node_of_a_cluster_is_trusted_by_the_authority_in_the_settings() {
    let (cluster, authority) = (Cluster::start().await, Authority::new());
    let port = cluster.by_tls(&authority).await;
    let evently = evently(settings(port, Some(authority.file()), true)).await;
    // Some on every node.
    for _ in 0..6 {
        assert_it_sells(&evently).await;
    }
}

#[tokio::test]
async fn a_cluster_by_tls_is_not_trusted_by_an_authority_that_nobody_named() {
    let (cluster, authority, another) = (Cluster::start().await, Authority::new(), Authority::new());
    let port = cluster.by_tls(&authority).await;
    for ca_file in [None, Some(another.file())] {
        // The client library does not say why it has no connection to a cluster.
        assert_no_trust(&evently(settings(port, ca_file, true)).await).await;
    }
}

/// What a server that was started with this setting says of the Redis on that port.
async fn redis_of_a_server(redis_port: u16, setting: (&str, PathBuf)) -> Value {
    let evently = TestApp::start().await;
    // With an event in the store, the server makes none.
    evently.event(1).await;
    let tables = &evently.app.config.tables;
    let (port, data) = (free_port(), tempfile::tempdir().unwrap());
    let mut command = Command::from(command(port, data.path()));
    command
        .env("REDIS_URL", format!("rediss://127.0.0.1:{redis_port}"))
        .env("AWS_ENDPOINT_URL_DYNAMODB", shared_dynamodb())
        .envs([("USERS_TABLE", &tables.users), ("EVENTS_TABLE", &tables.events)])
        .envs([("INVENTORY_TABLE", &tables.inventory), ("BOOKINGS_TABLE", &tables.bookings)])
        .env("AUDIT_TABLE", tables.audit.as_ref().unwrap())
        .env(setting.0, setting.1);
    let mut process = command.stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
    while !said.next_line().await.unwrap().expect("it ended").starts_with("Stop it") {}
    let server = Session::at(format!("http://127.0.0.1:{port}"));
    server.get("/health").await.body["redis"].take()
}

#[tokio::test]
async fn whom_the_system_trusts_is_not_looked_up() {
    let (redis, authority) = (own_redis().await, Authority::new());
    let port = tls::in_front_of(redis.url(), &authority).await;
    // The system's authorities, for all programs that ask for them.
    assert_eq!(redis_of_a_server(port, ("SSL_CERT_FILE", authority.file())).await, "down");
    assert_eq!(redis_of_a_server(port, ("REDIS_CA_FILE", authority.file())).await, "up");
}
