//! GET /admin/audit

use std::{collections::HashMap, sync::Arc};

use axum::{extract::State, response::IntoResponse};
use domain::{
    audit::{AuditAction, AuditEntry, FieldChange, FieldValue, TIMES},
    error::Error,
    id::{EventId, UserId},
    page::{Page, PageKey},
    time::{self, show, shown},
    user::Person,
};
use http_api::{
    Admin, App, Problem,
    csv::{Asked, FileName, FormParams, List, Part, text},
    cursor::from_cursor_if,
    fields::{self, Fields, Read, uuid},
    openapi::{AdminProblems, ParameterProblems, StoreProblems},
    query::{limit, range},
};
use jiff::Timestamp;
use serde::Serialize;
use stores::dynamodb::{AuditFilter, is_place_in_audit, place_after_entry};
use utoipa::{IntoParams, ToSchema};

const COLUMNS: [&str; 11] = [
    "id",
    "at",
    "admin_id",
    "admin_email",
    "action",
    "event_id",
    "event_name",
    "version_before",
    "version_after",
    "changes",
    "request_id",
];

/// Which entries.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditParams {
    /// Only what was done to this event, deleted or not.
    event: Option<uuid::Uuid>,
    /// Only what this admin did.
    user: Option<uuid::Uuid>,
    /// Only what was done then or later.
    from: Option<Timestamp>,
    /// Only what was done then or earlier.
    to: Option<Timestamp>,
    /// Items in the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl Read for AuditParams {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (event, user) = (fields.optional("event", uuid), fields.optional("user", uuid));
        let (from, to) = range(fields, ["from", "to"], None);
        let (limit, cursor) = (limit(fields), fields.optional("cursor", fields::text));
        Some(Self { event, user, from, to, limit, cursor })
    }
}

/// A page of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditList {
    /// What was done last comes first. A page may have fewer than `limit`, even none, also where another follows.
    items: Vec<AuditView>,
    /// Send it as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// What an admin did to an event, once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct AuditView {
    /// UUIDv7.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// When it was done.
    #[serde(serialize_with = "show")]
    at: Timestamp,
    /// Who did it.
    admin: AuditAdmin,
    /// What was done.
    action: AuditAction,
    /// To which event.
    #[schema(value_type = uuid::Uuid)]
    event_id: String,
    /// What the event was called then.
    #[schema(example = "Open Air 2031")]
    event_name: String,
    /// The event's version before; null if it was created.
    #[schema(example = 1)]
    version_before: Option<u64>,
    /// The event's version after; null if it was deleted.
    #[schema(example = 2)]
    version_after: Option<u64>,
    /// What changed of the event's fields. Of a created event all that it was, of a deleted one all that it had been.
    changes: Vec<FieldChange>,
    /// `X-Request-Id` of the request, which stands in the log, too.
    request_id: Option<String>,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditAdmin {
    /// The admin's id.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// The address that the account signs in with; null if there is no such account any more.
    #[schema(example = "admin@example.com")]
    email: Option<String>,
}

http_api::problems! { AuditProblems:
    NotAudited: "the service runs without a table for it",
}

/// What admins did, newest first: who, what, to which event, and what was there before.
///
/// An entry is written in the transaction that it tells of. A large change of capacity is made in steps, and each of them is an
/// entry.
#[utoipa::path(
    get, path = "/admin/audit", operation_id = "list_audit_entries", tag = "Admin", security(("bearer" = [])),
    params(AuditParams, FormParams),
    responses(
        (status = 200, description = "A page of entries; as CSV without `limit` all of them.",
         headers(("Link" = String), ("Content-Disposition" = String)),
         content((AuditList = "application/json"), (String = "text/csv"))),
        ParameterProblems, AdminProblems, StoreProblems, AuditProblems,
    ),
)]
pub(crate) async fn list_audit(
    State(app): State<Arc<App>>,
    _: Admin,
    Asked { params, wanted }: Asked<AuditParams>,
) -> Result<impl IntoResponse, Problem> {
    let AuditParams { event, user, from, to, .. } = params;
    let name = format!("audit {event:?} {user:?} {from:?} {to:?}");
    let start = from_cursor_if(&app.tokens, &name, params.cursor.as_deref(), is_place_in_audit)?;
    let now = Timestamp::now();
    let filter = filter(&params);
    let items = wanted.items_at_once(params.limit);
    let read = async |start| entries(&app, filter.as_ref(), items, start, now).await;
    let first = read(start).await?;
    let list = List {
        tokens: &app.tokens,
        name: &name,
        limit: params.limit,
        columns: &COLUMNS,
        row,
        file_name: file_name(&params, now),
    };
    let more = async |place| read(Some(place)).await;
    wanted.list(list, first, more, |items, next_cursor| AuditList { items, next_cursor }).await
}

