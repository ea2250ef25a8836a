//! `admin`: events, and how they sell.

use kit::Failure;
use serde_json::{Value, json};

use super::{Case, get, post, request};
use crate::{
    payload::Request,
    world::{
        ADMIN, ALAN, BOOKED_BY_ALAN, CONCERT, DELIVERY, DRAFT, EVENT_TO_CANCEL, EVENTS_START, GRACE,
        NO_EVENT, QUIET, SOLD_OUT, THEATRE, TO_DELETE, TO_PATCH, TO_REPLACE, TO_REPLAY, WEBHOOK,
        WEBHOOK_TO_DELETE, WEBHOOK_TO_REPLACE,
    },
};

const CSV: &str = "text/csv; charset=utf-8; header=present";

pub(super) fn cases() -> Result<Vec<Case>, Failure> {
    let mut cases = events()?;
    cases.extend(changes()?);
    cases.extend(of_one_event()?);
    cases.extend(numbers()?);
    cases.extend(webhooks()?);
    Ok(cases)
}

fn look(path: &str) -> Result<Request, Failure> {
    get(path)?.by(ADMIN)
}

fn event(name: &str) -> Value {
    json!({ "name": name, "venue": "Town Hall", "starts_at": EVENTS_START, "capacity": 300, "base_price": 3_500,
        "currency": "EUR" })
}

fn of_areas() -> Value {
    json!({ "name": "Organ Recital", "starts_at": EVENTS_START, "currency": "EUR", "areas": [
        { "id": "nave", "name": "Nave", "capacity": 200, "base_price": 2_500 },
        { "id": "gallery", "name": "Gallery", "capacity": 40, "base_price": 1_500 },
    ] })
}

fn areas_beside_capacity() -> Value {
    let mut event = of_areas();
    event["capacity"] = json!(240);
    event
}

fn events() -> Result<Vec<Case>, Failure> {
    Ok(vec![
        post("/admin/events")?
            .by(ADMIN)?
            .json(&event("Night Show"))
            .answers("create-event", 201, json!({ "name": "Night Show", "available": 300, "version": 1 })),
        post("/admin/events")?
            .by(ADMIN)?
            .json(&json!({ "name": " ", "starts_at": EVENTS_START, "capacity": 0, "base_price": 1, "currency": "EUR" }))
            .refused("create-event-bad-fields", 422, "validation_failed"),
        post("/admin/events")?.by(ADMIN)?.json(&of_areas()).answers(
            "create-event-of-areas",
            201,
            json!({ "capacity": 240, "base_price": 1_500, "areas": [
                { "id": "nave", "available": 200, "price": 2_500 }, { "id": "gallery", "available": 40 },
            ] }),
        ),
        post("/admin/events")?
            .by(ADMIN)?
            .json(&areas_beside_capacity())
            .refused("create-event-areas-and-capacity", 422, "validation_failed"),
        post("/admin/events")?.by(GRACE)?.json(&event("Night Show")).refused("create-event-as-user", 403, "forbidden"),
        post("/admin/events")?
            .by(ADMIN)?
            .with("idempotency-key", "matinee-1")
            .json(&event("Matinee"))
            .answers("create-event-with-key", 201, json!({ "name": "Matinee", "version": 1 })),
        look("/admin/events?limit=2")?.answers("list-events", 200, json!({ "items": [{}, {}] })),
        request("HEAD", "/admin/events?limit=2")?.by(ADMIN)?.answers("list-events-head", 200, json!("")),
        request("DELETE", "/admin/events")?.by(ADMIN)?.refused("list-events-wrong-method", 405, "method_not_allowed"),
        look("/admin/events?status=draft&q=secret+park&starts_from=2026-01-01T00:00:00Z")?.answers(
            "list-events-filtered",
            200,
            json!({ "items": [{ "id": DRAFT, "status": "draft" }] }),
        ),
        look("/admin/events?status=draft&q=secret&format=csv")?
            .answers_status("list-events-as-csv", 200)
            .with("content-type", CSV),
        look("/admin/events?format=xlsx")?.refused("list-events-other-format", 400, "invalid_parameter"),
        look("/admin/events?cursor=made-up")?.refused("list-events-bad-cursor", 400, "invalid_cursor"),
    ])
}

