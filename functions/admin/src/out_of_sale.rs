//! POST /admin/events/{id}/areas/{area}/seats/withdraw and /restore

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use booking::{OutOfSale, SEATS_AT_ONCE_MAX};
use domain::{field_error::Wrong, row::SEAT_NAME_CHARS_MAX, text::in_one_piece};
use http_api::{
    Admin, App, JsonBody, PathArea, Problem,
    fields::{Fields, Read, Value, texts},
    openapi::{AdminProblems, BodyProblems, EventProblems, StoreProblems},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// Seats of an area.
#[derive(Debug, ToSchema)]
pub(crate) struct SeatsInput {
    /// The seats, by what they are called: a row's name, a hyphen, and the seat's label.
    #[schema(example = json!(["A-7", "A-8"]), min_items = 1, max_items = 50)]
    seats: Vec<String>,
}

impl Read for SeatsInput {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required("seats", names).map(|seats| Self { seats })
    }
}

fn names(value: Value) -> Result<Vec<String>, Wrong> {
    let seats: Vec<String> = texts(value)?.iter().map(|seat| in_one_piece(seat)).collect();
    if seats.is_empty() || seats.len() > SEATS_AT_ONCE_MAX {
        return Err(Wrong::Count { min: 1, max: SEATS_AT_ONCE_MAX });
    }
    match seats.iter().any(|seat| seat.chars().count() > SEAT_NAME_CHARS_MAX) {
        true => Err(Wrong::Length { min: 1, max: Some(SEAT_NAME_CHARS_MAX) }),
        false => Ok(seats),
    }
}

/// Which seats of an area are out of sale.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OutOfSale)]
pub(crate) struct OutOfSaleView {
    /// The area's id.
    #[schema(example = "balcony")]
    area: String,
    /// All its seats that are out of sale now, best first.
    #[schema(example = json!(["A-7", "A-8"]))]
    out_of_sale: Vec<String>,
    /// The event's version.
    #[schema(example = 2)]
    version: u64,
}

impl OutOfSaleView {
    fn of(area: String, OutOfSale { event, seats }: OutOfSale) -> Json<Self> {
        Json(Self { area, out_of_sale: seats, version: event.version })
    }
}

http_api::problems! { SeatsProblems:
    AreaNotFound: "the event has no area of that id whose seats have names",
    UnknownSeats: "see `seats`",
}

http_api::problems! { WithdrawProblems:
    SeatsInUse: "see `seats`",
}

/// Takes seats out of sale while nobody has them: all of them or none. They are not counted in the capacity then. Those that are out of
/// sale already stay so; one seat at least stays on sale.
#[utoipa::path(
    post, path = "/admin/events/{id}/areas/{area}/seats/withdraw", operation_id = "withdraw_seats", tag = "Admin",
    security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The event's id."),
        ("area" = String, Path, description = "The area's id.", example = "balcony"),
    ),
    request_body = SeatsInput,
    responses(
        (status = 200, description = "What is out of sale now.", body = OutOfSaleView),
        EventProblems, BodyProblems, AdminProblems, StoreProblems, SeatsProblems, WithdrawProblems,
    ),
)]
pub(crate) async fn withdraw_seats(
    State(app): State<Arc<App>>,
    admin: Admin,
    PathArea { event, area }: PathArea,
    JsonBody(input): JsonBody<SeatsInput>,
) -> Result<impl IntoResponse, Problem> {
    let (by, now) = (admin.into(), Timestamp::now());
    let done = booking::withdraw_seats(&app.protocol, event, &area, &input.seats, Some(&by), now).await?;
    Ok(OutOfSaleView::of(area, done))
}

/// Brings seats back on sale. Those that are on sale already stay so.
#[utoipa::path(
    post, path = "/admin/events/{id}/areas/{area}/seats/restore", operation_id = "restore_seats", tag = "Admin",
    security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The event's id."),
        ("area" = String, Path, description = "The area's id.", example = "balcony"),
    ),
    request_body = SeatsInput,
    responses(
        (status = 200, description = "What is out of sale now.", body = OutOfSaleView),
        EventProblems, BodyProblems, AdminProblems, StoreProblems, SeatsProblems,
    ),
)]
pub(crate) async fn restore_seats(
    State(app): State<Arc<App>>,
    admin: Admin,
    PathArea { event, area }: PathArea,
    JsonBody(input): JsonBody<SeatsInput>,
) -> Result<impl IntoResponse, Problem> {
    let (by, now) = (admin.into(), Timestamp::now());
    let done = booking::restore_seats(&app.protocol, event, &area, &input.seats, Some(&by), now).await?;
    Ok(OutOfSaleView::of(area, done))
}
