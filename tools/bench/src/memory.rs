//! What the servers keep in memory after many sign-ins: each hash of a password takes 19 MiB for a moment.

use std::{net::Ipv4Addr, path::Path, process::Stdio, time::Duration};

use futures::{TryStreamExt, stream};
use hyper::Method;
use kit::{
    Failure,
    http::{Call, Connection},
    process::{Process, free_port, program},
    usage::memory_of,
    wait,
};
use load::server::OwnStores;
use local::beside;

use crate::{
    figures::{Figure, Samples, Target},
    world::{AS_DEPLOYED, app, settings},
};

const SIGN_INS: u16 = 200;
const AT_ONCE: usize = 16;
/// From each network at most: so many that none has to wait, as what waits is not hashed.
const OF_A_NETWORK: u16 = 10;
const MEGABYTES_MAX: f64 = 80.0;
const READY_WITHIN: Duration = Duration::from_secs(30);

/// The local server with stores of its own, and the container's server.
pub(crate) async fn figures() -> Result<Vec<Figure>, Failure> {
    Ok(vec![figure("`local`", local().await?), figure("`server`", container().await?)])
}

fn figure(server: &str, bytes: u64) -> Figure {
    let megabytes = Samples(vec![bytes as f64 / 1e6]);
    let name = format!("most memory of {server}, {SIGN_INS} wrong passwords");
    Figure::new(name, "two hashes of 19 MiB at once", Target::AtMost(MEGABYTES_MAX), "MB", megabytes)
        .guarded()
}

async fn local() -> Result<u64, Failure> {
    let (port, data) = (free_port()?, tempfile::tempdir()?);
    let mut command = beside::command(port, data.path())?;
    command.env("RATE_LIMIT_AUTH_PER_MINUTE", "0").envs([AS_DEPLOYED]).stderr(Stdio::null());
    most_memory(Process::start(command).await?, port).await
}

async fn container() -> Result<u64, Failure> {
    let (stores, port) = (OwnStores::start().await?, free_port()?);
    // With its tables.
    let client = stores::dynamodb::client_for_endpoint(&stores.dynamodb);
    let _app = app(&stores.redis, "memory", client, |_| {}).await?;
    let mut command = Process::supervised(Path::new(&program("server")?));
    command
        .envs(settings(&stores.redis, "memory"))
        .envs([("PORT", port.to_string()), ("AWS_ENDPOINT_URL_DYNAMODB", stores.dynamodb.clone())])
        .envs([("AWS_REGION", "local"), ("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local")])
        .stderr(Stdio::null());
    most_memory(Process::start(command).await?, port).await
}

/// The most that a server ever had in memory, once it has looked at all these passwords.
async fn most_memory(server: Process, port: u16) -> Result<u64, Failure> {
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let is_ready = wait::until(READY_WITHIN, Duration::from_millis(50), || async {
        let asked = Connection::new(address).send(&Call::get("/health")).await;
        Ok::<_, Failure>(asked.is_ok_and(|answer| answer.status == 200))
    });
    if !is_ready.await? {
        return Err(format!("a server does not come up; it last said: {}", server.last_words()).into());
    }
    let tries = stream::iter((0..SIGN_INS).map(Ok::<_, Failure>));
    tries
        .try_for_each_concurrent(AT_ONCE, async |n| {
            let network = Ipv4Addr::new(127, 0, 1, (n / OF_A_NETWORK) as u8);
            let account = format!(r#"{{"email": "nobody-{n}@example.com", "password": "not the password"}}"#);
            let call = Call { method: Method::POST, body: Some(account), ..Call::get("/login") };
            let status = Connection::new_from(network, address).send(&call).await?.status;
            if status == 401 { Ok(()) } else { Err(format!("a sign-in was answered with {status}").into()) }
        })
        .await?;
    let (_, most) = memory_of(server.pid).ok_or("the memory of a process can't be read here")?;
    Ok(most)
}
