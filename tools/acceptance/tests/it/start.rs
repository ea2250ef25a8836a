//! What a function does before its first request.

use std::time::{Duration, Instant};

use http_api::App;
use secrecy::SecretString;
use settings::Config;
use stores::dynamodb::{self, AskedTable};
use tokio::net::TcpListener;

use crate::common::{Calls, TestApp};

#[tokio::test]
async fn connections_are_opened_by_one_read_of_a_table_that_the_function_may_read() {
    let calls = Calls::default();
    let evently = TestApp::counted(&calls).await;
    for (table, asked) in [(AskedTable::Events, "GetItem events"), (AskedTable::Users, "GetItem users")] {
        evently.app.open_connections(table).await;
        assert_eq!(calls.take(), [(asked.to_owned(), 1)].into());
    }
}

#[tokio::test]
async fn stores_out_of_reach_do_not_keep_a_function_from_starting() {
    let mut config = Config::clone(&TestApp::start().await.app.config);
    // Nobody listens on the one; the other takes a connection and says nothing.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for address in [closed, silent.local_addr().unwrap()] {
        config.redis.url = SecretString::from(format!("redis://{address}"));
        let app =
            App::new(config.clone(), dynamodb::client_for_endpoint(&format!("http://{address}"))).unwrap();
        let started = Instant::now();
        app.open_connections(AskedTable::Events).await;
        assert!(started.elapsed() < Duration::from_secs(4), "{address}: {:?}", started.elapsed());
    }
}
