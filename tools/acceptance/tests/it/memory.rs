//! What hashing passwords leaves in memory: the servers as they are run, after many sign-ins at once from many networks.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures::{StreamExt, stream};
use kit::usage::allocated_by;
use reqwest::Client;
use serde_json::json;

use crate::{
    common::{JWT_SECRET, TestApp, own_redis, shared_dynamodb},
    local_server::{free_port, start_with},
};

const SIGN_INS: usize = 200;
const AT_ONCE: usize = 16;
/// From each network at most, so that nobody has to wait: what waits is not hashed.
const OF_A_NETWORK: usize = 10;

/// What a server may have allocated after that, and ever had. 40 MB are what passwords are hashed in. Beside it there is its own
/// code, of which a release has far less than what tests build: `make test-memory` holds both together to 80 MB.
const BYTES_MAX: u64 = 62_000_000;

/// Signs in with wrong passwords, and says how many were looked at.
async fn sign_in_wrongly(server: SocketAddr) -> usize {
    let clients: Vec<Client> = (0..SIGN_INS / OF_A_NETWORK)
        .map(|n| {
            let from = Ipv4Addr::new(127, 0, 1, u8::try_from(n).unwrap());
            Client::builder().no_proxy().local_address(Some(from.into())).build().unwrap()
        })
        .collect();
    let tries = (0..SIGN_INS).map(|n| {
        let account = json!({ "email": format!("nobody-{n}@example.com"), "password": "not the password" });
        let request = clients[n % clients.len()].post(format!("http://{server}/login")).json(&account);
        async move { request.send().await.unwrap().status() == 401 }
    });
    stream::iter(tries)
        .buffer_unordered(AT_ONCE)
        .filter(|is_judged| std::future::ready(*is_judged))
        .count()
        .await
}

#[track_caller]
fn assert_small(pid: u32, what: &str) {
    let (now, most) = allocated_by(pid).unwrap();
    println!("{what}: {} MB now, {} MB at most", now / 1_000_000, most / 1_000_000);
    assert!(now <= BYTES_MAX && most <= BYTES_MAX, "{what} has {now} bytes, and had {most}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sign_ins_leave_the_local_server_small() {
    let data = tempfile::tempdir().unwrap();
    let server = start_with(data.path(), |command| {
        command.env("RATE_LIMIT_AUTH_PER_MINUTE", "0");
    });
    assert_eq!(sign_in_wrongly(server.address()).await, SIGN_INS);
    assert_small(server.pid(), "the local server");
}

/// A server in a container's stead; killed when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sign_ins_leave_the_containers_server_small() {
    let (evently, redis) = (TestApp::start().await, own_redis().await);
    let (port, tables) = (free_port(), &evently.app.config.tables);
    let server = Command::new(env!("CARGO_BIN_EXE_server-under-test"))
        .env_clear()
        .envs([
            ("USERS_TABLE", tables.users.as_str()),
            ("EVENTS_TABLE", &tables.events),
            ("INVENTORY_TABLE", &tables.inventory),
            ("BOOKINGS_TABLE", &tables.bookings),
            ("REDIS_URL", redis.url()),
            ("JWT_SECRET", JWT_SECRET),
            ("RATE_LIMIT_AUTH_PER_MINUTE", "0"),
            ("AWS_ENDPOINT_URL_DYNAMODB", shared_dynamodb()),
            ("AWS_REGION", "local"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("PORT", &port.to_string()),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Running(server);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let livez = format!("http://{address}/livez");
    let client = crate::common::http_client();
    for _ in 0..200 {
        if client.get(&livez).send().await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(sign_in_wrongly(address).await, SIGN_INS);
    assert_small(server.0.id(), "the container's server");
}
