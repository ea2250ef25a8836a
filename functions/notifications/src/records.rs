//! Records of a stream, as Lambda hands them over.

use domain::error::Error;
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use jobs::Budget;
use messages::Teller;
use serde::Deserialize;
use serde_dynamo::Item;
use serde_json::Value;

/// Records of different items may be told in any order; each finds by itself whether it was told.
const RECORDS_AT_ONCE: usize = 16;

/// A batch of records.
#[derive(Debug, Deserialize)]
pub struct Records {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>
#[derive(Debug, Deserialize)]
struct Record {
    #[serde(rename = "eventSourceARN")]
    stream: String,
    dynamodb: Change,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    sequence_number: String,
    /// In seconds.
    approximate_creation_date_time: Option<f64>,
    old_image: Option<Value>,
    new_image: Option<Value>,
}

impl Records {
    /// Reads an invocation's event. What is inside of a record's images is read later, record by record.
    ///
    /// # Errors
    /// When it is none of a stream.
    pub fn read(event: Value) -> Result<Self, Error> {
        serde_json::from_value(event).map_err(|error| Error::Internal(Box::new(error)))
    }
}

/// Tells what these records mean. Answers the numbers of those that have to come again, because a store failed or because they
/// can't be read: Lambda takes the latter to the queue of what failed for good, and goes on behind them.
pub async fn tell(teller: &Teller, records: Records, budget: Budget) -> Vec<String> {
    let tellings = records.records.into_iter().map(|record| async move {
        let number = record.dynamodb.sequence_number.clone();
        let told = tell_one(teller, record, budget).await;
        told.err().map(|error| {
            if !matches!(error, Error::Internal(_)) {
                tracing::error!(%error, sequence_number = number, "a record could not be told yet");
            }
            number
        })
    });
    let failed = stream::iter(tellings).buffered(RECORDS_AT_ONCE).collect::<Vec<_>>().await;
    failed.into_iter().flatten().collect()
}

async fn tell_one(teller: &Teller, record: Record, budget: Budget) -> Result<(), Error> {
    let Some(table) = teller.store().table_of_stream(&record.stream) else {
        return Err(Error::Internal(
            format!("a record of {}, which is no stream of these tables", record.stream).into(),
        ));
    };
    let image = |image: Option<Value>| image.map(serde_json::from_value::<Item>).transpose();
    let Change { sequence_number, approximate_creation_date_time: at, old_image, new_image } =
        record.dynamodb;
    let change = match (image(old_image), image(new_image)) {
        (Ok(before), Ok(after)) => teller.store().change_in(table, before, after),
        (Err(error), _) | (_, Err(error)) => Err(Error::Internal(Box::new(error))),
    };
    let change = change.inspect_err(|error| messages::unreadable(table, &sequence_number, error))?;
    // Told in whole seconds: whatever happened before it in the same second happened before it.
    let at = at.and_then(|seconds| Timestamp::from_second(seconds.ceil() as i64).ok());
    let at = at.map_or_else(Timestamp::now, |at| at + SignedDuration::from_secs(1));
    teller.tell_change(&change, at, budget).await.map(|_| ())
}
