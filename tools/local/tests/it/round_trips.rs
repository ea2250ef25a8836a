//! How many round trips to the stores a request waits for, one after the other.

use std::{collections::VecDeque, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::common::{TestApp, own_redis, shared_dynamodb};
use shared::config::RateLimits;

/// What each answer of a store takes longer. Far more than all else, so that the time of a request counts its trips.
const DELAY: Duration = Duration::from_millis(200);
/// Measurements, of which the shortest counts: what is longer was waiting for the machine.
const TRIES: usize = 3;

/// Stands before a store and delays its answers. Answers where it listens.
async fn delayed(store: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let store = store.split("://").last().unwrap().trim_end_matches('/').to_owned();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(&store).await.unwrap();
            client.set_nodelay(true).unwrap();
            server.set_nodelay(true).unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
            let (send, mut receive) = mpsc::unbounded_channel::<(Instant, VecDeque<u8>)>();
            tokio::spawn(async move {
                let mut buffer = [0; 65_536];
                while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
                    let _ = send.send((Instant::now() + DELAY, buffer[..read].iter().copied().collect()));
                }
            });
            tokio::spawn(async move {
                while let Some((due, mut bytes)) = receive.recv().await {
                    sleep_until(due).await;
                    if to_client.write_all_buf(&mut bytes).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// The round trips of a request: the fewest of several times that it is sent.
async fn trips<T>(mut request: impl AsyncFnMut() -> T) -> u128 {
    let mut fewest = u128::MAX;
    for _ in 0..TRIES {
        let asked = Instant::now();
        request().await;
        fewest = fewest.min(asked.elapsed().as_millis() / DELAY.as_millis());
    }
    fewest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_waits_for_few_round_trips() {
    let redis = own_redis().await;
    let (redis_at, dynamodb_at) = (delayed(redis.url()).await, delayed(shared_dynamodb()).await);
    let limited = |config: &mut shared::config::Config| {
        config.rate_limits =
            RateLimits { writes_per_minute: 1_000, reads_per_minute: 1_000, auth_per_minute: 1_000 };
    };
    let evently =
        TestApp::on(&format!("http://{dynamodb_at}"), &format!("redis://{redis_at}"), limited).await;
    let (event, ada) = (evently.event(100).await, evently.user());
    // All is warm: connections, scripts, the event, the index.
    let warm = ada.buy(&event, 1).await;
    ada.cancel(&warm).await;
    for path in ["/events", "/events/popular"] {
        ada.get(path).await;
    }

    for path in [format!("/events/{event}"), "/events?q=conc".into(), "/events/popular".into()] {
        assert_eq!(trips(async || ada.get(&path).await).await, 1, "{path}");
    }
    let mut held = Vec::new();
    assert_eq!(trips(async || held.push(ada.hold(&event, 1).await)).await, 1, "book");
    let mut unconfirmed = held.clone();
    let confirm = async || assert_eq!(ada.confirm(&unconfirmed.pop().unwrap()).await.status, 201);
    // The rate limit; then begin, commit, finish.
    assert_eq!(trips(confirm).await, 4, "confirm");
    let cancel = async || assert_eq!(ada.cancel(&held.pop().unwrap()).await.status, 200);
    assert_eq!(trips(cancel).await, 3, "cancel");
}
