//! /admin/deliveries: what was told to whom, and telling it once more.

use std::{str::FromStr, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    delivery::{Delivery, DeliveryStatus},
    error::Error,
    id::NotAnId,
    time::{show, show_or_null},
};
use http_api::{
    Admin, App, PathId, Problem, QueryParams,
    cursor::{from_cursor_if, to_cursor},
    fields::{Fields, Read, text, text_of, word},
    openapi::{AdminProblems, ParameterProblems, StoreProblems},
    query::{IdInPath, limit, page_items},
};
use jiff::Timestamp;
use serde::Serialize;
use stores::dynamodb::{DeliveriesFilter, Replayed, is_place_of_deliveries};
use utoipa::{IntoParams, ToSchema};

/// The longest that a message's id can be, and some more.
const MESSAGE_ID_CHARS_MAX: usize = 200;
/// Between a message's id and its recipient, in a delivery's.
const BETWEEN: char = '~';

/// Which deliveries.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveriesParams {
    /// Only those that are so far.
    status: Option<DeliveryStatus>,
    /// Only those of this message, by its `webhook-id`, or by its mail's `Message-ID` up to the `@`.
    #[param(min_length = 1, max_length = 200)]
    message_id: Option<String>,
    /// Items in the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

impl Read for DeliveriesParams {
    fn read(fields: &mut Fields) -> Option<Self> {
        let status = fields.optional("status", word(&DeliveryStatus::ALL, DeliveryStatus::as_str));
        let message_id = fields.optional("message_id", text_of(1..=MESSAGE_ID_CHARS_MAX));
        Some(Self { status, message_id, limit: limit(fields), cursor: fields.optional("cursor", text) })
    }
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryList {
    /// What happened last comes first; those of one message are in the order of their recipients. A page may have fewer than `limit`,
    /// even none, also where another follows.
    items: Vec<DeliveryView>,
    /// Send it as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// One message to one recipient: ids and what came of it. What was said, and to which address, is not kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    /// Made of the message's id and the recipient.
    #[schema(
        example = "booking_confirmed_01980a5e-7b1c-7000-8000-000000000000_1~webhook.01980a5e-7b1c-7000-8000-000000000001"
    )]
    id: String,
    /// The same for all recipients and all tries: `webhook-id`, or the mail's `Message-ID` up to the `@`.
    #[schema(example = "booking_confirmed_01980a5e-7b1c-7000-8000-000000000000_1")]
    message_id: String,
    /// What it tells.
    #[serde(rename = "type")]
    #[schema(rename = "type", example = "booking.confirmed")]
    kind: &'static str,
    /// By which way.
    channel: Channel,
    /// The endpoint that is told; null for a mail.
    #[schema(value_type = Option<uuid::Uuid>)]
    webhook_id: Option<String>,
    /// The user who is told by mail; null for an endpoint, and for what becomes a mail for each who has seats.
    #[schema(value_type = Option<uuid::Uuid>)]
    user_id: Option<String>,
    /// The event that it is about.
    #[schema(value_type = Option<uuid::Uuid>)]
    event_id: Option<String>,
    /// The booking that it is about.
    #[schema(value_type = Option<uuid::Uuid>)]
    booking_id: Option<String>,
    /// `pending`: not tried yet, or under way; `delivered`; `failed`: it will be tried again; `dead`: given up; `dropped`: nobody needs
    /// it any more.
    status: DeliveryStatus,
    /// How often it was tried.
    #[schema(example = 1)]
    tries: u32,
    /// The last answer, shortened, without addresses of mail.
    #[schema(example = "200 ok")]
    answer: Option<String>,
    /// When it happened.
    #[serde(serialize_with = "show")]
    happened_at: Timestamp,
    /// When it was last tried.
    #[serde(serialize_with = "show_or_null")]
    tried_at: Option<Timestamp>,
    /// When it is tried next.
    #[serde(serialize_with = "show_or_null")]
    next_try_at: Option<Timestamp>,
}

