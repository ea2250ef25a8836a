//! How many requests a second get an answer over so many connections, each sending the next when the last is answered.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use kit::{Failure, http::Connection, usage::cpu_of};

/// Connections that send at the same time.
pub(crate) const CONNECTIONS: usize = 50;

/// What was measured of a service for a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// Requests a second.
    pub(crate) per_second: f64,
    /// CPU time of the service for each.
    pub(crate) cpu_us: f64,
}

/// Sends for so long, and measures; `pid` is the service's.
pub(crate) async fn measure(
    address: SocketAddr,
    pid: u32,
    time: Duration,
    send: impl AsyncFn(&mut Connection) -> Result<(), Failure>,
) -> Result<Rate, Failure> {
    let cpu = || cpu_of(pid).ok_or("nothing is known of the service's CPU: this needs Linux");
    let (started, cpu_before) = (Instant::now(), cpu()?);
    let sent = every_connection(time, || Connection::new(address), &send).await?;
    let (passed, cpu_used) = (started.elapsed(), cpu()?.saturating_sub(cpu_before));
    Ok(Rate {
        per_second: sent as f64 / passed.as_secs_f64(),
        cpu_us: cpu_used.as_secs_f64() * 1e6 / sent.max(1) as f64,
    })
}

/// Uses all connections for so long; answers how often.
pub(crate) async fn every_connection<C>(
    time: Duration,
    connect: impl Fn() -> C,
    send: &impl AsyncFn(&mut C) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let end = Instant::now() + time;
    let one = async || {
        let (mut connection, mut sent) = (connect(), 0_u64);
        while Instant::now() < end {
            send(&mut connection).await?;
            sent += 1;
        }
        Ok::<_, Failure>(sent)
    };
    let sent = try_join_all((0..CONNECTIONS).map(|_| one())).await?;
    Ok(sent.iter().sum())
}
