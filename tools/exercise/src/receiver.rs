//! Receivers of webhooks: one that works, and one that fails now and then. Each is an endpoint.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use domain::{
    id::{UserId, WebhookId},
    webhook::{Endpoint, EndpointStatus, Secret},
};
use jiff::Timestamp;
use kit::Failure;
use parking_lot::Mutex;
use standardwebhooks::Webhook;
use stores::dynamodb::Store;
use tokio::{net::TcpListener, task::AbortHandle};

use crate::faults::{Dice, Fault, Faults};

static SECRET: LazyLock<Secret> = LazyLock::new(|| Secret::of_base64(&"0123456789ab".repeat(4)));
/// Of each that comes to an endpoint that fails.
const FAILURES: [(Fault, u64); 2] = [(Fault::EndpointRefused, 200), (Fault::EndpointAnswerLost, 200)];

/// Somebody who is told by webhooks.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) id: WebhookId,
    /// Whether it takes everything at once.
    pub(crate) works: bool,
    got: Arc<Mutex<BTreeMap<String, u64>>>,
    server: AbortHandle,
}

impl Receiver {
    /// Listens, and makes an endpoint of itself.
    pub(crate) async fn start(
        store: &Store,
        faults: Arc<Faults>,
        dice: Dice,
        works: bool,
    ) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let now = Timestamp::now();
        let endpoint = Endpoint {
            id: WebhookId::new(now),
            url: format!("http://{}/", listener.local_addr()?),
            types: Vec::new(),
            description: None,
            status: EndpointStatus::Enabled,
            disabled_because: None,
            failing_since: None,
            made_by: UserId::new(),
            created_at: now,
        };
        if !store.add_endpoint(&endpoint, &SECRET).await? {
            return Err("there are too many endpoints".into());
        }
        let got = Arc::default();
        let desk = Arc::new(Desk {
            got: Arc::clone(&got),
            failures: (!works).then_some((faults, dice)),
            webhook: Webhook::new(SECRET.reveal())?,
        });
        let router = Router::new().fallback(take).with_state(desk);
        let server = tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle();
        Ok(Self { id: endpoint.id, works, got, server })
    }

    /// How often it got that message.
    pub(crate) fn times(&self, message: &str) -> u64 {
        self.got.lock().get(message).copied().unwrap_or_default()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Desk {
    got: Arc<Mutex<BTreeMap<String, u64>>>,
    failures: Option<(Arc<Faults>, Dice)>,
    webhook: Webhook,
}

/// Takes what is signed as it should be: what is not, nobody was told.
async fn take(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok());
    let (Some(id), Ok(())) = (id, desk.webhook.verify(&body, &headers)) else {
        return StatusCode::BAD_REQUEST;
    };
    let failure = desk.failures.as_ref().filter(|(faults, _)| faults.are_on()).and_then(|(faults, dice)| {
        let failure = dice.weighted(&FAILURES)?;
        faults.count(failure);
        Some(failure)
    });
    if failure != Some(Fault::EndpointRefused) {
        *desk.got.lock().entry(id.to_owned()).or_default() += 1;
    }
    match failure {
        Some(_) => StatusCode::INTERNAL_SERVER_ERROR,
        None => StatusCode::NO_CONTENT,
    }
}
