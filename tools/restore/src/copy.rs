//! Copies a restored table's items into the stack's own, which has a name that the functions know.
//!
//! One page is in memory at a time, and an item that is the same already is not written. So who is killed starts again from the
//! beginning, which reads all and writes only what is left.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    pin::pin,
    time::Duration,
};

use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, PutRequest, WriteRequest};
use futures::{StreamExt, TryStreamExt, stream};
use kit::Failure;
use stores::dynamodb::Item;
use tokio::time::sleep;

use crate::tables::{Table, Tables, pages};

/// What one `BatchGetItem` and one `BatchWriteItem` take.
const READ_ITEMS: usize = 100;
const WRITTEN_ITEMS: usize = 25;
const BATCHES_AT_ONCE: usize = 8;
/// A table that is throttled catches up within minutes; then this has asked for a quarter of an hour.
const TRIES_MAX: u32 = 100;
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What to do, beside writing what the stack's table lacks.
#[derive(Clone, Debug, Default)]
pub struct Copying {
    /// Whether anything is written at all.
    pub apply: bool,
    /// Whether items that are there and differ are replaced.
    pub replace: bool,
    /// Whether items are deleted that the restored table does not have.
    pub delete: bool,
    /// Ids of people who were erased: their accounts are not brought back.
    pub erased: BTreeSet<String>,
}

/// What was found, item by item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// In both tables, and the same.
    pub same: u64,
    /// Not in the stack's table.
    pub missing: u64,
    /// In both, and not the same.
    pub different: u64,
    /// In the stack's table alone.
    pub extra: u64,
    /// Of somebody who was erased.
    pub erased: u64,
    /// Written or deleted.
    pub changed: u64,
}

impl fmt::Display for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { same, missing, different, extra, erased, changed } = self;
        write!(
            f,
            "{same} the same, {missing} missing, {different} different, {extra} extra, {erased} erased"
        )?;
        write!(f, "; {changed} changed")
    }
}

/// Copies the items of the table `from` into the stack's `table`, as far as `how` permits.
///
/// # Errors
/// When a table can't be read or written, or more is asked of the audit trail than to add to it.
pub async fn copy(tables: &Tables, table: Table, from: &str, how: &Copying) -> Result<Copied, Failure> {
    let to = tables.name(table)?;
    if from == to {
        return Err("a table can't be copied into itself".into());
    }
    if table == Table::Audit && (how.replace || how.delete) {
        return Err("nothing in the audit trail is ever replaced or deleted".into());
    }
    let copier = Copier { tables, key: table.key(), from, to, how };
    let mut copied = Copied::default();
    let mut restored = pin!(pages(&tables.client, from));
    while let Some(page) = restored.try_next().await? {
        copier.bring(page, &mut copied).await?;
    }
    let mut own = pin!(pages(&tables.client, to));
    while let Some(page) = own.try_next().await? {
        copier.clear(page, &mut copied).await?;
    }
    Ok(copied)
}

struct Copier<'a> {
    tables: &'a Tables,
    key: &'static [&'static str],
    from: &'a str,
    to: &'a str,
    how: &'a Copying,
}

