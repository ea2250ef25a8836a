//! PATCH /admin/events/{id}

use std::sync::Arc;

use administration::{AreaInput, EVENT_BODY_BYTES_MAX, EventInput, area, rate, status};
use axum::{extract::State, response::IntoResponse};
use domain::{
    error::Error,
    event::{CAPACITY_MAX, Event, EventStatus, MAX_PER_BOOKING_MAX, PRICE_MAX, PRICING_PERCENT, Pricing},
    field_error::{FieldError, Wrong},
    id::EventId,
    rate::Rate,
};
use http_api::{
    Admin, App, MergePatch, PathId, Problem,
    fields::{Fields, Read, instant, text, whole},
    headers::RequiredIfMatch,
    openapi::{AdminProblems, BodyProblems, EventProblems, IfMatchHeader, StoreProblems, VersionProblems},
    views::EventWithAreas,
};
use jiff::Timestamp;
use utoipa::ToSchema;

use crate::{get::available, tagged};

/// What is to change about an event. What is left out keeps its value, and null resets a field to its default; fields that
/// have none can't be null.
#[derive(Debug, ToSchema)]
pub(crate) struct EventPatch {
    /// What could not be read.
    #[schema(ignore)]
    unread: Vec<FieldError>,
    /// 1 to 200 characters, something to be seen among them, and none of them a control character.
    #[schema(value_type = String, required = false, example = "Open Air 2031", max_length = 200, pattern = r"\S")]
    name: Option<String>,
    /// At most 5,000 characters; of control characters only line breaks and tabs.
    #[schema(value_type = Option<String>, max_length = 5000)]
    description: Option<Option<String>>,
    /// At most 200 characters, and no control characters.
    #[schema(value_type = Option<String>, example = "Riverside Park", max_length = 200)]
    venue: Option<Option<String>>,
    /// In the future, unless the event had this start already.
    #[schema(value_type = Timestamp, required = false, example = "2031-06-12T18:00:00.000Z")]
    starts_at: Option<Timestamp>,
    /// IANA name of the venue's time zone; null for UTC.
    #[schema(value_type = Option<String>, example = "Europe/Berlin", min_length = 1)]
    time_zone: Option<Option<String>>,
    /// At most 31 days after `starts_at`.
    #[schema(value_type = Option<Timestamp>)]
    ends_at: Option<Option<Timestamp>>,
    /// Seats in all, of an event that names no areas.
    #[schema(value_type = u32, required = false, example = 500, minimum = 1, maximum = 1_000_000)]
    capacity: Option<u32>,
    /// Price of a seat, in minor units of `currency`, of an event that names no areas. A new base price is the new price, too.
    #[schema(value_type = u32, required = false, example = 4500, minimum = 0, maximum = 100_000_000)]
    base_price: Option<u32>,
    /// ISO 4217 code. Can't be changed, only repeated.
    #[schema(value_type = String, required = false, example = "EUR", pattern = "^[A-Z]{3}$")]
    currency: Option<String>,
    /// When sales open; null for at once.
    #[schema(value_type = Option<Timestamp>)]
    sales_open_at: Option<Option<Timestamp>>,
    /// When sales close; null for at the start.
    #[schema(value_type = Option<Timestamp>)]
    sales_close_at: Option<Option<Timestamp>>,
    /// Until when a booking can be cancelled, at most `starts_at`; null for until the start.
    #[schema(value_type = Option<Timestamp>)]
    cancel_until: Option<Option<Timestamp>>,
    /// Seats in one booking at most; null for 10.
    #[schema(example = 10, value_type = Option<u32>, minimum = 1, maximum = 50)]
    max_per_booking: Option<Option<u32>>,
    /// Seats that one user may have, held and bought together; null for 10, or `max_per_booking` if that is more.
    #[schema(example = 10, value_type = Option<u32>, minimum = 1, maximum = 1_000_000)]
    max_per_user: Option<Option<u32>>,
    /// Null leaves it as it is, too.
    status: Option<EventStatus>,
    /// Bounds of demand pricing, `{}` to have it with the usual ones if there was none. Null ends it.
    #[schema(value_type = Option<PricingPatch>)]
    pricing: Option<Option<PricingPatch>>,
    /// What places cost to whom: all of them, as a merge patch replaces lists. Null for the ordinary one alone.
    #[schema(value_type = Option<Vec<Rate>>)]
    rates: Option<Option<Vec<Rate>>>,
    /// What it sells from: all of them, as a merge patch replaces lists. Null only if it names none.
    #[schema(value_type = Option<Vec<AreaInput>>)]
    areas: Option<Option<Vec<AreaInput>>>,
}

/// What is to change about the bounds of demand pricing.
#[derive(Debug, ToSchema)]
pub(crate) struct PricingPatch {
    /// The lowest price, in percent of the base price; null for 80.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1_000)]
    min_percent: Option<Option<u32>>,
    /// The highest price, in percent of the base price, not below `min_percent`; null for 150.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1_000)]
    max_percent: Option<Option<u32>>,
}

impl Read for EventPatch {
    const BODY_BYTES_MAX: usize = EVENT_BODY_BYTES_MAX;

