//! The embedded store's log of stream records: found by an index, and kept for a day, as DynamoDB keeps them.
//!
//! With each write to a table whose stream is on, the store looks for the last sequence number of that table; by itself it
//! reads all records for that, and keeps them for ever. So its file gets an index, and old records go. Both is done through
//! a connection of its own, on the thread that the store works on: neither ever waits for the other.

use std::{path::Path, time::Duration};

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

/// How long DynamoDB keeps a stream's records.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);
const TRIM_EVERY: Duration = Duration::from_secs(600);
/// Records that are deleted at once: requests wait for that.
const DELETED_AT_ONCE: u32 = 1_000;
/// Only a program that looks into the file from outside could hold it up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// By the very expression that the store asks for, or SQLite would not use it. The store makes the table when it opens
/// the file.
const INDEX: &str = "CREATE INDEX IF NOT EXISTS stream_records_by_number \
                     ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";
/// The oldest have the lowest ids, so this looks at no more than it may delete.
const TRIM: &str = "DELETE FROM _stream_records WHERE created_at < ?1 \
                    AND id IN (SELECT id FROM _stream_records ORDER BY id LIMIT ?2)";

/// The log in a file that the store has open.
#[derive(Debug)]
pub struct StreamLog {
    connection: Connection,
}

impl StreamLog {
    /// Opens the log, and makes its index if it is missing.
    ///
    /// # Errors
    /// When the file can't be written, or is not the store's.
    pub fn open(file: &Path) -> Result<Self, rusqlite::Error> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.execute_batch(INDEX)?;
        Ok(Self { connection })
    }

    /// Deletes the records that are too old at `now`, a few at a time, with room for requests in between. Answers how
    /// many.
    ///
    /// # Errors
    /// When the file can't be written.
    pub async fn trim(&self, now: Timestamp) -> Result<usize, rusqlite::Error> {
        let oldest_kept = (now - KEPT_FOR).as_second();
        let mut trimmed = 0;
        loop {
            let deleted = self.connection.prepare_cached(TRIM)?.execute((oldest_kept, DELETED_AT_ONCE))?;
            trimmed += deleted;
            if deleted == 0 {
                return Ok(trimmed);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Trims the log now and then, for as long as it is polled.
    pub(crate) async fn keep_trimmed(&self) {
        loop {
            match self.trim(Timestamp::now()).await {
                Ok(0) => {}
                Ok(trimmed) => tracing::debug!(trimmed, "old stream records are gone"),
                Err(error) => tracing::warn!(%error, "the stream log was not trimmed"),
            }
            tokio::time::sleep(TRIM_EVERY).await;
        }
    }
}
