//! How the embedded store slows down with use: at each transaction it looks through the tokens of all transactions of ten
//! minutes. The transaction of a confirm on a used store beside the same on one that was just started, in turn. Both keep their
//! data in a file, on a thread of this process, as `make run` has it.

use std::time::Instant;

use futures::{StreamExt, TryStreamExt, stream};
use kit::{Failure, process::free_port};
use local::{
    embedded_store::{EmbeddedStore, Location},
    redis_server::{RedisOptions, RedisServer},
};
use stores::dynamodb::client_for_endpoint;
use tempfile::TempDir;

use crate::{
    figures::{Figure, Samples, Target},
    pairs::{Bare, SEATS, TABLES},
    scale::{FLAT, ms_since},
    world::{Service, app},
};

/// Sales when it is measured. So many take a store less than the ten minutes after which it forgets a token.
const SOLD: [u32; 2] = [5_000, 20_000];
const SOLD_AT_ONCE: usize = 16;
const ROUNDS: usize = 9;
/// Sales in a round, of which the median counts.
const SALES: usize = 30;

/// Sells more and more, and measures in between; at last after a restart, which forgets the tokens and keeps the data.
pub(crate) async fn figures() -> Result<Vec<Figure>, Failure> {
    let redis = RedisServer::start(RedisOptions::default()).await?;
    let mut fresh = Shop::open(redis.url()).await?;
    let mut used = Shop::open(redis.url()).await?;
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
        format!("a confirm's transaction on the embedded store: time {when}"),
        "itself on one that was just started",
        Target::AtMost(FLAT),
        "×",
        times.by(&fresh_times),
    )
    .note(note))
}

/// An embedded store, and an event whose seats are sold there by the SDK alone.
struct Shop {
    port: u16,
    store: EmbeddedStore,
    sales: Bare,
    /// The last field, because fields are dropped in this order.
    data: TempDir,
}

impl Shop {
    /// Redis is there for the event to be made, and for nothing else.
    async fn open(redis: &str) -> Result<Self, Failure> {
        let (data, port) = (tempfile::tempdir()?, free_port()?);
        let store = start(&data, port).await?;
        let client = client_for_endpoint(store.endpoint());
        let service = Service::new(app(redis, TABLES, client.clone(), |_| {}).await?)?;
        let event = service.event(0, SEATS).await?;
        Ok(Self { port, store, sales: Bare { client, event }, data })
    }

    /// With its data, and without what the store has only in memory.
    async fn restarted(self) -> Result<Self, Failure> {
        self.store.stop().await;
        Ok(Self { store: start(&self.data, self.port).await?, ..self })
    }

    async fn sell(&self, seats: u32) -> Result<(), Failure> {
        let sales = stream::iter(0..seats).map(|_| self.sales.transact());
        sales.buffer_unordered(SOLD_AT_ONCE).try_collect().await
    }

    async fn sale_ms(&self) -> Result<f64, Failure> {
        let started = Instant::now();
        self.sales.transact().await?;
        Ok(ms_since(started))
    }
}

async fn start(data: &TempDir, port: u16) -> Result<EmbeddedStore, Failure> {
    let file = data.path().join("dynamodb.sqlite");
    Ok(EmbeddedStore::start(Location::File(file), Some(port)).await?)
}
