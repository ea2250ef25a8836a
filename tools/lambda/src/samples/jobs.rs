//! `janitor` and `pricing`, as their schedules invoke them and as somebody does by hand.

use kit::Failure;
use serde_json::{Value, json};

use super::{SENT_AT, Sample};
use crate::{payload::scheduled, world::instant};

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
    ])
}
