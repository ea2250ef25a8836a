//! GET /admin/events/{id}/prices

use std::sync::Arc;

use axum::{extract::State, response::IntoResponse};
use domain::{
    error::Error,
    event::{Event, GENERAL},
    id::EventId,
    money::decimal,
    page::{PageKey, PageKeyPart},
    pricing::{PriceChange, PriceReason},
    time::{show, shown},
};
use http_api::{
    Admin, App, PathId, Problem,
    csv::{Asked, FileName, FormParams, List, Part, text},
    cursor::from_cursor_if,
    openapi::{AdminProblems, EventProblems, ParameterProblems, StoreProblems},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{demand::DemandView, list::ListParams};

const COLUMNS: [&str; 15] = [
    "number",
    "changed_at",
    "price",
    "price_decimal",
    "previous_price",
    "previous_price_decimal",
    "base_price",
    "base_price_decimal",
    "currency",
    "reason",
    "utilization",
    "tickets_per_day",
    "days_left",
    "target_percent",
    "area",
];

/// A page of the prices that an event has and had.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PriceList {
    /// The prices, newest first.
    items: Vec<PriceView>,
    /// Send it as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// A price that an event has or had.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Price)]
pub(crate) struct PriceView {
    /// Counts the event's prices, from 1, those of all its areas together.
    #[schema(example = 2)]
    number: u32,
    /// The id of the area whose price it is; `general` if the event named none.
    #[schema(example = "floor")]
    area: String,
    /// Price of a seat from then on, in minor units of `currency`.
    #[schema(example = 4750)]
    price: u32,
    /// The price before; null for the first.
    #[schema(example = 4500)]
    previous_price: Option<u32>,
    /// The base price at that time, in minor units of `currency`.
    #[schema(example = 4500)]
    base_price: u32,
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    currency: &'static str,
    /// Why: the event was created, or its area; an admin set another base price or switched demand pricing off, or demand.
    reason: PriceReason,
    /// How the event sold, where that was the reason; null otherwise.
    demand: Option<DemandView>,
    /// When.
    #[serde(serialize_with = "show")]
    changed_at: Timestamp,
}

impl PriceView {
    fn new(change: &PriceChange, currency: &'static str) -> Self {
        Self {
            number: change.number,
            area: change.area.clone().unwrap_or_else(|| GENERAL.to_owned()),
            price: change.price,
            previous_price: change.previous_price,
            base_price: change.base_price,
            currency,
            reason: change.reason,
            demand: change.demand.map(|demand| DemandView::new(&demand, change.target)),
            changed_at: change.changed_at,
        }
    }
}

/// Lists every price that an event has and had, newest first, each with its reason.
#[utoipa::path(
    get, path = "/admin/events/{id}/prices", tag = "Admin", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The event's id."), ListParams, FormParams),
    responses(
        (status = 200, description = "A page of prices; as CSV without `limit` all of them.",
         headers(("Link" = String), ("Content-Disposition" = String)),
         content((PriceList = "application/json"), (String = "text/csv"))),
        EventProblems, ParameterProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn list_prices(
    State(app): State<Arc<App>>,
    _: Admin,
    PathId(id): PathId<EventId>,
    Asked { params, wanted }: Asked<ListParams>,
) -> Result<impl IntoResponse, Problem> {
    let name = format!("prices of {id}");
    let is_place = |place: &PageKey| number_in(place).is_some();
    let start = from_cursor_if(&app.tokens, &name, params.cursor.as_deref(), is_place)?;
    let event = app.store.event(id).await?.ok_or(Error::EventNotFound)?;
    let items = wanted.items_at_once(params.limit);
    let first = prices(&app, &event, items, start).await?;
    let list = List {
        tokens: &app.tokens,
        name: &name,
        limit: params.limit,
        columns: &COLUMNS,
        row,
        file_name: FileName::new("prices").with(&event.details.name).with_day(event.details.starts_at),
    };
    let more = async |place| prices(&app, &event, items, Some(place)).await;
    wanted.list(list, first, more, |items, next_cursor| PriceList { items, next_cursor }).await
}

async fn prices(
    app: &App,
    event: &Event,
    limit: usize,
    start: Option<PageKey>,
) -> Result<Part<PriceView>, Error> {
    let newest = start.as_ref().and_then(number_in).map_or(event.price_changes, |last| last - 1);
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let oldest = newest.saturating_sub(limit - 1).max(1);
    let prices = app.store.prices(event.id, oldest..=newest).await?;
    let currency = event.details.currency.code();
    let items = prices.iter().map(|price| (PriceView::new(price, currency), place_after(price.number)));
    Ok(Part { items: items.collect(), next: (oldest > 1).then(|| place_after(oldest)) })
}

fn row(price: &PriceView) -> Vec<String> {
    let written = |amount: u32| decimal(amount.into(), price.currency).unwrap_or_default();
    let [utilization, tickets_per_day, days_left, target_percent] =
        price.demand.as_ref().map(DemandView::columns).unwrap_or_default();
    vec![
        price.number.to_string(),
        shown(price.changed_at),
        price.price.to_string(),
        written(price.price),
        price.previous_price.map(|price| price.to_string()).unwrap_or_default(),
        price.previous_price.map(written).unwrap_or_default(),
        price.base_price.to_string(),
        written(price.base_price),
        price.currency.to_owned(),
        price.reason.as_str().to_owned(),
        utilization,
        tickets_per_day,
        days_left,
        target_percent,
        text(&price.area),
    ]
}

fn place_after(number: u32) -> PageKey {
    PageKey::from([("number".to_owned(), PageKeyPart::N(number.to_string()))])
}

fn number_in(key: &PageKey) -> Option<u32> {
    match key.get("number") {
        Some(PageKeyPart::N(number)) => number.parse().ok().filter(|number| *number > 0),
        _ => None,
    }
}
