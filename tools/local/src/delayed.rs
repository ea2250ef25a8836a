//! A proxy that holds back a store's answers for a while: where that is far more than all else, the time of a request
//! counts the round trips that it waits for one after the other.

use std::{collections::VecDeque, io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, sleep_until},
};

const READ_BYTES: usize = 65_536;

/// Stands before a store and delays each of its answers so long. Answers where it listens.
///
/// # Errors
/// When there is no port to listen on.
pub async fn delayed(store: &str, delay: Duration) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let store = store.rsplit("://").next().unwrap_or(store).trim_end_matches('/').to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            match TcpStream::connect(&store).await {
                Ok(server) => drop(pass_on(client, server, delay)),
                Err(error) => tracing::warn!(%store, %error, "the delayed store is not there"),
            }
        }
    });
    Ok(address)
}

/// What is asked passes at once; each piece of an answer waits by itself, so that pipelined ones wait side by side.
fn pass_on(client: TcpStream, server: TcpStream, delay: Duration) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let (send, mut receive) = mpsc::unbounded_channel::<(Instant, VecDeque<u8>)>();
    tokio::spawn(async move {
        let mut buffer = vec![0; READ_BYTES];
        while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
            let piece = buffer.iter().take(read).copied().collect();
            if send.send((Instant::now() + delay, piece)).is_err() {
                return;
            }
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
    Ok(())
}
