//! A client that hangs up while its change is under way: what has begun is finished, without the janitor.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::json;
use server::{
    api,
    serve::{self, Limits},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, oneshot},
    time::{sleep, timeout},
};

use crate::common::{Session, TestApp, between::Call, permissions};

/// How long a transaction is under way here; its client is gone by then.
const SLOW: Duration = Duration::from_millis(300);
const SOON: Duration = Duration::from_secs(5);

/// A process of the same service whose transactions are slow, and what tells that one has begun.
async fn slowed(evently: &TestApp) -> (TestApp, Arc<Notify>) {
    let begun = Arc::new(Notify::new());
    let tell = Arc::clone(&begun);
    let slow = move |call: Call| {
        let tell = Arc::clone(&tell);
        async move {
            if call.is_transaction() {
                tell.notify_one();
                sleep(SLOW).await;
            }
            call.done().await
        }
    };
    (evently.another_through(slow).await, begun)
}

async fn post(address: &str, path: &str, session: &Session) -> TcpStream {
    let token = session.token.as_ref().unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: evently\r\nAuthorization: Bearer {token}\r\n");
    connection.write_all(format!("{head}Content-Length: 0\r\n\r\n").as_bytes()).await.unwrap();
    connection
}

/// Sends it, and is gone as soon as the transaction has begun.
async fn post_and_hang_up(slowed: &TestApp, begun: &Notify, path: &str, session: &Session) {
    let connection = post(slowed.url.strip_prefix("http://").unwrap(), path, session).await;
    timeout(SOON, begun.notified()).await.expect("no transaction");
    drop(connection);
}

/// What Redis has of the only shard: free seats, held ones, and the version of the truth that it has heard of.
async fn in_redis(evently: &TestApp, event: &str) -> (i64, i64, u64) {
    let seen =
        evently.app.redis.inventory(event.parse::<domain::id::EventId>().unwrap()).await.unwrap().unwrap();
    let shard = seen.shard(0);
    (shard.free, shard.held, shard.applied)
}

async fn becomes(evently: &TestApp, event: &str, expected: (i64, i64, u64)) {
    let became = timeout(SOON, async {
        while in_redis(evently, event).await != expected {
            sleep(Duration::from_millis(20)).await;
        }
    });
    if became.await.is_err() {
        panic!("{:?}, not {expected:?}", in_redis(evently, event).await);
    }
}

#[tokio::test]
async fn a_confirm_whose_client_is_gone_is_finished() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let ada = evently.user();
    let reservation = ada.hold(&event, 3).await;
    let (_, _, applied) = in_redis(&evently, &event).await;
    let (slowed, begun) = slowed(&evently).await;

    post_and_hang_up(&slowed, &begun, &format!("/reservations/{reservation}/confirm"), &ada).await;
    becomes(&evently, &event, (7, 0, applied + 1)).await;
    assert_eq!((evently.sold(&event).await, evently.available(&event).await), (3, 7));
    let booking = ada.get(&format!("/bookings/{reservation}")).await.body;
    assert_eq!(booking["booking"]["status"], "confirmed", "{booking}");
    let swept = janitor::run(&evently.app, Timestamp::now()).await.unwrap().done;
    assert_eq!((swept.confirms_finished, swept.shards_repaired), (0, 0), "nothing was left to do");
}

#[tokio::test]
async fn a_cancellation_whose_client_is_gone_puts_the_seats_back_on_sale() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let ada = evently.user();
    let booking = ada.buy(&event, 3).await;
    let (_, _, applied) = in_redis(&evently, &event).await;
    let (slowed, begun) = slowed(&evently).await;

    post_and_hang_up(&slowed, &begun, &format!("/bookings/{booking}/cancel"), &ada).await;
    becomes(&evently, &event, (10, 0, applied + 1)).await;
    assert_eq!((evently.sold(&event).await, evently.available(&event).await), (0, 10));
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_finishes_it_too() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let ada = evently.user();
    let reservation = ada.hold(&event, 3).await;
    let (_, _, applied) = in_redis(&evently, &event).await;
    let (slowed, begun) = slowed(&evently).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let service = api::with_peers(permissions::service(&slowed.app));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve::serve(listener, service, Limits::default(), async {
        let _ = stopped.await;
    }));

    let connection = post(&address, &format!("/reservations/{reservation}/confirm"), &ada).await;
    timeout(SOON, begun.notified()).await.expect("no transaction");
    drop(connection);
    stop.send(()).unwrap();
    timeout(SOON, serving).await.expect("it does not stop").unwrap();
    assert_eq!(in_redis(&evently, &event).await, (7, 0, applied + 1), "at the moment it ended");
}

#[tokio::test]
async fn whoever_stays_is_answered_as_ever() {
    let evently = TestApp::start().await;
    let event = evently.event_with(json!({ "capacity": 10 })).await;
    let ada = evently.user();
    let reservation = ada.hold(&event, 3).await;
    let (slowed, _) = slowed(&evently).await;
    let address = slowed.url.strip_prefix("http://").unwrap().to_owned();
    let mut connection = post(&address, &format!("/reservations/{reservation}/confirm"), &ada).await;
    let mut answer = [0; 12];
    timeout(SOON, connection.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 201");
}
