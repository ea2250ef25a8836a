//! Stands between the AWS SDK and the DynamoDB-compatible store, and does what a network and a busy DynamoDB do:
//! replies get lost after the write, requests come late, throttling, conflicts.

use std::{io, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use crate::{
    faults::{Dice, Fault, Faults},
    http1::{Connection, Message},
};

/// Faults, each for so many of 1,000 requests.
pub(crate) type Permille = &'static [(Fault, u64)];

pub(crate) const USUAL: Permille = &[
    (Fault::DynamoReplyLost, 15),
    (Fault::DynamoSilent, 4),
    (Fault::DynamoErrorAfterDone, 15),
    (Fault::DynamoSlow, 25),
    (Fault::DynamoSlowReply, 15),
    (Fault::DynamoThrottled, 12),
    (Fault::DynamoThroughput, 12),
    (Fault::DynamoError, 12),
    (Fault::DynamoConflict, 40),
    (Fault::DynamoConflictHalfApplied, 20),
];
/// What a janitor meets: between what it reads in DynamoDB and what it then does in Redis, much may happen.
pub(crate) const LATE_REPLIES: Permille = &[
    (Fault::DynamoReplyLost, 15),
    (Fault::DynamoSilent, 4),
    (Fault::DynamoSlow, 50),
    (Fault::DynamoSlowReply, 600),
    (Fault::DynamoThrottled, 12),
    (Fault::DynamoError, 12),
];
/// What a process meets that is slow between its steps.
pub(crate) const LATE_REQUESTS: Permille = &[(Fault::DynamoSlow, 900), (Fault::DynamoSlowReply, 50)];
/// Together with a request's time limit below the confirm grace of the run: a commit later than that is not allowed.
const SLOW_MS_MAX: u64 = 800;
/// Longer than the SDK waits for one try.
const SILENT_MAX: Duration = Duration::from_secs(5);

/// The way to the store, with its faults.
#[derive(Debug)]
pub(crate) struct DynamoProxy {
    store: String,
    faults: Arc<Faults>,
    dice: Dice,
    permille: Permille,
}

impl DynamoProxy {
    /// Starts it in front of the store at `endpoint`; answers with its own endpoint. It ends with the runtime.
    pub(crate) async fn start(
        endpoint: &str,
        faults: Arc<Faults>,
        dice: Dice,
        permille: Permille,
    ) -> io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let own = format!("http://{}", listener.local_addr()?);
        let store = endpoint.trim_start_matches("http://").to_owned();
        let proxy = Arc::new(Self { store, faults, dice, permille });
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = Arc::clone(&proxy);
                // An error is a connection that broke, on either side: the other one is closed with it.
                tokio::spawn(async move { proxy.serve(client).await });
            }
        });
        Ok(own)
    }

    async fn serve(&self, client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let store = TcpStream::connect(&self.store).await?;
        store.set_nodelay(true)?;
        let (mut client, mut store) = (Connection::new(client), Connection::new(store));
        while let Some(request) = client.next().await? {
            match self.fault_for(&request) {
                None => self.forward(&request, &mut store, &mut client).await?,
                Some(fault) => {
                    if !self.disturb(fault, &request, &mut store, &mut client).await? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn fault_for(&self, request: &Message) -> Option<Fault> {
        let target = request.header("x-amz-target")?;
        // What makes the tables is no part of the service.
        if !self.faults.are_on() || target.ends_with("Table") {
            return None;
        }
        let fault = self.dice.weighted(self.permille)?;
        let items_min = match fault {
            Fault::DynamoConflict => 1,
            Fault::DynamoConflictHalfApplied => 2,
            _ => return Some(fault),
        };
        let items = if target.ends_with(".TransactWriteItems") { items_of(request) } else { 0 };
        (items >= items_min).then_some(fault)
    }

    /// Whether the connection lives on.
    async fn disturb(
        &self,
        fault: Fault,
        request: &Message,
        store: &mut Connection,
        client: &mut Connection,
    ) -> io::Result<bool> {
        let lives = match fault {
            Fault::DynamoReplyLost | Fault::DynamoSilent | Fault::DynamoErrorAfterDone => {
                self.done(request, store).await?;
                self.faults.count(fault);
                match fault {
                    Fault::DynamoErrorAfterDone => {
                        client.answer("500 Internal Server Error", &error("InternalServerError")).await?;
                        return Ok(true);
                    }
                    Fault::DynamoSilent => drop(timeout(SILENT_MAX, client.closed()).await),
                    _ => {}
                }
                return Ok(false);
            }
            Fault::DynamoSlow => {
                sleep(self.dice.ms(20, SLOW_MS_MAX)).await;
                self.forward(request, store, client).await
            }
            Fault::DynamoSlowReply => {
                let reply = self.done(request, store).await?;
                let _late = self.faults.reply_is_late(request.body());
                sleep(self.dice.ms(20, SLOW_MS_MAX)).await;
                client.send(&reply).await
            }
            Fault::DynamoError => {
                client.answer("500 Internal Server Error", &error("InternalServerError")).await
            }
            Fault::DynamoThrottled => client.answer("400 Bad Request", &error("ThrottlingException")).await,
            Fault::DynamoThroughput => {
                client.answer("400 Bad Request", &error("ProvisionedThroughputExceededException")).await
            }
            fault => {
                let half_applied = fault == Fault::DynamoConflictHalfApplied;
                client.answer("400 Bad Request", &self.conflict(request, half_applied)).await
            }
        };
        lives?;
        self.faults.count(fault);
        Ok(true)
    }

    async fn forward(
        &self,
        request: &Message,
        store: &mut Connection,
        client: &mut Connection,
    ) -> io::Result<()> {
        client.send(&self.done(request, store).await?).await
    }

    /// The store's reply to a request, which is done now.
    async fn done(&self, request: &Message, store: &mut Connection) -> io::Result<Message> {
        store.send(request).await?;
        let reply = store.next().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if lacks_seats(request, &reply) {
            self.faults.promise_is_broken(request.body());
        }
        Ok(reply)
    }

    /// A conflict on one of the transaction's items, and perhaps a condition that fails on another; the reasons stand in the
    /// order of the items.
    fn conflict(&self, request: &Message, half_applied: bool) -> String {
        let items = items_of(request);
        let mut order: Vec<usize> = (0..items).collect();
        self.dice.shuffle(&mut order);
        let mut codes = vec!["None"; items];
        for (item, code) in order.into_iter().zip(["TransactionConflict", "ConditionalCheckFailed"]) {
            if code == "TransactionConflict" || half_applied {
                codes[item] = code;
            }
        }
        let reasons: Vec<_> = codes
            .iter()
            .map(|code| match *code {
                "None" => json!({ "Code": "None" }),
                "TransactionConflict" => {
                    json!({ "Code": code, "Message": "Transaction is ongoing for the item" })
                }
                code => json!({ "Code": code, "Message": "The conditional request failed" }),
            })
            .collect();
        let message = format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            codes.join(", ")
        );
        let body = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": message,
            "CancellationReasons": reasons,
        });
        body.to_string()
    }
}

