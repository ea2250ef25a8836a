//! `janitor`, `pricing` and `notifications`, as their schedules invoke them and as somebody does by hand; `notifications` and
//! `followup` with records of a stream.

use kit::Failure;
use serde_json::{Value, json};

use super::{SENT_AT, Sample};
use crate::{
    payload::scheduled,
    world::{self, instant},
};

pub(super) fn samples() -> Result<Vec<Sample>, Failure> {
    let done = json!({ "complete": true, "events_failed": 0 });
    let sample = |function: &str, name: &str, payload: Value| Sample {
        name: format!("{function}/{name}"),
        function: function.to_owned(),
        payload,
        answer: done.clone(),
    };
    let at = instant(SENT_AT)?;
    Ok(vec![
        sample(
            "janitor",
            "every-minute",
            scheduled("evently-janitor", "37666ae6-48cf-4285-b4c6-a3320b38824a", at),
        ),
        // A job takes nothing from its event, so it does its work whatever it is handed.
        sample("janitor", "by-hand", json!({})),
        sample(
            "pricing",
            "every-24-hours",
            scheduled("evently-pricing", "9d1c5b1e-7a70-4e2f-8f2c-5b1f3a0c7d42", at),
        ),
        sample("pricing", "by-hand", json!("now, please")),
        // A booking that is decided by now, or gone.
        Sample {
            answer: json!({ "batchItemFailures": [] }),
            ..sample("followup", "an-answered-booking", records(&answered_booking()))
        },
        Sample {
            answer: json!({ "failed": 0, "dead": 0 }),
            ..sample(
                "notifications",
                "every-minute",
                scheduled("evently-notifications", "5b2f7a0e-1c55-4f0e-8a35-9d0b1f2c7e11", at),
            )
        },
        // A booking of long ago: nobody is told any more, and nobody was told wrong.
        Sample {
            answer: json!({ "batchItemFailures": [] }),
            ..sample("notifications", "a-booking", records(&booking(json!({ "N": "1" }))))
        },
        // It comes back, until Lambda gives it up; what is behind it goes on.
        Sample {
            answer: json!({ "batchItemFailures": [{ "itemIdentifier": "111" }] }),
            ..sample("notifications", "an-unreadable-record", records(&booking(json!({ "S": "many" }))))
        },
    ])
}

/// A booking as a stream has it, with so many seats.
fn booking(quantity: Value) -> Value {
    json!({
        "id": { "S": world::BOOKED },
        "user_id": { "S": world::GRACE.id },
        "event_id": { "S": world::CONCERT },
        "event_bucket": { "S": format!("{}#6", world::CONCERT) },
        "event_name": { "S": "Open Air Concert" },
        "starts_at": { "N": "1939140000000" },
        "quantity": quantity,
        "unit_price": { "N": "4500" },
        "currency": { "S": "EUR" },
        "draws": { "L": [{ "L": [{ "N": "0" }, { "N": "1" }] }] },
        "status": { "S": "confirmed" },
        "created_at": { "N": "1767270000000" },
        "version": { "N": "1" },
    })
}

/// One that is closing, and of which the outside has said that nothing was paid.
fn answered_booking() -> Value {
    let mut closing = booking(json!({ "N": "1" }));
    closing["id"] = json!({ "S": world::HELD });
    closing["status"] = json!({ "S": "closing" });
    closing["outside"] = json!({ "S": "none" });
    closing
}

/// An invocation with a record of the bookings' stream.
fn records(image: &Value) -> Value {
    json!({ "Records": [{
        "eventID": "c81e728d9d4c2f636f067f89cc14862c",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/evently-bookings/stream/2026-01-01T00:00:00.000",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_767_270_000,
            "Keys": { "user_id": image["user_id"], "id": image["id"] },
            "NewImage": image,
            "SequenceNumber": "111",
            "SizeBytes": 320,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }] })
}