async fn entries(
    app: &App,
    filter: Option<&AuditFilter>,
    limit: usize,
    start: Option<PageKey>,
    now: Timestamp,
) -> Result<Part<AuditView>, Error> {
    let page = match filter {
        Some(filter) => app.store.audit(filter, limit, start, now).await?,
        None if app.store.is_audited() => Page { items: Vec::new(), next: None },
        None => return Err(Error::NotAudited),
    };
    let people = app.store.people(page.items.iter().map(|entry| entry.admin_id)).await?;
    Ok(Part::of(page, |entry| {
        let place = place_after_entry(entry.id);
        (AuditView::new(entry, &people), place)
    }))
}

fn file_name(params: &AuditParams, now: Timestamp) -> FileName {
    let mut name = FileName::new("audit");
    for (word, id) in [("event", params.event), ("user", params.user)] {
        if let Some(id) = id {
            name = name.with(word).with(&id.to_string());
        }
    }
    name.with_range(params.from, params.to).at(now)
}

/// `None` if nothing was ever done to that event, or by that user: it is no id of one.
fn filter(params: &AuditParams) -> Option<AuditFilter> {
    let event = params.event.map(|id| id.to_string().parse::<EventId>()).transpose().ok()?;
    let admin = params.user.map(|id| id.to_string().parse::<UserId>()).transpose().ok()?;
    Some(AuditFilter { from: params.from, to: params.to, event, admin })
}

impl AuditView {
    fn new(entry: AuditEntry, people: &HashMap<UserId, Person>) -> Self {
        let email = people.get(&entry.admin_id).map(|person| person.email.to_string());
        Self {
            id: entry.id.to_string(),
            at: entry.at,
            admin: AuditAdmin { id: entry.admin_id.to_string(), email },
            action: entry.action,
            event_id: entry.event_id.to_string(),
            event_name: entry.event_name,
            version_before: entry.version_before,
            version_after: entry.version_after,
            changes: entry.changes.into_iter().map(with_times_shown).collect(),
            request_id: entry.request_id,
        }
    }
}

/// Entries keep times with as many digits as they need; answers have one shape of them.
fn with_times_shown(change: FieldChange) -> FieldChange {
    let is_time = TIMES.contains(&change.field.as_str());
    let in_shape = |value| match value {
        FieldValue::Text(text) if is_time => FieldValue::Text(time::parse(&text).map_or(text, shown)),
        value => value,
    };
    FieldChange { before: change.before.map(in_shape), after: change.after.map(in_shape), ..change }
}

/// The changes of an entry stand in one column, as JSON.
fn row(item: &AuditView) -> Vec<String> {
    let number = |version: Option<u64>| version.map(|version| version.to_string()).unwrap_or_default();
    vec![
        item.id.clone(),
        shown(item.at),
        item.admin.id.clone(),
        text(item.admin.email.as_deref().unwrap_or_default()),
        item.action.as_str().to_owned(),
        item.event_id.clone(),
        text(&item.event_name),
        number(item.version_before),
        number(item.version_after),
        // It begins with a bracket, so no spreadsheet takes it for a formula.
        serde_json::json!(item.changes).to_string(),
        text(item.request_id.as_deref().unwrap_or_default()),
    ]
}
