//! The tables, and how whole ones are read.

use aws_sdk_dynamodb::types::AttributeValue;
use clap::ValueEnum;
use futures::{Stream, TryStreamExt, stream};
use kit::Failure;
use stores::dynamodb::{Client, Item};

/// Items read at once: half a megabyte at most, as a rule, so that a slow connection carries them in time.
const PAGE_ITEMS: i32 = 500;

/// The stack's tables.
#[derive(Clone, Debug)]
pub struct Tables {
    /// A client for them.
    pub client: Client,
    /// Their names. Without the table of the audit trail nothing is known of what admins did.
    pub names: settings::Tables,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Table {
    /// People's accounts
    Users,
    /// Events, their prices
    Events,
    /// What was sold of each event, which `recompute` makes anew
    Inventory,
    /// Bookings
    Bookings,
    /// What admins did
    Audit,
}

impl Table {
    /// The attributes of its key.
    #[must_use]
    pub fn key(self) -> &'static [&'static str] {
        match self {
            Self::Users => &["email"],
            Self::Events => &["id"],
            Self::Inventory => &["shard_id"],
            Self::Bookings => &["user_id", "id"],
            Self::Audit => &["month", "id"],
        }
    }
}

impl Tables {
    /// The name of a table.
    ///
    /// # Errors
    /// When the audit trail's is not set.
    pub fn name(&self, table: Table) -> Result<&str, Failure> {
        let names = &self.names;
        match table {
            Table::Users => Ok(&names.users),
            Table::Events => Ok(&names.events),
            Table::Inventory => Ok(&names.inventory),
            Table::Bookings => Ok(&names.bookings),
            Table::Audit => names.audit.as_deref().ok_or_else(|| "setting AUDIT_TABLE is missing".into()),
        }
    }

    /// All items of a table, one after the other, strongly consistent.
    pub(crate) fn items(&self, table: &str) -> impl Stream<Item = Result<Item, Failure>> {
        let pages = pages(&self.client, table).map_ok(|page| stream::iter(page.into_iter().map(Ok)));
        pages.try_flatten()
    }
}

/// All items of a table, page by page, strongly consistent.
pub(crate) fn pages(client: &Client, table: &str) -> impl Stream<Item = Result<Vec<Item>, Failure>> {
    let scan = client.scan().table_name(table).consistent_read(true).limit(PAGE_ITEMS);
    stream::try_unfold(Some(None), move |next: Option<Option<Item>>| {
        let scan = scan.clone();
        async move {
            let Some(start) = next else { return Ok(None) };
            let page = scan.set_exclusive_start_key(start).send().await?;
            Ok(Some((page.items.unwrap_or_default(), page.last_evaluated_key.map(Some))))
        }
    })
}

/// A text as an attribute.
pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number as an attribute.
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
