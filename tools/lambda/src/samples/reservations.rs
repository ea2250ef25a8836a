//! `reservations`: holds and their confirmation.

use kit::Failure;
use serde_json::{Value, json};

use super::{Case, get, post, request};
use crate::{
    payload::Request,
    world::{
        ALAN, ALL_HELD, BOOKED, CONCERT, DRAFT, EXPIRED, GRACE, HEDY, HELD, HELD_BY_ALAN, HELD_BY_HEDY,
        KEY_USED, SOLD_OUT, TO_CONFIRM, TO_RELEASE,
    },
};

pub(super) fn cases() -> Result<Vec<Case>, Failure> {
    let book = |event: &str, body: Value| -> Result<Request, Failure> {
        Ok(post(&format!("/events/{event}/book"))?.by(HEDY)?.json(&body))
    };
    let with_key = |event: &str, quantity: u32, key: &str| -> Result<Request, Failure> {
        Ok(book(event, json!({ "quantity": quantity }))?.with("idempotency-key", key))
    };
    let confirm = |id: &str| post(&format!("/reservations/{id}/confirm"))?.by(GRACE);
    let of = |method: &str, id: &str| request(method, &format!("/reservations/{id}"))?.by(GRACE);
    Ok(vec![
        with_key(CONCERT, 2, "hedy-second")?.answers(
            "book",
            201,
            json!({ "reservation": { "event_id": CONCERT, "quantity": 2, "unit_price": 4_500, "total": 9_000,
                "currency": "EUR", "status": "held" } }),
        ),
        with_key(CONCERT, 1, KEY_USED)?
            .answers("book-again", 201, json!({ "reservation": { "id": HELD_BY_HEDY, "quantity": 1 } }))
            .with("idempotent-replayed", "true"),
        with_key(CONCERT, 5, KEY_USED)?.refused("book-key-reused", 422, "idempotency_key_reused"),
        with_key(SOLD_OUT, 1, "hedy-sold-out")?.refused("book-sold-out", 409, "sold_out"),
        with_key(ALL_HELD, 1, "hedy-all-held")?.refused("book-all-held", 409, "all_held"),
        with_key(DRAFT, 1, "hedy-draft")?.refused("book-draft", 404, "event_not_found"),
        book(CONCERT, json!({ "area": "gallery", "quantity": 1 }))?
            .with("idempotency-key", "hedy-gallery")
            .refused("book-unknown-area", 422, "unknown_area"),
        with_key(CONCERT, 0, "hedy-none")?.refused("book-no-seats", 422, "validation_failed"),
        book(CONCERT, json!({ "quantity": 1 }))?.refused("book-without-key", 400, "idempotency_key_required"),
        post(&format!("/events/{CONCERT}/book"))?.refused("book-without-token", 401, "unauthorized"),
        get("/reservations?limit=5")?.by(ALAN)?.answers(
            "list",
            200,
            json!({ "items": [{ "id": HELD_BY_ALAN, "status": "held" }], "next_cursor": null }),
        ),
        get("/reservations")?.refused("list-without-token", 401, "unauthorized"),
        of("GET", HELD)?.answers("get", 200, json!({ "reservation": { "status": "held", "quantity": 2 } })),
        of("HEAD", HELD)?.answers("get-head", 200, json!("")),
        of("PUT", HELD)?
            .refused("get-wrong-method", 405, "method_not_allowed")
            .with("allow", "DELETE, GET, HEAD"),
        of("GET", HELD_BY_ALAN)?.refused("get-somebody-elses", 404, "reservation_not_found"),
        get(&format!("/reservations/{HELD}"))?.with("authorization", "Bearer made.up.token").refused(
            "get-bad-token",
            401,
            "unauthorized",
        ),
        of("DELETE", TO_RELEASE)?.answers("release", 204, json!("")),
        of("DELETE", EXPIRED)?.refused("release-unknown", 404, "reservation_not_found"),
        of("DELETE", BOOKED)?.refused("release-confirmed", 409, "already_confirmed"),
        confirm(TO_CONFIRM)?
            .answers(
                "confirm",
                201,
                json!({ "booking": { "id": TO_CONFIRM, "status": "confirmed", "total": 4_500 } }),
            )
            .with("location", &format!("/bookings/{TO_CONFIRM}")),
        confirm(BOOKED)?
            .answers("confirm-again", 200, json!({ "booking": { "id": BOOKED, "status": "confirmed" } }))
            .with("idempotent-replayed", "true"),
        confirm(EXPIRED)?.refused("confirm-expired", 410, "reservation_expired"),
        confirm(HELD_BY_ALAN)?.refused("confirm-somebody-elses", 404, "reservation_not_found"),
    ])
}
