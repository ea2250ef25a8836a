//! The tables' streams, read as Lambda reads them: from shard to shard, record by record in their order, the place kept after each
//! batch, so that nothing is lost over a restart.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use aws_sdk_dynamodbstreams::{
    Client,
    error::DisplayErrorContext,
    types::{Record, Shard, ShardIteratorType, StreamRecord},
};
use domain::error::{Cause, Error, StoreName};
use futures::{StreamExt, TryStreamExt, stream};
use http_api::App;
use jiff::{SignedDuration, Timestamp};
use jobs::Budget;
use messages::Teller;
use stores::dynamodb;
use tokio::time::Instant;

/// Records told at a time: each finds by itself whether it was told.
const RECORDS_AT_ONCE: usize = 16;
/// Records that are read at once, and told before the place is kept.
const RECORDS_MAX: i32 = 200;

/// Where somebody begins to read a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begins {
    /// Where the one before stopped: all that is in it is told by nobody else.
    AtItsPlace,
    /// With what is new from then on. What is older is told because it is due; and to keep a place in this stream would be news in it.
    Now,
}

/// DynamoDB opens new shards every few hours.
const SHARDS_EVERY: Duration = Duration::from_secs(10);

/// Who hears of each change, as the functions do that a stream invokes.
#[derive(Clone, Copy)]
pub(crate) struct Followers<'a> {
    pub(crate) teller: &'a Teller,
    pub(crate) app: &'a App,
}

/// The stream of one table, as far as it is read.
#[derive(Debug)]
pub(crate) struct Stream {
    client: Client,
    arn: String,
    table: String,
    begins: Begins,
    /// Where each shard goes on; none for one that is read to its end.
    iterators: BTreeMap<String, Option<String>>,
    /// When it was last looked for shards.
    looked_at: Option<Instant>,
}

fn failed(error: impl Into<Cause>) -> Error {
    Error::OutOfReach { store: StoreName::DynamoDb, source: error.into() }
}