impl Copier<'_> {
    /// Writes those of a page of the restored table that the stack's lacks, or has otherwise.
    async fn bring(&self, page: Vec<Item>, copied: &mut Copied) -> Result<(), Failure> {
        let page: Vec<Item> = page.into_iter().filter(|item| !self.is_erased(item)).collect();
        let own = self.get(self.to, &page).await?;
        let mut writes = Vec::new();
        for item in page {
            let is_wanted = match own.get(&self.names(&item)) {
                Some(same) if *same == item => {
                    copied.same += 1;
                    false
                }
                Some(_) => {
                    copied.different += 1;
                    self.how.replace
                }
                None => {
                    copied.missing += 1;
                    true
                }
            };
            if is_wanted {
                let put = PutRequest::builder().set_item(Some(item)).build()?;
                writes.push(WriteRequest::builder().put_request(put).build());
            }
        }
        self.write(writes, copied).await
    }

    /// Deletes those of a page of the stack's table that the restored one does not have, or that are of the erased.
    async fn clear(&self, page: Vec<Item>, copied: &mut Copied) -> Result<(), Failure> {
        let restored = self.get(self.from, &page).await?;
        let mut writes = Vec::new();
        for item in page {
            let is_unwanted = if self.is_erased(&item) {
                copied.erased += 1;
                true
            } else if restored.contains_key(&self.names(&item)) {
                false
            } else {
                copied.extra += 1;
                self.how.delete
            };
            if is_unwanted {
                let delete = DeleteRequest::builder().set_key(Some(self.key_of(&item))).build()?;
                writes.push(WriteRequest::builder().delete_request(delete).build());
            }
        }
        self.write(writes, copied).await
    }

    fn is_erased(&self, item: &Item) -> bool {
        // What an account left at another address says whose it was.
        let mut ids = ["id", "moved_to_user"].into_iter().filter_map(|name| item.get(name)?.as_s().ok());
        self.key == Table::Users.key() && ids.any(|id| self.how.erased.contains(id))
    }

    fn key_of(&self, item: &Item) -> Item {
        let part = |name: &&str| Some(((*name).to_owned(), item.get(*name)?.clone()));
        self.key.iter().filter_map(part).collect()
    }

    /// The key's parts, which are all texts.
    fn names(&self, item: &Item) -> Vec<String> {
        let part =
            |name: &&str| item.get(*name).and_then(|part| part.as_s().ok()).cloned().unwrap_or_default();
        self.key.iter().map(part).collect()
    }

    /// Those items of a table that have the keys of these, by their keys.
    async fn get(&self, table: &str, items: &[Item]) -> Result<HashMap<Vec<String>, Item>, Failure> {
        let keys: Vec<Vec<Item>> = items
            .chunks(READ_ITEMS)
            .map(|part| part.iter().map(|item| self.key_of(item)).collect())
            .collect();
        let found: Vec<Item> = stream::iter(keys)
            .map(|keys| self.get_batch(table, keys))
            .buffer_unordered(BATCHES_AT_ONCE)
            .try_concat()
            .await?;
        Ok(found.into_iter().map(|item| (self.names(&item), item)).collect())
    }

    async fn get_batch(&self, table: &str, mut keys: Vec<Item>) -> Result<Vec<Item>, Failure> {
        let mut found = Vec::new();
        for tries in 0..TRIES_MAX {
            let asked = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build()?;
            let read = self.tables.client.batch_get_item().request_items(table, asked).send().await?;
            found.extend(read.responses.unwrap_or_default().remove(table).unwrap_or_default());
            keys = read
                .unprocessed_keys
                .unwrap_or_default()
                .remove(table)
                .map(|left| left.keys)
                .unwrap_or_default();
            if keys.is_empty() {
                return Ok(found);
            }
            sleep(pause(tries)).await;
        }
        Err(format!("{table} is throttled for too long").into())
    }

    async fn write(&self, writes: Vec<WriteRequest>, copied: &mut Copied) -> Result<(), Failure> {
        if !self.how.apply {
            return Ok(());
        }
        let changed = writes.len() as u64;
        let batches: Vec<Vec<WriteRequest>> = writes.chunks(WRITTEN_ITEMS).map(<[_]>::to_vec).collect();
        let mut written =
            stream::iter(batches).map(|batch| self.write_batch(batch)).buffer_unordered(BATCHES_AT_ONCE);
        while written.try_next().await?.is_some() {}
        copied.changed += changed;
        Ok(())
    }

    async fn write_batch(&self, mut writes: Vec<WriteRequest>) -> Result<(), Failure> {
        for tries in 0..TRIES_MAX {
            let sent = self.tables.client.batch_write_item().request_items(self.to, writes).send().await?;
            writes = sent.unprocessed_items.unwrap_or_default().remove(self.to).unwrap_or_default();
            if writes.is_empty() {
                return Ok(());
            }
            sleep(pause(tries)).await;
        }
        Err(format!("{} is throttled for too long", self.to).into())
    }
}

/// Twice as long each time, up to a limit, and never the same.
fn pause(tries: u32) -> Duration {
    let most = Duration::from_millis(50 << tries.min(10)).min(PAUSE_MAX);
    most.mul_f64(fastrand::f64())
}
