//! POST /admin/pricing/preview

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use catalogue::{PriceDecision, decide_price};
use domain::{event::EventStatus, pricing::Judged, time::show};
use futures::{StreamExt, TryStreamExt, stream};
use http_api::{
    Admin, App, Problem, QueryParams,
    cursor::{from_cursor_if, to_cursor},
    openapi::{AdminProblems, ParameterProblems, StoreProblems},
    query::page_items,
};
use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use stores::dynamodb::{EventsFilter, is_place_by_start};
use utoipa::ToSchema;

use crate::{demand::DemandView, list::ListParams};

/// Events looked at at once.
const EVENTS_AT_ONCE: usize = 16;

/// A page of what demand pricing would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PricingPreview {
    /// One for each event with demand pricing that can still be bought, or each of its areas that have it, by start time. A page
    /// may have fewer than `limit`, even none, and yet not be the last; and more, where events have several areas.
    items: Vec<PreviewItem>,
    /// Send it as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// What demand pricing would do to one event, or to one of its areas.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewItem {
    /// UUIDv7.
    #[schema(value_type = uuid::Uuid)]
    event_id: String,
    /// What it is called.
    #[schema(example = "Open Air 2031")]
    name: String,
    /// The id of the area whose price it is; `general` of an event that names none.
    #[schema(example = "floor")]
    area: String,
    /// The area's name.
    #[schema(example = "Floor")]
    area_name: String,
    /// When it starts.
    #[serde(serialize_with = "show")]
    starts_at: Timestamp,
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    currency: &'static str,
    /// Price of a seat before demand pricing, in minor units of `currency`.
    #[schema(example = 4500)]
    base_price: u32,
    /// Price of a seat now, in minor units of `currency`.
    #[schema(example = 4500)]
    price: u32,
    /// Price of a seat after the next run, in minor units of `currency`, if nothing is sold or cancelled until then.
    #[schema(example = 4750)]
    new_price: u32,
    /// How the event sells: the reason.
    demand: DemandView,
    /// The day, in UTC, of the last run that decided on its price; null if there was none. An event is priced once a
    /// day: if that was today, its next run is tomorrow's.
    #[schema(value_type = Option<String>, format = Date, example = "2027-06-01")]
    priced_on: Option<Date>,
}

impl PreviewItem {
    /// One for each area whose price moves.
    fn of(PriceDecision { event, areas }: &PriceDecision) -> Vec<Self> {
        let items = areas.iter().filter_map(|Judged { area, demand, next }| {
            let area = event.area(*area)?;
            Some(Self {
                event_id: event.id.to_string(),
                name: event.details.name.clone(),
                area: area.id.to_owned(),
                area_name: area.name.to_owned(),
                starts_at: event.details.starts_at,
                currency: event.details.currency.code(),
                base_price: area.base_price,
                price: area.price,
                new_price: next.price,
                demand: DemandView::new(demand, next.target),
                priced_on: event.priced_on,
            })
        });
        items.collect()
    }
}

/// Shows what the next run of demand pricing would do, as things are now. Changes nothing.
#[utoipa::path(
    post, path = "/admin/pricing/preview", tag = "Admin", security(("bearer" = [])),
    params(ListParams),
    responses(
        (status = 200, description = "A page of events with their next prices.", body = PricingPreview),
        ParameterProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn preview_pricing(
    State(app): State<Arc<App>>,
    _: Admin,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<impl IntoResponse, Problem> {
    const LIST: &str = "pricing preview";
    let now = Timestamp::now();
    let limit = page_items(params.limit);
    let start = from_cursor_if(&app.tokens, LIST, params.cursor.as_deref(), is_place_by_start)?;
    let filter = EventsFilter {
        upcoming_at: Some(now),
        status: Some(EventStatus::Published),
        with_pricing_only: true,
        ..EventsFilter::default()
    };
    let page = app.store.events_by_start(&filter, limit, start).await?;
    let ids: Vec<_> = page.items.iter().map(|event| event.id).collect();
    let decisions: Vec<_> = stream::iter(ids.into_iter().map(|id| decide_price(&app.catalogue, id, now)))
        .buffered(EVENTS_AT_ONCE)
        .try_collect()
        .await?;
    Ok(Json(PricingPreview {
        items: decisions.iter().flatten().flat_map(PreviewItem::of).collect(),
        next_cursor: to_cursor(&app.tokens, LIST, page.next)?,
    }))
}