impl Stream {
    /// The stream of a table; `None` if the table has none.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub(crate) async fn of(
        client: &Client,
        dynamodb: &dynamodb::Client,
        table: &str,
        begins: Begins,
    ) -> Result<Option<Self>, Error> {
        let described = dynamodb
            .describe_table()
            .table_name(table)
            .send()
            .await
            .map_err(|error| failed(DisplayErrorContext(error).to_string()))?;
        let arn = described.table().and_then(|table| table.latest_stream_arn());
        Ok(arn.map(|arn| Self {
            client: client.clone(),
            arn: arn.to_owned(),
            table: table.to_owned(),
            begins,
            iterators: BTreeMap::new(),
            looked_at: None,
        }))
    }

    /// Tells all that is new in the stream. Answers how many records that were.
    ///
    /// # Errors
    /// When a store fails: what was not told is read again.
    pub(crate) async fn tell_new(&mut self, to: Followers<'_>, budget: Budget) -> Result<usize, Error> {
        if self.looked_at.is_none_or(|at| at.elapsed() >= SHARDS_EVERY) {
            self.find_shards(to.teller).await?;
            self.looked_at = Some(Instant::now());
        }
        let mut told = 0;
        let open: Vec<String> =
            self.iterators.iter().filter(|(_, at)| at.is_some()).map(|(shard, _)| shard.clone()).collect();
        for shard in open {
            let result = self.tell_shard(to, &shard, budget).await;
            if result.is_err() {
                self.looked_at = None;
                // An iterator lives for a quarter of an hour only; the kept place tells where to go on.
                self.iterators.remove(&shard);
            }
            told += result?;
        }
        Ok(told)
    }

    /// Finds shards that are new. What was in the stream before anybody ever read it is not told.
    async fn find_shards(&mut self, teller: &Teller) -> Result<(), Error> {
        let store = teller.store();
        let is_known = self.looked_at.is_some()
            || (self.begins == Begins::AtItsPlace && store.is_stream_known(&self.arn).await?);
        let mut start = None;
        loop {
            let described =
                self.client.describe_stream().stream_arn(&self.arn).set_exclusive_start_shard_id(start);
            let described =
                described.send().await.map_err(|error| failed(DisplayErrorContext(error).to_string()))?;
            let Some(description) = described.stream_description() else { return Ok(()) };
            for id in description.shards().iter().filter_map(Shard::shard_id) {
                if self.iterators.contains_key(id) {
                    continue;
                }
                let place = match self.begins {
                    Begins::AtItsPlace => store.place_in_stream(&self.arn, id).await?,
                    Begins::Now => None,
                };
                let iterator = self.iterator(id, place, is_known).await?;
                self.iterators.insert(id.to_owned(), iterator);
            }
            start = description.last_evaluated_shard_id().map(str::to_owned);
            if start.is_none() {
                break;
            }
        }
        if !is_known && self.begins == Begins::AtItsPlace {
            // From now on all that is new is to be told, whatever becomes of this process.
            store.set_place_in_stream(&self.arn, "began", &Timestamp::now().to_string()).await?;
        }
        Ok(())
    }

    async fn iterator(
        &self,
        shard: &str,
        place: Option<String>,
        is_known: bool,
    ) -> Result<Option<String>, Error> {
        let kind = match (&place, is_known) {
            (Some(_), _) => ShardIteratorType::AfterSequenceNumber,
            (None, true) => ShardIteratorType::TrimHorizon,
            (None, false) => ShardIteratorType::Latest,
        };
        let asked =
            self.client.get_shard_iterator().stream_arn(&self.arn).shard_id(shard).shard_iterator_type(kind);
        match asked.set_sequence_number(place.clone()).send().await {
            Ok(answer) => Ok(answer.shard_iterator().map(str::to_owned)),
            // A stream keeps a day: what comes after the place may begin later by now.
            Err(error)
                if place.is_some()
                    && error
                        .as_service_error()
                        .is_some_and(|error| error.is_trimmed_data_access_exception()) =>
            {
                Box::pin(self.iterator(shard, None, true)).await
            }
            Err(error) => Err(failed(DisplayErrorContext(error).to_string())),
        }
    }

    async fn tell_shard(&mut self, to: Followers<'_>, shard: &str, budget: Budget) -> Result<usize, Error> {
        let mut told = 0;
        while let Some(Some(iterator)) = self.iterators.get(shard) {
            let read = self.client.get_records().shard_iterator(iterator).limit(RECORDS_MAX).send().await;
            let read = read.map_err(|error| failed(DisplayErrorContext(error).to_string()))?;
            let records: Vec<&StreamRecord> = read.records().iter().filter_map(Record::dynamodb).collect();
            let tellings: Vec<_> =
                records.iter().map(|record| tell_one(to, &self.table, record, budget)).collect();
            stream::iter(tellings).buffered(RECORDS_AT_ONCE).try_collect::<Vec<()>>().await?;
            let last = records.iter().rev().find_map(|record| record.sequence_number());
            if let Some(last) = last.filter(|_| self.begins == Begins::AtItsPlace) {
                to.teller.store().set_place_in_stream(&self.arn, shard, last).await?;
            }
            told += records.len();
            self.iterators.insert(shard.to_owned(), read.next_shard_iterator().map(str::to_owned));
            if records.is_empty() || budget.is_over() {
                break;
            }
        }
        Ok(told)
    }
}

/// One that can't be read, or told by any number of tries, keeps none of those behind it waiting: the hourly look comes back to it.
async fn tell_one(
    Followers { teller, app }: Followers<'_>,
    table: &str,
    record: &StreamRecord,
    budget: Budget,
) -> Result<(), Error> {
    let image = |image: Option<&HashMap<_, _>>| image.cloned().map(serde_dynamo::Item::from);
    let change = match teller.store().change_in(table, image(record.old_image()), image(record.new_image())) {
        Ok(change) => change,
        Err(error) => {
            jobs::unreadable(table, record.sequence_number().unwrap_or_default(), &error);
            return Ok(());
        }
    };
    let at = record.approximate_creation_date_time().and_then(|at| Timestamp::from_second(at.secs()).ok());
    // In whole seconds, some stores: whatever happened before it in the same second happened before it.
    let at = at.map_or_else(Timestamp::now, |at| at + SignedDuration::from_secs(1));
    if let Err(error) = followup::follow(app, &change).await {
        tracing::warn!(%error, "what a booking asks for is left to the janitor");
    }
    match teller.tell_change(&change, at, budget).await {
        Err(error @ Error::Internal(_)) => {
            jobs::unreadable(table, record.sequence_number().unwrap_or_default(), &error);
            Ok(())
        }
        told => told.map(|_| ()),
    }
}
