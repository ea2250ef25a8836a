//! What comes after an event was cancelled: each of its bookings is, too.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Event, EventStatus};
use crate::time::to_whole_ms;

/// Characters of a reason at most.
pub const REASON_CHARS_MAX: usize = 500;

/// That an event was cancelled for good, and how far that has come. An event that a release of before cancelled has none, and
/// keeps its bookings until an admin asks for more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    /// Why, as people who had places are told; empty if no reason was given.
    pub reason: String,
    /// When.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
    /// When the last of its bookings was cancelled; none while some may be left. Its coming makes no new version of the event.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    pub finished_at: Option<Timestamp>,
}

impl Cancellation {
    /// One that begins.
    pub fn new(reason: String, now: Timestamp) -> Self {
        Self { reason, at: to_whole_ms(now), finished_at: None }
    }
}

impl Event {
    /// Whether some of its bookings may be left though it was cancelled.
    pub fn is_being_cancelled(&self) -> bool {
        self.cancellation.as_ref().is_some_and(|cancellation| cancellation.finished_at.is_none())
    }

    /// The event, which was replaced: if that cancelled it, its bookings go, too.
    #[must_use]
    pub fn cancelling_since(self, before: &Self, now: Timestamp) -> Self {
        let is_new =
            before.details.status != EventStatus::Cancelled && self.details.status == EventStatus::Cancelled;
        let begun = is_new.then(|| Cancellation::new(String::new(), now));
        Self { cancellation: self.cancellation.or(begun), ..self }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::time::from_ms;

    #[test]
    fn it_is_kept_as_other_releases_read_it() {
        let mut cancellation = Cancellation::new("A storm is coming.".into(), from_ms(1_900_000_000_000));
        let kept = json!({ "reason": "A storm is coming.", "at": 1_900_000_000_000_i64 });
        assert_eq!(serde_json::to_value(&cancellation).unwrap(), kept);
        assert_eq!(serde_json::from_value::<Cancellation>(kept).unwrap(), cancellation);
        cancellation.finished_at = Some(from_ms(1_900_000_060_000));
        let kept = json!({ "reason": "A storm is coming.", "at": 1_900_000_000_000_i64, "finished_at": 1_900_000_060_000_i64 });
        assert_eq!(serde_json::to_value(&cancellation).unwrap(), kept);
        assert_eq!(serde_json::from_value::<Cancellation>(kept).unwrap(), cancellation);
    }
}
