//! How the embedded store slows down with use: at each transaction it looks through the tokens of all transactions of ten
//! minutes. A sale on a used store beside one on a store that was just started, in turn. Both keep their data in a file, in
//! the service's own process, as `make run` has it.

use std::time::Instant;

use domain::id::EventId;
use futures::{StreamExt, TryStreamExt, stream};
use kit::{Failure, process::free_port};
use local::{
    embedded_store::{EmbeddedStore, Location},
    redis_server::{RedisOptions, RedisServer},
};
use stores::dynamodb;
use tempfile::TempDir;

use crate::{
    figures::{Figure, Samples, Target},
    scale::{FLAT, ms_since},
    world::{Service, app},
};

/// Sales when it is measured. So many take a store less than the ten minutes after which it forgets a token.
const SOLD: [u32; 2] = [5_000, 20_000];
/// Far more than are sold.
const SEATS: u32 = 100_000;
const SOLD_AT_ONCE: usize = 16;
const ROUNDS: usize = 9;
/// Sales in a round, of which the median counts.
const SALES: usize = 20;

/// Sells more and more, and measures in between; at last after a restart, which forgets the tokens and keeps the data.
pub(crate) async fn figures() -> Result<Vec<Figure>, Failure> {
    let redis = RedisServer::start(RedisOptions::default()).await?;
    let mut fresh = Shop::open(redis.url(), "fresh").await?;
    let mut used = Shop::open(redis.url(), "used").await?;
    let (mut figures, mut sold) = (Vec::new(), 0);
    for until in SOLD {
        used.sell(until - sold).await?;
        sold = until;
        fresh = fresh.restarted().await?;
        figures.push(figure(&format!("after {until} sales"), &used, &fresh).await?);
    }
    used = used.restarted().await?;
    fresh = fresh.restarted().await?;
    figures.push(figure("after these and a restart", &used, &fresh).await?);
    Ok(figures)
}

async fn figure(when: &str, used: &Shop, fresh: &Shop) -> Result<Figure, Failure> {
    let (mut times, mut fresh_times) = (Samples::default(), Samples::default());
    // The first round warms up.
    for round in 0..=ROUNDS {
        let (mut taken, mut fresh_taken) = (Samples::default(), Samples::default());
        for _ in 0..SALES {
            taken.0.push(used.sale_ms().await?);
            fresh_taken.0.push(fresh.sale_ms().await?);
        }
        if round > 0 {
            times.0.push(taken.median());
            fresh_times.0.push(fresh_taken.median());
        }
    }
    let note = format!("{:.2} against {:.2} ms", times.median(), fresh_times.median());
    Ok(Figure::new(
        format!("book → confirm on the embedded store: time {when}"),
        "one that was just started",
        Target::AtMost(FLAT),
        "×",
        times.by(&fresh_times),
    )
    .note(note))
}

/// A service on an embedded store of its own, which sells seats of one event.
struct Shop {
    port: u16,
    store: EmbeddedStore,
    service: Service,
    event: EventId,
    /// The last field, because fields are dropped in this order.
    data: TempDir,
}

impl Shop {
    async fn open(redis: &str, prefix: &str) -> Result<Self, Failure> {
        let (data, port) = (tempfile::tempdir()?, free_port()?);
        let store = start(&data, port).await?;
        let client = dynamodb::client_for_endpoint(store.endpoint());
        let service = Service::new(app(redis, prefix, client, |_| {}).await?)?;
        let event = service.event(0, SEATS).await?;
        Ok(Self { port, store, service, event, data })
    }

    /// With its data, and without what the store has only in memory.
    async fn restarted(self) -> Result<Self, Failure> {
        self.store.stop().await;
        Ok(Self { store: start(&self.data, self.port).await?, ..self })
    }

    async fn sell(&self, seats: u32) -> Result<(), Failure> {
        let sales = stream::iter(0..seats).map(|_| self.service.buy(self.event));
        sales.buffer_unordered(SOLD_AT_ONCE).try_collect().await
    }

    async fn sale_ms(&self) -> Result<f64, Failure> {
        let started = Instant::now();
        self.service.buy(self.event).await?;
        Ok(ms_since(started))
    }
}

async fn start(data: &TempDir, port: u16) -> Result<EmbeddedStore, Failure> {
    let file = data.path().join("dynamodb.sqlite");
    Ok(EmbeddedStore::start(Location::File(file), Some(port)).await?)
}