/// How many items the transaction has.
fn items_of(request: &Message) -> usize {
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    body["TransactItems"].as_array().map_or(0, Vec::len)
}

/// Whether a transaction was refused for nothing but seats that a shard does not have: Redis promised them.
fn lacks_seats(request: &Message, reply: &Message) -> bool {
    let read = |message: &Message| serde_json::from_slice::<Value>(message.body()).unwrap_or_default();
    let reply = read(reply);
    let Some(reasons) = reply["CancellationReasons"].as_array() else { return false };
    let request = read(request);
    let is_failed = |index: usize| reasons[index]["Code"] == "ConditionalCheckFailed";
    let wants_seats =
        |index: usize| request["TransactItems"][index]["Update"]["ConditionExpression"] == "unsold >= :seats";
    // The first item is the booking or the event: was it there, or changed, the transaction was idle anyway.
    !is_failed(0) && (1..reasons.len()).any(|index| is_failed(index) && wants_seats(index))
}

fn error(code: &str) -> String {
    let namespace = match code {
        "ThrottlingException" => "com.amazon.coral.availability",
        _ => "com.amazonaws.dynamodb.v20120810",
    };
    json!({ "__type": format!("{namespace}#{code}"), "message": "So the exercise wants it." }).to_string()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        error::{ProvideErrorMetadata, SdkError},
        operation::transact_write_items::TransactWriteItemsError,
        types::{AttributeValue, Put, TransactWriteItem, Update},
    };
    use local::{
        embedded_store::{EmbeddedStore, Location},
        tables,
    };
    use stores::dynamodb::{Client, client_for_endpoint};

    use super::*;

    const TABLE: &str = "EventsTable";

    /// A store, a client past the proxy and one through it, where every request meets that fault.
    async fn store_with(permille: Permille) -> (EmbeddedStore, Client, Client, Arc<Faults>) {
        let store = EmbeddedStore::start(Location::Memory, None).await.unwrap();
        let truth = client_for_endpoint(store.endpoint());
        tables::create_missing(&truth, str::to_owned).await.unwrap();
        let faults = Arc::new(Faults::default());
        let dice = Dice::new(1, "test", 0);
        let endpoint =
            DynamoProxy::start(store.endpoint(), Arc::clone(&faults), dice, permille).await.unwrap();
        faults.switch(true);
        (store, truth, client_for_endpoint(&endpoint), faults)
    }

    fn put(id: &str) -> TransactWriteItem {
        let put = Put::builder().table_name(TABLE).item("id", AttributeValue::S(id.to_owned()));
        TransactWriteItem::builder().put(put.build().unwrap()).build()
    }

    async fn write(client: &Client) -> Result<(), SdkError<TransactWriteItemsError>> {
        let items = Some(vec![put("a"), put("b")]);
        client.transact_write_items().set_transact_items(items).send().await.map(|_| ())
    }

    async fn is_written(truth: &Client) -> bool {
        let read = truth.get_item().table_name(TABLE).key("id", AttributeValue::S("a".to_owned()));
        read.send().await.unwrap().item.is_some()
    }

    #[tokio::test]
    async fn the_sdk_understands_a_conflict_with_its_reasons() {
        const CONFLICTS: [(Permille, [&str; 2]); 2] = [
            (&[(Fault::DynamoConflict, 1_000)], ["None", "TransactionConflict"]),
            (&[(Fault::DynamoConflictHalfApplied, 1_000)], ["ConditionalCheckFailed", "TransactionConflict"]),
        ];
        for (permille, expected) in CONFLICTS {
            let (_store, truth, client, faults) = store_with(permille).await;
            let error = write(&client).await.unwrap_err().into_service_error();
            let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
                panic!("{error:?}");
            };
            let mut codes: Vec<_> =
                cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
            codes.sort_unstable();
            assert_eq!(codes, expected);
            assert!(!is_written(&truth).await);
            assert_eq!(faults.counts().get(&permille[0].0), Some(&1));
        }
    }

    #[tokio::test]
    async fn the_sdk_understands_a_busy_dynamodb_and_tries_again() {
        const BUSY: [(Permille, Fault, &str); 3] = [
            (&[(Fault::DynamoThrottled, 1_000)], Fault::DynamoThrottled, "ThrottlingException"),
            (
                &[(Fault::DynamoThroughput, 1_000)],
                Fault::DynamoThroughput,
                "ProvisionedThroughputExceededException",
            ),
            (&[(Fault::DynamoError, 1_000)], Fault::DynamoError, "InternalServerError"),
        ];
        for (permille, fault, code) in BUSY {
            let (_store, truth, client, faults) = store_with(permille).await;
            assert_eq!(write(&client).await.unwrap_err().code(), Some(code));
            assert_eq!(faults.counts().get(&fault), Some(&3), "three tries of {code}");
            assert!(!is_written(&truth).await);
        }
    }

    #[tokio::test]
    async fn a_lost_reply_leaves_the_write_done() {
        const LOST: [Permille; 2] =
            [&[(Fault::DynamoReplyLost, 1_000)], &[(Fault::DynamoErrorAfterDone, 1_000)]];
        for permille in LOST {
            let (_store, truth, client, _) = store_with(permille).await;
            write(&client).await.unwrap_err();
            assert!(is_written(&truth).await);
        }
    }

    #[tokio::test]
    async fn a_promise_that_redis_could_not_keep_is_noticed() {
        let (_store, truth, client, faults) = store_with(&[]).await;
        let sell = |seats: &str| {
            let number = |text: &str| AttributeValue::N(text.to_owned());
            let update = Update::builder()
                .table_name("InventoryTable")
                .key("shard_id", AttributeValue::S("shard".to_owned()))
                .update_expression("SET unsold = unsold - :seats")
                .condition_expression("unsold >= :seats")
                .expression_attribute_values(":seats", number(seats));
            TransactWriteItem::builder().update(update.build().unwrap()).build()
        };
        let shard = truth.put_item().table_name("InventoryTable");
        let shard = shard.item("shard_id", AttributeValue::S("shard".to_owned()));
        shard.item("unsold", AttributeValue::N("3".to_owned())).send().await.unwrap();
        for (seats, broken) in [("2", 0), ("2", 1), ("1", 1)] {
            let items = vec![put("a"), sell(seats)];
            _ = client.transact_write_items().set_transact_items(Some(items)).send().await;
            assert_eq!(faults.broken_promises().len(), broken, "selling {seats}");
        }
    }
}
