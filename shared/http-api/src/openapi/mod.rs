//! What the OpenAPI document says of every route: the base document, and the errors that many routes share.

mod arrange;
mod complete;
mod examples;
mod headers;
mod problems;
mod sample;

pub use arrange::arrange;
pub use complete::complete;
pub use problems::{Answers, answers};

use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

use crate::{
    csv::{Format, Mark},
    problems,
};
use domain::field_error::FieldError;

/// The document that the routes are added to.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Evently",
        description = "Event booking under rush: browse, hold, confirm, cancel. Errors are RFC 9457 problems with \
                       a stable `code`. Money is in integer minor units, times are RFC 3339 in UTC. Any other path is \
                       404 `not_found`, any other method 405 `method_not_allowed` with `Allow`; every GET answers HEAD, \
                       too.",
        license(name = "MIT", identifier = "MIT"),
    ),
    tags(
        (name = "Events", description = "What there is to book."),
        (name = "Accounts", description = "Who one is: register, sign in, see and change the account, erase it."),
        (name = "Booking", description = "Hold seats, confirm them, and change one's mind. A lost answer is no loss: \
                                          send the same request again."),
        (name = "Admin", description = "Events as their organisers see them."),
        (name = "Service", description = "How the service is, and this document."),
    ),
    components(schemas(ProblemBody, FieldError, Format, Mark, AreaId)),
    modifiers(&BearerToken),
)]
pub struct Document;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.bearer_format = Some("JWT".to_owned());
        http.description =
            Some("The access_token of POST /login, in one line. Two are `invalid_parameter`.".to_owned());
        if let Some(components) = &mut openapi.components {
            components.add_security_scheme("bearer", SecurityScheme::Http(http));
        }
    }
}

/// An error: `application/problem+json` (RFC 9457). Some codes come with more members, named in their description.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes the answer for the document; problem.rs writes it")]
struct ProblemBody {
    /// `/problems/<code>`.
    #[schema(example = "/problems/sold_out")]
    r#type: String,
    /// What is wrong, in general.
    title: String,
    /// The HTTP status.
    status: u16,
    /// Stable, for programs.
    #[schema(example = "sold_out")]
    code: String,
    /// What is wrong in this case, for people.
    detail: Option<String>,
    /// Each bad field of the request.
    errors: Option<Vec<FieldError>>,
    /// `sold_out`, `all_held`: seats of the area that can be had now.
    available: Option<u32>,
    /// `sold_out`, `all_held`, `seats_taken`, `seats_in_use`, `not_together`, `unknown_area`, `capacity_below_sold`, `area_has_bookings`: the area's id.
    area: Option<String>,
    /// `area_has_bookings`: how many of its seats are sold or held.
    places: Option<u32>,
    /// `seats_taken`, `seats_in_use`, `unknown_seats`: what the seats are called that can't be had.
    #[schema(example = json!(["A-7"]))]
    seats: Option<Vec<String>>,
    /// `not_together`: how many free seats stand side by side at most.
    largest: Option<u32>,
    /// `max_per_user_reached`: the most seats of the event that one user may have, held and bought together.
    max_per_user: Option<u32>,
    /// `max_per_user_reached`: how many more the user may have.
    left: Option<u32>,
    /// `unknown_rate`: the id that no rate of the event has.
    rate: Option<String>,
    /// `payment_required`: the pending booking.
    #[schema(value_type = Option<uuid::Uuid>)]
    booking_id: Option<String>,
    /// `all_held`: when the next hold or pending booking runs out; `held_too_long`: when the user may hold seats again;
    /// `network_limit`: when the network may.
    retry_at: Option<jiff::Timestamp>,
    /// `not_on_sale`: when sales open.
    sales_open_at: Option<jiff::Timestamp>,
    /// `not_on_sale`: when sales closed.
    sales_close_at: Option<jiff::Timestamp>,
    /// `cancel_closed`: until when bookings could be cancelled.
    cancel_until: Option<jiff::Timestamp>,
    /// `stale_version`: the version to base the change on.
    current_version: Option<u64>,
    /// `capacity_below_sold`: the lowest capacity possible now.
    lowest_capacity: Option<u32>,
    /// `still_open`: ids of confirmed and pending bookings of events that are not over; 100 at most.
    #[schema(value_type = Option<Vec<uuid::Uuid>>)]
    bookings: Option<Vec<String>>,
    /// `still_open`: ids of reservations that are held; 100 at most.
    #[schema(value_type = Option<Vec<uuid::Uuid>>)]
    reservations: Option<Vec<String>>,
}

