//! `events`: the catalogue, what the API says of itself, and whatever no other function takes.

use kit::Failure;
use serde_json::json;

use super::{Case, get, request};
use crate::world::{DRAFT, EVENTS_START, GALA, NO_EVENT, QUIET, SOLD_OUT, THEATRE, tag_of_quiet};

pub(super) fn cases() -> Result<Vec<Case>, Failure> {
    let quiet = json!({ "id": QUIET, "name": "Silent Film", "starts_at": EVENTS_START, "capacity": 80,
        "available": 80, "price": 4_500, "currency": "EUR", "status": "published" });
    Ok(vec![
        get("/events?q=silent%20film&limit=5")?.answers(
            "list",
            200,
            json!({ "items": [quiet], "next_cursor": null }),
        ),
        get("/events?from=2035-01-01T00:00:00%2B02:00&q=gala")?.answers(
            "list-from",
            200,
            json!({ "items": [{ "id": GALA }] }),
        ),
        get("/events?limit=0")?.refused("list-bad-limit", 400, "invalid_parameter"),
        get("/events?cursor=made-up")?.refused("list-bad-cursor", 400, "invalid_cursor"),
        get("/events/popular")?.answers_status("popular", 200).with("content-type", "application/json"),
        get(&format!("/events/{QUIET}"))?.answers("get", 200, quiet).with("etag", &tag_of_quiet()?),
        get(&format!("/events/{SOLD_OUT}"))?.answers("get-sold-out", 200, json!({ "available": 0 })),
        get(&format!("/events/{QUIET}"))?.with("if-none-match", &tag_of_quiet()?).answers(
            "get-not-modified",
            304,
            json!(""),
        ),
        get(&format!("/events/{NO_EVENT}"))?.refused("get-unknown", 404, "event_not_found"),
        get(&format!("/events/{DRAFT}"))?.refused("get-draft", 404, "event_not_found"),
        get(&format!("/events/{THEATRE}/seats?area=stalls"))?.answers(
            "seats",
            200,
            json!({ "area": "stalls" }),
        ),
        get(&format!("/events/{QUIET}/seats"))?.refused("seats-of-no-rows", 404, "area_not_found"),
        get(&format!("/events/{THEATRE}/layout"))?.answers(
            "layout",
            200,
            json!({ "areas": [{ "id": "stalls" }] }),
        ),
        get(&format!("/events/{NO_EVENT}/layout"))?.refused("layout-unknown", 404, "event_not_found"),
        get("/health")?.answers("health", 200, json!({ "status": "ok", "dynamodb": "up", "redis": "up" })),
        get("/openapi.json")?.answers("openapi", 200, json!({ "openapi": "3.1.0" })),
        get("/openapi.json")?
            .with("accept-encoding", "gzip, br")
            .answers_status("openapi-compressed", 200)
            .with("content-encoding", "gzip"),
        get("/docs")?.answers_status("docs", 200).with("content-type", "text/html; charset=utf-8"),
        get("/problems/sold_out")?.answers_status("problem", 308).with("location", "/docs#problem-sold_out"),
        // What no route takes, as API Gateway's $default route hands it on.
        get("/nowhere")?.refused("nothing-there", 404, "not_found"),
        request("HEAD", "/events")?.answers("list-head", 200, json!("")),
        request("DELETE", "/events")?.refused("list-wrong-method", 405, "method_not_allowed"),
        request("POST", "/events/popular")?.refused("popular-wrong-method", 405, "method_not_allowed"),
        request("DELETE", "/health")?.refused("health-wrong-method", 405, "method_not_allowed"),
        request("PUT", "/openapi.json")?.refused("openapi-wrong-method", 405, "method_not_allowed"),
        request("POST", "/docs")?.refused("docs-wrong-method", 405, "method_not_allowed"),
        get("/problems/unheard_of")?.refused("problem-unknown", 404, "not_found"),
        request("POST", "/problems/sold_out")?.refused("problem-wrong-method", 405, "method_not_allowed"),
    ])
}
