//! GET /admin/events/{id}/prices

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use domain::{
    error::Error,
    id::EventId,
    page::{PageKey, PageKeyPart},
    pricing::{PriceChange, PriceReason},
    time::show,
};
use http_api::{
    Admin, App, PathId, Problem, QueryParams,
    cursor::{from_cursor_if, to_cursor},
    openapi::{AdminProblems, EventProblems, ParameterProblems, StoreProblems},
    query::page_items,
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{demand::DemandView, list::ListParams};

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
    /// Counts the event's prices, from 1.
    number: u32,
    /// Price of a seat from then on, in minor units of `currency`.
    price: u32,
    /// The price before; null for the first.
    previous_price: Option<u32>,
    /// The base price at that time, in minor units of `currency`.
    base_price: u32,
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    currency: &'static str,
    /// Why: the event was created, an admin set another base price or switched demand pricing off, or demand.
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
    params(("id" = uuid::Uuid, Path, description = "The event's id."), ListParams),
    responses(
        (status = 200, description = "A page of prices.", body = PriceList),
        EventProblems, ParameterProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn list_prices(
    State(app): State<Arc<App>>,
    _: Admin,
    PathId(id): PathId<EventId>,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<impl IntoResponse, Problem> {
    let list = format!("prices of {id}");
    let limit = u32::try_from(page_items(params.limit)).unwrap_or(u32::MAX);
    let is_place = |place: &PageKey| number_in(place).is_some();
    let start = from_cursor_if(&app.tokens, &list, params.cursor.as_deref(), is_place)?;
    let event = app.store.event(id).await?.ok_or(Error::EventNotFound)?;
    let newest = start.as_ref().and_then(number_in).map_or(event.price_changes, |last| last - 1);
    let oldest = newest.saturating_sub(limit - 1).max(1);
    let prices = app.store.prices(id, oldest..=newest).await?;
    let currency = event.details.currency.code();
    Ok(Json(PriceList {
        items: prices.iter().map(|price| PriceView::new(price, currency)).collect(),
        next_cursor: to_cursor(&app.tokens, &list, (oldest > 1).then(|| place_after(oldest)))?,
    }))
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
