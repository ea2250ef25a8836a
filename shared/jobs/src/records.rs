//! Records of a table's stream, as Lambda hands them to a function.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>

use domain::error::Error;
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_dynamo::Item;
use serde_json::{Value, json};
use stores::dynamodb::{Change, Store};
use telemetry::{CauseChain, names};

/// Records of different items may be handled in any order; each finds by itself whether that was done.
const RECORDS_AT_ONCE: usize = 16;

/// A batch of records.
#[derive(Debug, Deserialize)]
pub struct Records {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

/// What became of one item.
#[derive(Debug, Deserialize)]
struct Record {
    #[serde(rename = "eventSourceARN")]
    stream: String,
    dynamodb: Images,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Images {
    sequence_number: String,
    /// In seconds.
    approximate_creation_date_time: Option<f64>,
    old_image: Option<Value>,
    new_image: Option<Value>,
}

/// A record of a stream that can't be read, or be handled by any number of tries: it is a metric, with an alarm.
pub fn unreadable(table: &str, sequence_number: &str, error: &Error) {
    metrics::counter!(names::RECORDS_UNREADABLE).increment(1);
    tracing::error!(defect = true, table, sequence_number, cause = %CauseChain(error), "a record of a stream can't be read");
}

impl Records {
    /// Reads an invocation's event. What is inside of a record's images is read later, record by record.
    ///
    /// # Errors
    /// When it is none of a stream.
    pub fn read(event: Value) -> Result<Self, Error> {
        serde_json::from_value(event).map_err(|error| Error::Internal(Box::new(error)))
    }

    /// Does something for each. Answers what Lambda is to hear: the numbers of those that have to come again, because a store failed or
    /// because they can't be read. Lambda takes the latter to the queue of what failed for good, and goes on behind them.
    pub async fn each<F: Future<Output = Result<(), Error>>>(
        self,
        store: &Store,
        one: impl Fn(Change, Timestamp) -> F,
    ) -> Value {
        let one = &one;
        let handled = self.records.into_iter().map(|record| async move {
            let number = record.dynamodb.sequence_number.clone();
            let done = match record.change(store) {
                Ok((change, at)) => one(change, at).await,
                Err(error) => Err(error),
            };
            done.err().map(|error| {
                if !matches!(error, Error::Internal(_)) {
                    tracing::error!(%error, sequence_number = number, "a record has to come again");
                }
                number
            })
        });
        let handled: Vec<_> = handled.collect();
        let failed = stream::iter(handled).buffered(RECORDS_AT_ONCE).collect::<Vec<_>>().await;
        let failed: Vec<_> =
            failed.into_iter().flatten().map(|number| json!({ "itemIdentifier": number })).collect();
        json!({ "batchItemFailures": failed })
    }
}

impl Record {
    /// What it tells, and when that was so at the latest.
    fn change(self, store: &Store) -> Result<(Change, Timestamp), Error> {
        let Some(table) = store.table_of_stream(&self.stream) else {
            return Err(Error::Internal(
                format!("a record of {}, which is no stream of these tables", self.stream).into(),
            ));
        };
        let Images { sequence_number, approximate_creation_date_time: at, old_image, new_image } =
            self.dynamodb;
        let image = |image: Option<Value>| image.map(serde_json::from_value::<Item>).transpose();
        let change = match (image(old_image), image(new_image)) {
            (Ok(before), Ok(after)) => store.change_in(table, before, after),
            (Err(error), _) | (_, Err(error)) => Err(Error::Internal(Box::new(error))),
        };
        let change = change.inspect_err(|error| unreadable(table, &sequence_number, error))?;
        // Told in whole seconds: whatever happened before it in the same second happened before it.
        let at = at.and_then(|seconds| Timestamp::from_second(seconds.ceil() as i64).ok());
        Ok((change, at.map_or_else(Timestamp::now, |at| at + SignedDuration::from_secs(1))))
    }
}
