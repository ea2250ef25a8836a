//! Stands between the AWS SDK and the store, and does what a test says: holds a call up, loses a reply, answers by itself.

use std::{collections::HashMap, io, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Mutex};

use super::http_client;

/// A call of DynamoDB on its way.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Like `TransactWriteItems`.
    pub(crate) operation: String,
    /// What is asked.
    pub(crate) body: Value,
    headers: HeaderMap,
    store: String,
    http: reqwest::Client,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    /// What the store says.
    pub(crate) body: Value,
    is_broken_off: bool,
}

impl Call {
    /// Does what is asked.
    pub(crate) async fn done(&self) -> Reply {
        let mut request = self.http.post(&self.store).body(self.body.to_string());
        for (name, value) in &self.headers {
            if name != "host" && name != "content-length" {
                request = request.header(name, value);
            }
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        Reply::of(status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }

    /// Whether it is a transaction.
    pub(crate) fn is_transaction(&self) -> bool {
        self.operation == "TransactWriteItems"
    }

    /// A refusal of this transaction, which is not done; by items, each with its reason. Items without one are `None`.
    pub(crate) fn cancelled(&self, reasons: &HashMap<usize, &str>) -> Reply {
        let items = self.body["TransactItems"].as_array().unwrap().len();
        let reason = |item: usize| reasons.get(&item).copied().unwrap_or("None");
        let reasons: Vec<_> = (0..items).map(|item| json!({ "Code": reason(item), "Message": "" })).collect();
        let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
        let body = json!({ "__type": kind, "Message": "cancelled", "CancellationReasons": reasons });
        Reply::of(400, body)
    }
}

impl Reply {
    fn of(status: u16, body: Value) -> Self {
        Self { status, body, is_broken_off: false }
    }

    /// What DynamoDB says if it can't tell what became of a call.
    pub(crate) fn internal_error() -> Self {
        Self::of(500, Self::error("InternalServerError"))
    }

    /// What DynamoDB says of a call that is not allowed, which it does not do.
    pub(crate) fn refused() -> Self {
        Self::of(400, Self::error("AccessDeniedException"))
    }

    /// What DynamoDB says of a transaction that it is at already, by its token.
    pub(crate) fn in_progress() -> Self {
        Self::of(400, Self::error("TransactionInProgressException"))
    }

    /// The connection breaks.
    pub(crate) fn broken_off() -> Self {
        Self { is_broken_off: true, ..Self::of(200, Value::Null) }
    }

    fn error(kind: &str) -> Value {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
        json!({ "__type": kind, "message": "So the test wants it." })
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap();
        if self.is_broken_off {
            let broken = futures::stream::iter([Err::<Bytes, _>(io::Error::other("broken off"))]);
            return (status, Body::from_stream(broken)).into_response();
        }
        (status, [("content-type", "application/x-amz-json-1.0")], self.body.to_string()).into_response()
    }
}

/// Starts it in front of the store; answers with its own endpoint. It ends with the test.
pub(crate) async fn between<F, R>(store: &str, disturb: F) -> String
where
    F: Fn(Call) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Reply> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (store, http) = (store.to_owned(), http_client());
    let serve = move |headers: HeaderMap, body: Bytes| {
        let operation = headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap().to_owned();
        let body = serde_json::from_slice(&body).unwrap();
        disturb(Call { operation, body, headers, store: store.clone(), http: http.clone() })
    };
    let service = Router::new().fallback(serve);
    tokio::spawn(async move { axum::serve(listener, service).await });
    endpoint
}

/// Loses the replies of transactions: so many of each one's, in a row.
#[derive(Clone, Debug)]
pub(crate) struct LostReplies {
    replies: usize,
    instead: Reply,
    /// How often each token came.
    tries: Arc<Mutex<HashMap<String, usize>>>,
}

impl LostReplies {
    /// What comes `instead` says nothing of what was done.
    pub(crate) fn of_each(replies: usize, instead: Reply) -> Self {
        Self { replies, instead, tries: Arc::default() }
    }

    /// How often each transaction was tried since the last look, in no order.
    pub(crate) async fn take_tries(&self) -> Vec<usize> {
        std::mem::take(&mut *self.tries.lock().await).into_values().collect()
    }

    pub(crate) async fn serve(self, call: Call) -> Reply {
        let reply = call.done().await;
        let Some(token) = call.body["ClientRequestToken"].as_str() else { return reply };
        let mut tries = self.tries.lock().await;
        let tries = tries.entry(token.to_owned()).or_default();
        *tries += 1;
        if *tries <= self.replies { self.instead } else { reply }
    }
}