fn changes() -> Result<Vec<Case>, Failure> {
    let replace = || request("PUT", &format!("/admin/events/{TO_REPLACE}"))?.by(ADMIN);
    let patch = |media_type: &str| -> Result<Request, Failure> {
        let request = request("PATCH", &format!("/admin/events/{TO_PATCH}"))?.by(ADMIN)?;
        Ok(request.with("if-match", "*").text(media_type, r#"{"venue":null,"pricing":{"max_percent":120}}"#))
    };
    let cancel = |event: &str| -> Result<Request, Failure> {
        let request = post(&format!("/admin/events/{event}/cancel"))?.by(ADMIN)?;
        Ok(request.json(&json!({ "reason": "A storm is coming." })))
    };
    let delete = |event: &str| -> Result<Request, Failure> {
        Ok(request("DELETE", &format!("/admin/events/{event}"))?.by(ADMIN)?.with("if-match", "\"1\""))
    };
    Ok(vec![
        replace()?.with("if-match", "\"1\"").json(&event("Poetry Slam, the Final")).answers(
            "replace-event",
            200,
            json!({ "id": TO_REPLACE, "capacity": 300, "version": 2 }),
        ),
        replace()?.with("if-match", "\"7\"").json(&event("Poetry Slam")).refused(
            "replace-event-stale",
            412,
            "stale_version",
        ),
        replace()?.json(&event("Poetry Slam")).refused(
            "replace-event-without-version",
            428,
            "if_match_required",
        ),
        patch("application/merge-patch+json")?.answers(
            "patch-event",
            200,
            json!({ "id": TO_PATCH, "name": "Story Slam", "venue": null,
                "pricing": { "min_percent": 80, "max_percent": 120 } }),
        ),
        patch("application/json")?
            .refused("patch-event-other-type", 415, "unsupported_media_type")
            .with("accept-patch", "application/merge-patch+json"),
        cancel(EVENT_TO_CANCEL)?.with("if-match", "*").answers(
            "cancel-event",
            200,
            json!({ "cancellation": { "reason": "A storm is coming.", "bookings_left": 0 } }),
        ),
        cancel(CONCERT)?.refused("cancel-event-without-version", 428, "if_match_required"),
        look(&format!("/admin/events/{SOLD_OUT}/cancel"))?.answers(
            "get-cancellation",
            200,
            json!({ "cancellation": null }),
        ),
        look(&format!("/admin/events/{NO_EVENT}/cancel"))?.refused(
            "get-cancellation-unknown",
            404,
            "event_not_found",
        ),
        delete(TO_DELETE)?.answers("delete-event", 204, json!("")),
        delete(CONCERT)?.refused("delete-event-published", 409, "event_not_draft"),
    ])
}

fn of_stalls(what: &str) -> String {
    format!("/admin/events/{THEATRE}/areas/stalls/{what}")
}

fn of_one_event() -> Result<Vec<Case>, Failure> {
    Ok(vec![
        look(&format!("/admin/events/{DRAFT}"))?.answers(
            "get-event",
            200,
            json!({ "id": DRAFT, "status": "draft", "available": 100 }),
        ),
        look(&format!("/admin/events/{NO_EVENT}"))?.refused("get-event-unknown", 404, "event_not_found"),
        look(&format!("/admin/events/{SOLD_OUT}/inventory"))?.answers_status("inventory", 200),
        look(&format!("/admin/events/{NO_EVENT}/inventory"))?.refused(
            "inventory-unknown",
            404,
            "event_not_found",
        ),
        post(&of_stalls("rows"))?.by(ADMIN)?.json(&json!({ "rows": [{ "name": "C", "seats": 6 }] })).answers(
            "add-rows",
            201,
            json!({ "id": THEATRE, "areas": [{ "id": "stalls", "kind": "numbered" }] }),
        ),
        post(&of_stalls("rows"))?.by(ADMIN)?.json(&json!({ "rows": [{ "name": "A", "seats": 6 }] })).refused(
            "add-rows-twice",
            422,
            "validation_failed",
        ),
        post(&of_stalls("seats/withdraw"))?.by(ADMIN)?.json(&json!({ "seats": ["A-8"] })).answers(
            "withdraw-seats",
            200,
            json!({ "area": "stalls", "out_of_sale": ["A-8"] }),
        ),
        post(&of_stalls("seats/withdraw"))?.by(ADMIN)?.json(&json!({ "seats": ["A-9"] })).refused(
            "withdraw-seats-unknown",
            422,
            "unknown_seats",
        ),
        post(&of_stalls("seats/restore"))?.by(ADMIN)?.json(&json!({ "seats": ["B-8"] })).answers(
            "restore-seats",
            200,
            json!({ "area": "stalls" }),
        ),
        post(&of_stalls("seats/restore"))?.by(GRACE)?.json(&json!({ "seats": ["B-8"] })).refused(
            "restore-seats-as-user",
            403,
            "forbidden",
        ),
        look(&format!("/admin/events/{QUIET}/prices"))?.answers(
            "prices",
            200,
            json!({ "items": [{ "price": 4_500 }], "next_cursor": null }),
        ),
        look(&format!("/admin/events/{NO_EVENT}/prices"))?.refused("prices-unknown", 404, "event_not_found"),
        look(&format!("/admin/events/{SOLD_OUT}/bookings"))?.answers(
            "event-bookings",
            200,
            json!({ "items": [{ "id": BOOKED_BY_ALAN, "user": { "id": ALAN.id, "email": ALAN.email } }] }),
        ),
        look(&format!("/admin/events/{SOLD_OUT}/bookings?format=csv&bom=1"))?
            .answers_status("event-bookings-as-csv", 200)
            .with("content-type", CSV)
            .with("content-disposition", "attachment; filename=\"bookings-chamber-concert-2035-06-12.csv\""),
        look(&format!("/admin/events/{NO_EVENT}/bookings"))?.refused(
            "event-bookings-unknown",
            404,
            "event_not_found",
        ),
    ])
}

fn numbers() -> Result<Vec<Case>, Failure> {
    Ok(vec![
        look("/admin/events/capacity_utilization?limit=100")?
            .with("accept", "text/csv")
            .answers_status("capacity-as-csv", 200)
            .with("content-type", CSV),
        look("/admin/events/capacity_utilization?limit=1000")?.refused(
            "capacity-bad-limit",
            400,
            "invalid_parameter",
        ),
        look("/admin/analytics?format=csv")?
            .answers_status("analytics-as-csv", 200)
            .with("content-type", CSV),
        look("/admin/analytics")?.answers_status("analytics", 200).with("content-type", "application/json"),
        get("/admin/analytics")?.refused("analytics-without-token", 401, "unauthorized"),
        look("/admin/analytics/timeline?bucket=day")?.answers("timeline", 200, json!({ "bucket": "day" })),
        look("/admin/analytics/timeline?bucket=day&format=json&bom=1")?.refused(
            "timeline-json-with-mark",
            400,
            "invalid_parameter",
        ),
        look("/admin/analytics/timeline?bucket=fortnight")?.refused(
            "timeline-bad-bucket",
            400,
            "invalid_parameter",
        ),
        post("/admin/pricing/preview?limit=5")?.by(ADMIN)?.answers(
            "pricing-preview",
            200,
            json!({ "next_cursor": null }),
        ),
        post("/admin/pricing/preview")?.by(GRACE)?.refused("pricing-preview-as-user", 403, "forbidden"),
        look("/admin/audit?limit=5")?.answers_status("audit", 200).with("content-type", "application/json"),
        look("/admin/audit?format=csv")?.answers_status("audit-as-csv", 200).with("content-type", CSV),
        look("/admin/audit?event=made-up")?.refused("audit-bad-event", 400, "invalid_parameter"),
        get("/admin/audit")?.by(GRACE)?.refused("audit-as-user", 403, "forbidden"),
    ])
}

fn webhooks() -> Result<Vec<Case>, Failure> {
    let hook = json!({ "url": "https://till.example/hook", "types": ["booking.confirmed"], "description": "The till" });
    let of = |id: &str, what: &str| format!("/admin/webhooks/{id}{what}");
    Ok(vec![
        post("/admin/webhooks")?.by(ADMIN)?.json(&hook).answers(
            "create-webhook",
            201,
            json!({ "url": "https://till.example/hook", "types": ["booking.confirmed"], "status": "enabled" }),
        ),
        post("/admin/webhooks")?.by(ADMIN)?.json(&json!({ "url": "http://169.254.169.254/latest" })).refused(
            "create-webhook-bad-url",
            422,
            "validation_failed",
        ),
        post("/admin/webhooks")?.by(GRACE)?.json(&hook).refused("create-webhook-as-user", 403, "forbidden"),
        look("/admin/webhooks")?.answers("list-webhooks", 200, json!({})),
        get("/admin/webhooks")?.by(GRACE)?.refused("list-webhooks-as-user", 403, "forbidden"),
        look(&of(WEBHOOK, ""))?.answers("webhook", 200, json!({ "id": WEBHOOK, "types": null })),
        look(&of(NO_EVENT, ""))?.refused("webhook-of-no-id", 404, "webhook_not_found"),
        request("PUT", &of(WEBHOOK_TO_REPLACE, ""))?
            .by(ADMIN)?
            .json(&json!({ "url": "https://till.example/other", "status": "disabled" }))
            .answers(
                "replace-webhook",
                200,
                json!({ "url": "https://till.example/other", "status": "disabled" }),
            ),
        request("PUT", &of(WEBHOOK, ""))?
            .by(ADMIN)?
            .json(&json!({ "url": "https://user:secret@example.com/" }))
            .refused("replace-webhook-bad-url", 422, "validation_failed"),
        request("DELETE", &of(WEBHOOK_TO_DELETE, ""))?.by(ADMIN)?.answers("delete-webhook", 204, json!("")),
        request("DELETE", &of(NO_EVENT, ""))?.by(ADMIN)?.refused(
            "delete-webhook-of-no-id",
            404,
            "webhook_not_found",
        ),
        post(&of(WEBHOOK, "/test"))?.by(ADMIN)?.answers("test-webhook", 202, json!({})),
        post(&of(NO_EVENT, "/test"))?.by(ADMIN)?.refused("test-webhook-of-no-id", 404, "webhook_not_found"),
        post(&of(WEBHOOK, "/rotate"))?.by(ADMIN)?.answers("rotate-webhook", 200, json!({})),
        post(&of(NO_EVENT, "/rotate"))?.by(ADMIN)?.refused(
            "rotate-webhook-of-no-id",
            404,
            "webhook_not_found",
        ),
        look("/admin/deliveries?limit=2")?.answers("list-deliveries", 200, json!({})),
        look("/admin/deliveries?status=dead")?.answers(
            "list-deliveries-dead",
            200,
            json!({ "items": [{ "id": DELIVERY, "status": "dead" }], "next_cursor": null }),
        ),
        look("/admin/deliveries?status=lost")?.refused(
            "list-deliveries-bad-status",
            400,
            "invalid_parameter",
        ),
        post(&format!("/admin/deliveries/{TO_REPLAY}/replay"))?.by(ADMIN)?.answers(
            "replay-delivery",
            202,
            json!(""),
        ),
        post("/admin/deliveries/made-up/replay")?.by(ADMIN)?.refused(
            "replay-delivery-of-no-id",
            404,
            "delivery_not_found",
        ),
    ])
}
