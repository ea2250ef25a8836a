//! The endpoints, as they were a moment ago.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    error::Error,
    id::WebhookId,
    webhook::{Endpoint, Secrets},
};
use jiff::Timestamp;
use stores::dynamodb::{Endpoints, Store};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// So long a changed endpoint may wait until that counts.
const KNOWN_FOR: Duration = Duration::from_secs(5);
/// Messages under way to one endpoint.
pub(super) const AT_ONCE: usize = 16;

/// An endpoint, and what signs its messages.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) endpoint: Endpoint,
    pub(super) secrets: Secrets,
}

/// The endpoints as they were then.
#[derive(Clone, Debug)]
struct Read {
    at: Timestamp,
    since: Instant,
    known: Arc<Vec<Known>>,
    removed: Arc<Vec<WebhookId>>,
}

/// All endpoints, and what is under way to each.
#[derive(Debug, Default)]
pub(super) struct KnownEndpoints {
    read: Mutex<Option<Read>>,
    /// Who reads them now: many messages at once need them read once.
    reading: tokio::sync::Mutex<()>,
    under_way: Mutex<HashMap<WebhookId, Arc<Semaphore>>>,
}

impl KnownEndpoints {
    /// All of them, those among them that were made by `then`.
    pub(super) async fn all(&self, store: &Store, then: Timestamp) -> Result<Arc<Vec<Known>>, Error> {
        self.read(store, then).await.map(|read| read.known)
    }

    /// Those that were removed lately.
    pub(super) async fn removed(&self, store: &Store, then: Timestamp) -> Result<Arc<Vec<WebhookId>>, Error> {
        self.read(store, then).await.map(|read| read.removed)
    }

    async fn read(&self, store: &Store, then: Timestamp) -> Result<Read, Error> {
        // Streams tell times in whole seconds, so what happened a moment ago may be said to happen in a moment.
        let then = then.min(Timestamp::now());
        if let Some(read) = self.read_since(then) {
            return Ok(read);
        }
        let _reading = self.reading.lock().await;
        if let Some(read) = self.read_since(then) {
            return Ok(read);
        }
        let (at, since) = (Timestamp::now(), Instant::now());
        let (Endpoints { kept, removed }, secrets) =
            futures::try_join!(store.all_endpoints(at), store.endpoint_secrets())?;
        let mut secrets: HashMap<_, _> = secrets.into_iter().collect();
        let known = kept.into_iter().filter_map(|endpoint| {
            let secrets = secrets.remove(&endpoint.id)?;
            Some(Known { endpoint, secrets })
        });
        let read = Read { at, since, known: Arc::new(known.collect()), removed: Arc::new(removed) };
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(read.clone());
        Ok(read)
    }

    /// What was read a moment ago, and not before `then`.
    fn read_since(&self, then: Timestamp) -> Option<Read> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        read.filter(|read| read.since.elapsed() < KNOWN_FOR && then <= read.at)
    }

    /// Has them read again, as one was changed.
    pub(super) fn forget(&self) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Takes a place among the messages to an endpoint that can be told at once; `None` if it fails, or has many under way.
    pub(super) fn place(&self, endpoint: &Endpoint) -> Option<OwnedSemaphorePermit> {
        if endpoint.failing_since.is_some() {
            return None;
        }
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let places = under_way.entry(endpoint.id).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)));
        Arc::clone(places).try_acquire_owned().ok()
    }
}
