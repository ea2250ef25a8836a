//! `bookings`: a user's history, cancelling and closing.

use kit::Failure;
use serde_json::json;

use super::{Case, get, post, request};
use crate::world::{
    ALAN, BOOKED, BOOKED_BY_ALAN, CANCELLED, EXPIRED, GRACE, PAST_BOOKING, SOLD_OUT, TO_CANCEL, TO_CLOSE,
};

const CSV_COLUMNS: &str = "id,event_id,event_name,starts_at,quantity,unit_price,unit_price_decimal,total,total_decimal,\
    currency,status,created_at,cancelled_at,version,event_name_now,event_starts_at_now,event_venue_now,\
    event_cancel_until_now,event_status_now,rates,area,area_name,seats";

pub(super) fn cases() -> Result<Vec<Case>, Failure> {
    let look = |id: &str| get(&format!("/bookings/{id}"))?.by(GRACE);
    let cancel = |id: &str| post(&format!("/bookings/{id}/cancel"))?.by(GRACE);
    let close = |id: &str| request("DELETE", &format!("/bookings/{id}"))?.by(GRACE);
    Ok(vec![
        get("/bookings?status=confirmed")?.by(ALAN)?.answers(
            "list",
            200,
            json!({ "items": [{ "id": BOOKED_BY_ALAN, "event_id": SOLD_OUT, "quantity": 2, "total": 9_000 }] }),
        ),
        // None of them: the columns, behind the mark that a spreadsheet wants.
        get("/bookings?status=cancelled&format=csv&bom=1")?
            .by(ALAN)?
            .answers("list-as-csv", 200, json!(format!("\u{feff}{CSV_COLUMNS}\r\n")))
            .with("content-disposition", "attachment; filename=\"bookings-cancelled.csv\""),
        get("/bookings?bom=1")?.by(ALAN)?.refused("list-json-with-mark", 400, "invalid_parameter"),
        request("HEAD", "/bookings")?.by(ALAN)?.answers("list-head", 200, json!("")),
        request("POST", "/bookings")?.by(ALAN)?.refused("list-wrong-method", 405, "method_not_allowed"),
        get("/bookings?status=lost")?.by(ALAN)?.refused("list-bad-status", 400, "invalid_parameter"),
        get("/bookings")?.refused("list-without-token", 401, "unauthorized"),
        // As API Gateway joins two lines.
        get("/bookings")?
            .with("authorization", &format!("{},{}", ALAN.bearer()?, GRACE.bearer()?))
            .refused("list-with-two-tokens", 400, "invalid_parameter"),
        look(BOOKED)?.answers(
            "get",
            200,
            json!({ "booking": { "id": BOOKED, "status": "confirmed", "event": { "status": "published" } } }),
        ),
        look(BOOKED_BY_ALAN)?.refused("get-somebody-elses", 404, "booking_not_found"),
        cancel(TO_CANCEL)?.answers("cancel", 200, json!({ "booking": { "status": "cancelled", "version": 2 } })),
        cancel(CANCELLED)?
            .answers("cancel-again", 200, json!({ "booking": { "status": "cancelled", "version": 2 } }))
            .with("idempotent-replayed", "true"),
        cancel(PAST_BOOKING)?.refused("cancel-event-started", 409, "event_started"),
        cancel(EXPIRED)?.refused("cancel-unknown", 404, "booking_not_found"),
        close(TO_CLOSE)?.answers("close", 202, json!({ "booking": { "status": "expired", "version": 2 } })),
        close(BOOKED)?.refused("close-confirmed", 409, "already_confirmed"),
        close(EXPIRED)?.refused("close-unknown", 404, "booking_not_found"),
    ])
}