/// By which way somebody is told.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Channel {
    /// By mail.
    Mail,
    /// By a request to an endpoint.
    Webhook,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let (endpoint, user) = (delivery.endpoint(), delivery.user());
        Self {
            id: format!("{}{BETWEEN}{}", delivery.message_id, delivery.recipient),
            kind: delivery.kind.as_str(),
            channel: if endpoint.is_some() { Channel::Webhook } else { Channel::Mail },
            webhook_id: endpoint.or(delivery.webhook_id).map(|id| id.to_string()),
            user_id: user.map(|id| id.to_string()),
            event_id: delivery.event_id.map(|id| id.to_string()),
            booking_id: delivery.booking_id.map(|id| id.to_string()),
            message_id: delivery.message_id,
            status: delivery.status,
            tries: delivery.tries,
            answer: delivery.answer,
            happened_at: delivery.happened_at,
            tried_at: delivery.tried_at,
            next_try_at: delivery.due_at,
        }
    }
}

/// A delivery's id in a path.
#[derive(Clone, Debug)]
pub(crate) struct DeliveryId {
    message: String,
    recipient: String,
}

impl FromStr for DeliveryId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let (message, recipient) = text.split_once(BETWEEN).ok_or(NotAnId)?;
        if message.is_empty() || recipient.is_empty() || text.chars().count() > 2 * MESSAGE_ID_CHARS_MAX {
            return Err(NotAnId);
        }
        Ok(Self { message: message.to_owned(), recipient: recipient.to_owned() })
    }
}

impl IdInPath for DeliveryId {
    const NOT_FOUND: Error = Error::DeliveryNotFound;
}

http_api::problems! { DeliveriesProblems:
    NoMail: "the service tells nobody anything: there is no table of deliveries",
}

http_api::problems! { ReplayProblems:
    DeliveryNotFound: "there is none, or it is forgotten, which it is after 30 days",
    NotReplayable: "it is about an account, whose link has ended; or its endpoint was removed",
}

/// What was told to whom, by mail and by webhooks, for 30 days.
///
/// The list follows the truth by a moment.
#[utoipa::path(
    get, path = "/admin/deliveries", tag = "Admin", security(("bearer" = [])),
    params(DeliveriesParams),
    responses(
        (status = 200, description = "A page of deliveries.", body = DeliveryList),
        ParameterProblems, AdminProblems, StoreProblems, DeliveriesProblems,
    ),
)]
pub(crate) async fn list_deliveries(
    State(app): State<Arc<App>>,
    _: Admin,
    QueryParams(params): QueryParams<DeliveriesParams>,
) -> Result<Json<DeliveryList>, Problem> {
    let DeliveriesParams { status, message_id, limit, cursor } = params;
    let name = format!("deliveries {status:?} {message_id:?}");
    let start = from_cursor_if(&app.tokens, &name, cursor.as_deref(), is_place_of_deliveries)?;
    let filter = DeliveriesFilter { status, message_id };
    let page = app.store.deliveries(&filter, page_items(limit), start.as_ref()).await?;
    let items = page.items.into_iter().map(DeliveryView::from).collect();
    Ok(Json(DeliveryList { items, next_cursor: to_cursor(&app.tokens, &name, page.next)? }))
}

/// Tells something once more, at once, whatever came of it.
///
/// It has the same ids, so that whoever has it knows. What is still to be told goes at once, too.
#[utoipa::path(
    post, path = "/admin/deliveries/{id}/replay", tag = "Admin", security(("bearer" = [])),
    params(("id" = String, Path, description = "The delivery's id.")),
    responses(
        (status = 202, description = "It is on its way."),
        AdminProblems, StoreProblems, DeliveriesProblems, ReplayProblems,
    ),
)]
pub(crate) async fn replay_delivery(
    State(app): State<Arc<App>>,
    _: Admin,
    PathId(id): PathId<DeliveryId>,
) -> Result<StatusCode, Problem> {
    match app.store.replay_delivery(&id.message, &id.recipient, Timestamp::now()).await? {
        Replayed::Due => Ok(StatusCode::ACCEPTED),
        Replayed::Nothing => Err(Error::DeliveryNotFound.into()),
        Replayed::OfAccount | Replayed::ToNobody => Err(Error::NotReplayable.into()),
    }
}