    fn read(fields: &mut Fields) -> Option<Self> {
        let names_areas = fields.has("areas");
        let patch = Self {
            unread: Vec::new(),
            name: fields.given("name", text),
            description: fields.nullable("description", text),
            venue: fields.nullable("venue", text),
            starts_at: fields.given("starts_at", instant),
            time_zone: fields.nullable("time_zone", text),
            ends_at: fields.nullable("ends_at", instant),
            capacity: fields.given("capacity", whole(1..=CAPACITY_MAX)),
            base_price: fields.given("base_price", whole(0..=PRICE_MAX)),
            currency: fields.given("currency", text),
            sales_open_at: fields.nullable("sales_open_at", instant),
            sales_close_at: fields.nullable("sales_close_at", instant),
            cancel_until: fields.nullable("cancel_until", instant),
            max_per_booking: fields.nullable("max_per_booking", whole(1..=MAX_PER_BOOKING_MAX)),
            max_per_user: fields.nullable("max_per_user", whole(1..=CAPACITY_MAX)),
            status: fields.optional("status", status),
            pricing: fields.object("pricing", |fields| PricingPatch {
                min_percent: fields.nullable("min_percent", whole(PRICING_PERCENT)),
                max_percent: fields.nullable("max_percent", whole(PRICING_PERCENT)),
            }),
            rates: fields.objects("rates", rate),
            areas: fields.objects("areas", area),
        };
        for (field, is_there) in [
            ("capacity", patch.capacity.is_some()),
            ("base_price", patch.base_price.is_some()),
            ("pricing", matches!(patch.pricing, Some(Some(_)))),
        ] {
            if names_areas && is_there {
                fields.complain(field, Wrong::Beside("areas"));
            }
        }
        Some(Self { unread: fields.complaints(), ..patch })
    }
}

impl EventPatch {
    /// The event with these changes, as an admin would write it whole.
    ///
    /// # Errors
    /// `AreasRequired` if the event names areas, and the patch changes what those have.
    fn applied_to(self, event: &Event) -> Result<EventInput, Error> {
        let before = EventInput::of(event);
        let is_of_all =
            self.capacity.is_some() || self.base_price.is_some() || matches!(self.pricing, Some(Some(_)));
        let keeps_areas = matches!(self.areas, None | Some(None));
        if before.areas.is_some() && keeps_areas && (is_of_all || self.areas.is_some()) {
            return Err(Error::AreasRequired);
        }
        let gets_areas = matches!(self.areas, Some(Some(_)));
        let unless_areas = |number: Option<u32>| number.filter(|_| !gets_areas);
        Ok(EventInput {
            name: self.name.unwrap_or(before.name),
            description: self.description.unwrap_or(before.description),
            venue: self.venue.unwrap_or(before.venue),
            starts_at: self.starts_at.unwrap_or(before.starts_at),
            time_zone: self.time_zone.unwrap_or(before.time_zone),
            ends_at: self.ends_at.unwrap_or(before.ends_at),
            capacity: unless_areas(self.capacity.or(before.capacity)),
            base_price: unless_areas(self.base_price.or(before.base_price)),
            currency: self.currency.unwrap_or(before.currency),
            sales_open_at: self.sales_open_at.unwrap_or(before.sales_open_at),
            sales_close_at: self.sales_close_at.unwrap_or(before.sales_close_at),
            cancel_until: self.cancel_until.unwrap_or(before.cancel_until),
            max_per_booking: self.max_per_booking.unwrap_or(before.max_per_booking),
            max_per_user: self.max_per_user.unwrap_or(before.max_per_user),
            status: self.status,
            unread: self.unread,
            pricing: match self.pricing {
                None => before.pricing.filter(|_| !gets_areas),
                Some(patch) => patch.map(|patch| patch.applied_to(before.pricing.unwrap_or_default())),
            },
            rates: self.rates.unwrap_or(before.rates),
            areas: self.areas.unwrap_or(before.areas),
        })
    }
}

impl PricingPatch {
    fn applied_to(&self, before: Pricing) -> Pricing {
        let usual = Pricing::default();
        let percent = |patched: Option<Option<u32>>, before, usual| match patched {
            None => before,
            Some(percent) => percent.unwrap_or(usual),
        };
        Pricing {
            min_percent: percent(self.min_percent, before.min_percent, usual.min_percent),
            max_percent: percent(self.max_percent, before.max_percent, usual.max_percent),
        }
    }
}

http_api::problems! { PatchProblems:
    BodyTooLarge: "more than 1 MiB",
    AreasRequired: "and `areas` are left out",
    CapacityBelowSold: "see `lowest_capacity`",
    AreaHasBookings: "it can't be taken away",
    EventHasBookings: "it can't become a draft",
    EventCancelled: "it can't take place after all",
    UnsupportedMediaType: "no JSON merge patch",
}

/// Changes some fields of an event and keeps the rest, by a JSON merge patch (RFC 7396). All else is as for PUT.
///
/// Other media types are refused, `application/json` among them: it does not say what a left-out field means.
#[utoipa::path(
    patch, path = "/admin/events/{id}", operation_id = "update_event", tag = "Admin", security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The event's id."),
        IfMatchHeader,
    ),
    request_body(content = EventPatch, content_type = "application/merge-patch+json",
     example = json!({ "capacity": 800, "sales_open_at": null, "pricing": { "max_percent": 120 } })),
    responses(
        (status = 200, description = "The event as it is now.", body = EventWithAreas, headers(("ETag" = String))),
        (status = 415, headers(("Accept-Patch" = String))),
        EventProblems, VersionProblems, BodyProblems, AdminProblems, StoreProblems, PatchProblems,
    ),
)]
pub(crate) async fn patch_event(
    State(app): State<Arc<App>>,
    admin: Admin,
    PathId(id): PathId<EventId>,
    RequiredIfMatch(if_match): RequiredIfMatch,
    MergePatch(patch): MergePatch<EventPatch>,
) -> Result<impl IntoResponse, Problem> {
    let now = Timestamp::now();
    let event = booking::replace_event(
        &app.protocol,
        id,
        |event| if_match.allows(event.version),
        |event| patch.applied_to(event)?.details(Some(event), now),
        Some(&admin.into()),
        now,
    )
    .await?;
    let available = available(&app, &event, now).await?;
    tagged(event, &available)
}
