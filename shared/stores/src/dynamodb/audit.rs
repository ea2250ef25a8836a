//! The audit trail: what admins did. A table of its own, so that no role may change or delete anything in it. Key: `month`, in
//! UTC, like `2026-11`; then `id`, a UUIDv7 by the time of writing. So the ids of all months are one sequence, and whoever reads
//! it goes back from month to month. Admins write little: a month is far from the limit of a partition.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

use super::{Store, failed, readable, text, to_item};
use domain::{
    audit::AuditEntry,
    error::Error,
    id::{AuditId, EventId, UserId},
    page::{Page, PageKey, PageKeyPart},
    time::from_ms,
};

/// 2026-11-01T00:00:00Z: no release wrote anything before.
const BEGAN_MS: i64 = 1_793_491_200_000;
/// What a process has written whose clock is ahead of this one's is there, too.
const CLOCKS_DIFFER_MS: i64 = 60_000;
/// A UUIDv7 begins with 48 bits of its time.
const BITS_BEHIND_TIME: u32 = 80;

/// Which entries are wanted.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only those written then or later.
    pub from: Option<Timestamp>,
    /// Only those written then or earlier.
    pub to: Option<Timestamp>,
    /// Only those about this event.
    pub event: Option<EventId>,
    /// Only what this admin did.
    pub admin: Option<UserId>,
}

/// Whether the audit trail can go on at that place, which another release may have given to a client.
pub fn is_place_in_audit(place: &PageKey) -> bool {
    place.len() == 1 && id_in(place).is_some()
}

fn id_in(place: &PageKey) -> Option<Uuid> {
    match place.get("id") {
        Some(PageKeyPart::S(id)) => id.parse().ok(),
        _ => None,
    }
}

/// Where the audit trail goes on after that entry.
pub fn place_after_entry(id: AuditId) -> PageKey {
    place_before(id.as_uuid().as_u128())
}

fn place_before(id: u128) -> PageKey {
    PageKey::from([("id".to_owned(), PageKeyPart::S(Uuid::from_u128(id).to_string()))])
}

/// What all ids of that time and later are at least.
fn first_id(ms: i64) -> u128 {
    u128::from(ms.max(0).cast_unsigned()) << BITS_BEHIND_TIME
}

/// The month that an id is of, and what all ids of that month are at least.
fn month_of(id: u128) -> (String, u128) {
    let ms = i64::try_from(id >> BITS_BEHIND_TIME).unwrap_or(i64::MAX);
    let date = from_ms(ms).to_zoned(TimeZone::UTC).date();
    let first = date.first_of_month().to_zoned(TimeZone::UTC);
    let first = first.map_or(0, |first| first_id(first.timestamp().as_millisecond()));
    (format!("{:04}-{:02}", date.year(), date.month()), first)
}

impl AuditFilter {
    /// What the ids of wanted entries are at least.
    fn oldest(&self) -> u128 {
        let from = self.from.map(Timestamp::as_millisecond);
        // Nobody did anything to an event before it was.
        let made = self.event.map(EventId::made_at_ms);
        first_id([from, made].into_iter().flatten().fold(BEGAN_MS, i64::max))
    }

    /// What the ids of wanted entries are below.
    fn end(&self, now: Timestamp) -> u128 {
        let latest = now.as_millisecond() + CLOCKS_DIFFER_MS;
        first_id(self.to.map_or(latest, |to| to.as_millisecond().min(latest)) + 1)
    }
}

impl Store {
    /// Whether what admins do is kept.
    pub fn is_audited(&self) -> bool {
        self.tables.audit.is_some()
    }

    /// Adds an entry, in the transaction of what it tells of. What is in the trail is never written again. Nothing, if there is
    /// no table for it.
    pub(super) fn put_audit(&self, entry: Option<&AuditEntry>) -> Result<Option<TransactWriteItem>, Error> {
        let (Some(entry), Some(table)) = (entry, &self.tables.audit) else { return Ok(None) };
        let mut item = to_item(entry)?;
        item.insert("month".to_owned(), text(month_of(entry.id.as_uuid().as_u128()).0));
        Put::builder()
            .table_name(table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(id)")
            .build()
            .map(|put| Some(TransactWriteItem::builder().put(put).build()))
            .map_err(|error| Error::Internal(Box::new(error)))
    }

    /// The entries, newest first, at most `limit`, read with strong consistency, without those that can't be read. `NotAudited`
    /// if there is no table for them.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        limit: usize,
        start: Option<PageKey>,
        now: Timestamp,
    ) -> Result<Page<AuditEntry>, Error> {
        let table = self.tables.audit.as_ref().ok_or(Error::NotAudited)?;
        let oldest = filter.oldest();
        let end = filter.end(now);
        let mut below = start.as_ref().and_then(id_in).map_or(end, |id| id.as_u128().min(end));
        let mut items: Vec<AuditEntry> = Vec::with_capacity(limit + 1);
        // A month without entries takes a query, too.
        for _ in 0..self.page_limits.queries_max {
            if below <= oldest {
                return Ok(Page { items, next: None });
            }
            // One more than asked for tells whether there is a next page.
            let wanted = limit + 1 - items.len();
            let (read, read_to) = self.audit_of_month(table, filter, wanted, oldest, below).await?;
            items.extend(read);
            if items.len() > limit {
                items.truncate(limit);
                let next = items.last().map(|last| place_after_entry(last.id));
                return Ok(Page { items, next });
            }
            below = read_to;
        }
        Ok(Page { items, next: (below > oldest).then(|| place_before(below)) })
    }

