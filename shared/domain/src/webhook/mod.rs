//! Webhooks: endpoints of others that are told what happened, by the Standard Webhooks specification.

mod message;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use message::WebhookMessage;

use crate::{
    id::{UserId, WebhookId},
    message::Kind,
};

/// Endpoints there may be.
pub const ENDPOINTS_MAX: u32 = 20;
/// Characters of an endpoint's description.
pub const DESCRIPTION_CHARS_MAX: usize = 200;
/// After a secret was changed, the one before signs, too, for so long.
pub const SECRETS_OVERLAP: SignedDuration = SignedDuration::from_hours(24);
/// An endpoint that fails for so long is disabled.
pub const FAILS_FOR_MAX: SignedDuration = SignedDuration::from_hours(5 * 24);
/// Secrets begin so: the specification's mark.
const SECRET_PREFIX: &str = "whsec_";

/// What endpoints may ask for.
pub const TYPES: [Kind; 6] = [
    Kind::BookingConfirmed,
    Kind::BookingCancelled,
    Kind::EventPublished,
    Kind::EventUpdated,
    Kind::EventRescheduled,
    Kind::EventCancelled,
];

/// An endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its id.
    pub id: WebhookId,
    /// Where it is told.
    pub url: String,
    /// What it is told, by the words of kinds; all if there are none. Words of another release are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// What it is for, in the words of whoever made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it is told anything.
    pub status: EndpointStatus,
    /// Why nothing is told any more, where that was not an admin's wish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_because: Option<DisabledBecause>,
    /// Since when every try failed; none while tries succeed.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub failing_since: Option<Timestamp>,
    /// The admin who made it, who hears of it when it is disabled.
    pub made_by: UserId,
    /// When it was made: what happened before is not told.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
}

/// Whether an endpoint is told anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndpointStatus {
    /// It is told what happens.
    Enabled,
    /// It is told nothing.
    Disabled,
}

/// Why an endpoint is told nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DisabledBecause {
    /// It answered 410.
    Gone,
    /// It failed for five days.
    Failing,
}

impl EndpointStatus {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Enabled, Self::Disabled];

    /// Its word, as it is kept and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }
}

impl Endpoint {
    /// Whether it is to be told of a change of that kind, then.
    pub fn wants(&self, kind: Kind, at: Timestamp) -> bool {
        self.status == EndpointStatus::Enabled
            && self.created_at <= at
            && (self.types.is_empty() || self.types.iter().any(|word| word == kind.as_str()))
    }

    /// Whether it has failed for so long that it is told nothing any more.
    pub fn fails_for_too_long(&self, now: Timestamp) -> bool {
        self.failing_since.is_some_and(|since| now.duration_since(since) >= FAILS_FOR_MAX)
    }
}

/// What an endpoint's messages are signed with. It is never shown but when it is made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(String);

impl Secret {
    /// A secret of random bytes, written in base64.
    pub fn of_base64(random: &str) -> Self {
        Self(format!("{SECRET_PREFIX}{random}"))
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// The secrets of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// The one that signs.
    pub secret: Secret,
    /// The one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Secret>,
    /// Until when that one signs, too.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub previous_until: Option<Timestamp>,
}

impl Secrets {
    /// All that sign now, the newest first.
    pub fn signing(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        let is_good = self.previous_until.is_some_and(|until| now < until);
        std::iter::once(&self.secret).chain(self.previous.as_ref().filter(|_| is_good))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_ms;

    const NOW_MS: i64 = 1_900_000_000_000;

    fn endpoint() -> Endpoint {
        Endpoint {
            id: WebhookId::new(from_ms(NOW_MS)),
            url: "https://example.com/hook".to_owned(),
            types: Vec::new(),
            description: None,
            status: EndpointStatus::Enabled,
            disabled_because: None,
            failing_since: None,
            made_by: UserId::new(),
            created_at: from_ms(NOW_MS),
        }
    }

    #[test]
    fn an_endpoint_is_told_what_it_asked_for_from_when_it_was_made() {
        let (all, at) = (endpoint(), from_ms(NOW_MS));
        assert!(TYPES.into_iter().all(|kind| all.wants(kind, at)));
        assert!(!all.wants(Kind::EventUpdated, from_ms(NOW_MS - 1)));
        let some =
            Endpoint { types: vec!["event.updated".to_owned(), "ticket.sung".to_owned()], ..endpoint() };
        assert!(some.wants(Kind::EventUpdated, at) && !some.wants(Kind::BookingConfirmed, at));
        let none = Endpoint { status: EndpointStatus::Disabled, ..endpoint() };
        assert!(TYPES.into_iter().all(|kind| !none.wants(kind, at)));
    }

    #[test]
    fn five_days_of_failure_are_too_long() {
        let since = |failing_since| Endpoint { failing_since, ..endpoint() };
        let five_days = from_ms(NOW_MS) + SignedDuration::from_hours(120);
        assert!(!since(None).fails_for_too_long(five_days));
        assert!(since(Some(from_ms(NOW_MS))).fails_for_too_long(five_days));
        assert!(!since(Some(from_ms(NOW_MS + 1))).fails_for_too_long(five_days));
    }

    #[test]
    fn the_secret_before_signs_beside_the_new_one_for_its_time_and_none_is_told() {
        let secret = |text: &str| Secret::of_base64(text);
        let alone = Secrets { secret: secret("bmV3"), previous: None, previous_until: None };
        assert_eq!(alone.signing(from_ms(NOW_MS)).collect::<Vec<_>>(), [&secret("bmV3")]);
        let until = Some(from_ms(NOW_MS));
        let both = Secrets { previous: Some(secret("b2xk")), previous_until: until, ..alone.clone() };
        let signing = |ms| both.signing(from_ms(ms)).map(Secret::reveal).collect::<Vec<_>>();
        assert_eq!(signing(NOW_MS - 1), ["whsec_bmV3", "whsec_b2xk"]);
        assert_eq!(signing(NOW_MS), ["whsec_bmV3"]);
        assert!(!format!("{both:?}").contains("whsec"));
    }
}