/// By which an area is asked for; `general` is that of an event which names none.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[a-z0-9-]{1,32}$", example = "floor")]
#[expect(dead_code, reason = "describes a parameter for the document; the routes read a text")]
pub struct AreaId(String);

problems! {
    /// Errors of every route that asks a store.
    pub StoreProblems:
    TryAgain: "a store did not answer in time. Sending the same request again is safe; wait for `Retry-After`",
}

problems! {
    /// Errors of every route for signed-in users.
    pub CallerProblems:
    Unauthorized: "no token, or one that is not valid",
}

problems! {
    /// Errors of every route for admins.
    pub AdminProblems:
    Unauthorized: "no token, or one that is not valid",
    Forbidden: "only an admin may do this",
}

problems! {
    /// Errors of every route that takes a JSON body.
    pub BodyProblems:
    MalformedJson,
    MalformedBody: "it broke off",
    BodyTooSlow: "from a server of its own",
    BodyTooLarge: "more than 16 KiB",
    UnsupportedMediaType: "not JSON, or compressed",
    ValidationFailed: "each bad or unknown field is listed in `errors`",
}

problems! {
    /// Errors of every route with parameters that can be wrong.
    pub ParameterProblems:
    InvalidParameter: "see `errors`",
    InvalidCursor,
}

problems! {
    /// Errors of every route with an `Idempotency-Key`.
    pub KeyProblems:
    InvalidParameter: "the `Idempotency-Key` is no such key",
    IdempotencyKeyReused: "the key was used for another request",
}

problems! {
    /// Errors of every route with an event's id in its path.
    pub EventProblems:
    EventNotFound,
}

problems! {
    /// Errors of every route with an `If-Match`.
    pub VersionProblems:
    InvalidParameter: "`If-Match` is no strong ETag, or stands there twice",
    StaleVersion: "see `current_version`",
    IfMatchRequired,
}

/// The `Idempotency-Key` of a route that needs one.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header for the document; headers.rs reads it")]
pub struct KeyHeader {
    /// New for each request, the same for each retry; 1 to 255 visible ASCII characters but commas, remembered for 24 h.
    #[param(
        rename = "Idempotency-Key",
        pattern = "^[!-+\\--~]{1,255}$",
        example = "0c9e6d3f-4b7e-4a0f-9d0e-3c1f5c2b8a71"
    )]
    key: String,
}

/// The `Idempotency-Key` of a route that does the same again by nature.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header for the document; headers.rs reads it")]
pub struct OptionalKeyHeader {
    /// Not needed: the same request again does nothing more. The same key in another request is refused.
    #[param(
        rename = "Idempotency-Key",
        pattern = "^[!-+\\--~]{1,255}$",
        example = "0c9e6d3f-4b7e-4a0f-9d0e-3c1f5c2b8a71"
    )]
    key: Option<String>,
}

/// The `Idempotency-Key` of a route that does the same once more without.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header for the document; headers.rs reads it")]
pub struct AdvisedKeyHeader {
    /// Without, the same request again does the same once more. New for each request, the same for each retry; 1 to 255
    /// visible ASCII characters but commas, remembered for 24 h.
    #[param(
        rename = "Idempotency-Key",
        pattern = "^[!-+\\--~]{1,255}$",
        example = "0c9e6d3f-4b7e-4a0f-9d0e-3c1f5c2b8a71"
    )]
    key: Option<String>,
}

/// The `If-None-Match` of a route whose answers have an ETag.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header for the document; headers.rs reads it")]
pub struct IfNoneMatchHeader {
    /// ETag of an answer known already: 304 without a body if it is still the same.
    #[param(rename = "If-None-Match", example = "\"1.9ae16a3b2f90404f\"")]
    tag: Option<String>,
}

/// The `If-Match` of a route that changes a version.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header for the document; if_match.rs reads it")]
pub struct IfMatchHeader {
    /// ETag of the event that the change is based on, as any answer had it; its version alone counts, so `"1"` will do.
    /// Several match if one of them does, `*` always.
    #[param(rename = "If-Match", pattern = r#"^(\*|"[!#-~]*"(, ?"[!#-~]*")*)$"#, example = "\"1\"")]
    tag: String,
}