    /// Some entries of the month that is before `below`, and down to which id there are no others.
    async fn audit_of_month(
        &self,
        table: &str,
        filter: &AuditFilter,
        wanted: usize,
        oldest: u128,
        below: u128,
    ) -> Result<(Vec<AuditEntry>, u128), Error> {
        let (month, first_of_month) = month_of(below - 1);
        let id = |id: u128| text(Uuid::from_u128(id));
        let filters = [
            filter.event.map(|event| ("event_id = :event", ":event", text(event))),
            filter.admin.map(|admin| ("admin_id = :admin", ":admin", text(admin))),
        ];
        let filters: Vec<_> = filters.into_iter().flatten().collect();
        let read_items =
            if filters.is_empty() { wanted } else { wanted.max(self.page_limits.read_items_min) };
        let mut query = self
            .client
            .query()
            .table_name(table)
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(i32::try_from(read_items).unwrap_or(i32::MAX))
            .key_condition_expression("#month = :month AND id BETWEEN :oldest AND :newest")
            // A word of DynamoDB's own.
            .expression_attribute_names("#month", "month")
            .expression_attribute_values(":month", text(month))
            .expression_attribute_values(":oldest", id(oldest.max(first_of_month)))
            .expression_attribute_values(":newest", id(below - 1));
        let conditions: Vec<_> = filters.iter().map(|(condition, ..)| *condition).collect();
        query = query.set_filter_expression((!conditions.is_empty()).then(|| conditions.join(" AND ")));
        for (_, name, value) in filters {
            query = query.expression_attribute_values(name, value);
        }
        let read = query.send().await.map_err(failed)?;
        let read_to = match read.last_evaluated_key.as_ref().and_then(|key| key.get("id")) {
            None => first_of_month,
            Some(AttributeValue::S(id)) => parsed(id)?.as_uuid().as_u128(),
            Some(_) => return Err(Error::Internal("an entry of the audit trail without an id".into())),
        };
        Ok((read.items.unwrap_or_default().into_iter().filter_map(readable).collect(), read_to))
    }
}

fn parsed(id: &str) -> Result<AuditId, Error> {
    id.parse().map_err(|error| Error::Internal(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn a_month_begins_where_the_one_before_ends() {
        for (then, month, before) in [
            ("2026-11-01T00:00:00Z", "2026-11", "2026-10"),
            ("2026-12-31T23:59:59.999Z", "2026-12", "2026-11"),
            ("2027-01-01T00:00:00Z", "2027-01", "2026-12"),
            ("2028-02-29T12:00:00Z", "2028-02", "2028-01"),
        ] {
            let id = AuditId::new(then.parse().unwrap()).as_uuid().as_u128();
            let (of_id, first) = month_of(id);
            assert_eq!(of_id, month);
            assert!(first <= id);
            assert_eq!(month_of(first), (month.to_owned(), first));
            assert_eq!(month_of(first - 1).0, before);
        }
        assert_eq!(at("2026-11-01T00:00:00Z"), BEGAN_MS);
    }

    #[test]
    fn no_range_is_read_before_the_first_entry_or_after_now() {
        let now = Timestamp::from_millisecond(BEGAN_MS + 1_000).unwrap();
        let end = AuditFilter { to: Some(Timestamp::MAX), ..AuditFilter::default() }.end(now);
        assert_eq!(end, AuditFilter::default().end(now));
        for from in [None, Some(Timestamp::MIN)] {
            assert_eq!(AuditFilter { from, ..AuditFilter::default() }.oldest(), first_id(BEGAN_MS));
        }
        let filter = AuditFilter { from: Some(Timestamp::MAX), ..AuditFilter::default() };
        assert!(filter.oldest() > end);
        assert_eq!(AuditFilter { to: Some(Timestamp::MIN), ..AuditFilter::default() }.end(now), 0);
    }
}
