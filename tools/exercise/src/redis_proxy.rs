//! Stands between the Redis client and the server, and does what a network does: commands come late or never, scripts
//! run and their replies are lost, connections break.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::faults::{Dice, Fault, Faults};

/// Of 1,000 pieces that a client sends: each is a command, or some that were sent together.
const PERMILLE: &[(Fault, u64)] = &[
    (Fault::RedisRepliesSwallowed, 4),
    (Fault::RedisCutBefore, 4),
    (Fault::RedisCutAfter, 4),
    (Fault::RedisSlowCommand, 10),
    (Fault::RedisSlowReply, 10),
];
/// The client waits 500 ms for a reply: some of these are too late.
const SLOW_MS_MAX: u64 = 700;
/// How long replies are swallowed until the connection breaks: the client has given up by then.
const SWALLOW: Duration = Duration::from_millis(650);
/// Time for the server to run what it was sent, before the connection breaks.
const RUN_WITHIN: Duration = Duration::from_millis(100);
const READ_BYTES: usize = 64 * 1024;

/// The way to the server, with its faults.
#[derive(Debug)]
pub(crate) struct RedisProxy {
    server: String,
    faults: Arc<Faults>,
    dice: Dice,
}

impl RedisProxy {
    /// Starts it in front of the server at `url`; answers with its own URL. It ends with the runtime.
    pub(crate) async fn start(url: &str, faults: Arc<Faults>, dice: Dice) -> io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let own = format!("redis://{}", listener.local_addr()?);
        let proxy = Arc::new(Self { server: url.trim_start_matches("redis://").to_owned(), faults, dice });
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = Arc::clone(&proxy);
                // An error is a connection that broke, on either side: the other one is closed with it.
                tokio::spawn(async move { proxy.serve(client).await });
            }
        });
        Ok(own)
    }

    async fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let mut server = TcpStream::connect(&self.server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (mut sent, mut replied) = (vec![0; READ_BYTES], vec![0; READ_BYTES]);
        let mut swallow_until: Option<Instant> = None;
        let mut swallowed = false;
        let mut slow_reply = false;
        loop {
            let end = swallow_until.unwrap_or_else(|| Instant::now() + Duration::from_secs(3_600));
            tokio::select! {
                count = client.read(&mut sent) => {
                    let count = count?;
                    if count == 0 { return Ok(()) }
                    let fault = if self.faults.are_on() { self.dice.weighted(PERMILLE) } else { None };
                    match fault {
                        Some(Fault::RedisCutBefore) => {
                            self.faults.count(Fault::RedisCutBefore);
                            return Ok(());
                        }
                        Some(Fault::RedisRepliesSwallowed) if swallow_until.is_none() => {
                            swallow_until = Some(Instant::now() + SWALLOW);
                        }
                        Some(Fault::RedisSlowCommand) => {
                            sleep(self.dice.ms(20, SLOW_MS_MAX)).await;
                            self.faults.count(Fault::RedisSlowCommand);
                        }
                        Some(Fault::RedisSlowReply) => slow_reply = true,
                        _ => {}
                    }
                    server.write_all(&sent[..count]).await?;
                    if fault == Some(Fault::RedisCutAfter) {
                        // A reply is there: the command has run.
                        if timeout(RUN_WITHIN, server.readable()).await.is_ok() {
                            self.faults.count(Fault::RedisCutAfter);
                        }
                        return Ok(());
                    }
                }
                count = server.read(&mut replied) => {
                    let count = count?;
                    if count == 0 { return Ok(()) }
                    if swallow_until.is_some() {
                        if !std::mem::replace(&mut swallowed, true) {
                            self.faults.count(Fault::RedisRepliesSwallowed);
                        }
                        continue;
                    }
                    if std::mem::take(&mut slow_reply) {
                        sleep(self.dice.ms(20, SLOW_MS_MAX)).await;
                        self.faults.count(Fault::RedisSlowReply);
                    }
                    client.write_all(&replied[..count]).await?;
                }
                () = sleep_until(end) => return Ok(()),
            }
        }
    }
}
