//! Deliveries: who was told what, and what is still to be told. A delivery is one message to one recipient.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    id::{EventId, ReservationId, UserId, WebhookId},
    message::{Audience, Kind, Message},
    time::to_whole_ms,
    webhook::WebhookMessage,
};

/// Waits before the next tries, as Standard Webhooks suggest; each is lengthened by up to a tenth, so that what failed together is
/// not tried together. Ten tries in 75 hours.
const WAITS: [SignedDuration; 9] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
    SignedDuration::from_hours(20),
    SignedDuration::from_hours(24),
];
/// Tries of what was refused for good: a setting may be wrong, which is soon seen, rather than the address.
const TRIES_OF_REFUSED: u32 = 5;
/// Whoever tries has so long. Longer than a try can take; then somebody else may.
pub const TRY_TIME: SignedDuration = SignedDuration::from_secs(90);
/// How long a delivery is remembered, so that nothing is told twice and what went wrong can be seen.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24 * 30);
/// What happened longer ago is not told any more: a restored table must not write to people of years.
pub const TOLD_WITHIN: SignedDuration = SignedDuration::from_hours(4 * 24);
/// Characters kept of an answer.
const ANSWER_CHARS_MAX: usize = 200;

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    /// Not tried yet, or under way.
    Pending,
    /// Whoever takes it on has it.
    Delivered,
    /// It will be tried again.
    Failed,
    /// It was tried often enough.
    Dead,
    /// There is nobody any more to tell it, or nothing any more to tell.
    Dropped,
}

/// One message to one recipient. It has ids only: who that is, and what there is to say, is looked up when it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The message's id.
    pub message_id: String,
    /// The user's id; or an endpoint's, behind `webhook.`; or [`BOOKERS`] for a message that has yet to become one for each of them.
    pub recipient: String,
    /// What it tells.
    pub kind: Kind,
    /// The event, if the message is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// The booking, if the message is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking_id: Option<ReservationId>,
    /// Whose booking it is, where that is not the recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The endpoint that a message to an admin is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_id: Option<WebhookId>,
    /// The version of the account's password when a message about the account was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_version: Option<u32>,
    /// When the event was to start before it was moved.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub moved_from: Option<Timestamp>,
    /// When it happened.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub happened_at: Timestamp,
    /// How far it is.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub tries: u32,
    /// When it is to be tried; none if it is not.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub due_at: Option<Timestamp>,
    /// When it was last tried.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub tried_at: Option<Timestamp>,
    /// What came of that, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Of a message to all bookers: up to which booking they have theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_to: Option<ReservationId>,
    /// When it is forgotten, in seconds since the Unix epoch.
    pub forget_at: i64,
}

/// The recipient of a message that has yet to become one for each who has seats.
pub const BOOKERS: &str = "bookers";

/// What stands before an endpoint's id.
const ENDPOINT: &str = "webhook.";

/// The recipient that an endpoint is.
pub fn recipient_of(endpoint: WebhookId) -> String {
    format!("{ENDPOINT}{endpoint}")
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken on.
    Delivered(String),
    /// Not this time.
    Failed(String),
    /// Refused, and there is little hope.
    Refused(String),
    /// It can't be told by any number of tries.
    Impossible(String),
    /// Nobody is there to tell, or nothing is to be told any more.
    Dropped(String),
}

impl DeliveryStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Delivered, Self::Failed, Self::Dead, Self::Dropped];

    /// Its word, as it is kept and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
        }
    }
}

impl Delivery {
    /// A new one, due then.
    fn due(
        message_id: String,
        recipient: String,
        kind: Kind,
        happened_at: Timestamp,
        due_at: Timestamp,
    ) -> Self {
        Self {
            message_id,
            recipient,
            kind,
            event_id: None,
            booking_id: None,
            user_id: None,
            webhook_id: None,
            password_version: None,
            moved_from: None,
            happened_at: to_whole_ms(happened_at),
            status: DeliveryStatus::Pending,
            tries: 0,
            due_at: Some(to_whole_ms(due_at)),
            tried_at: None,
            answer: None,
            told_to: None,
            forget_at: (due_at + KEPT_FOR).as_second(),
        }
    }

    /// A new one, which whoever makes it may try at once: others may when [`TRY_TIME`] is over.
    pub fn new(message: &Message, now: Timestamp) -> Self {
        let (recipient, booking_id, moved_from) = match message.to {
            Audience::Owner { user, booking } => (user.to_string(), Some(booking), None),
            Audience::Bookers { moved_from } => (BOOKERS.to_owned(), None, moved_from),
        };
        let delivery = Self::due(message.id(), recipient, message.kind, message.at, now + TRY_TIME);
        Self { event_id: Some(message.event), booking_id, moved_from, ..delivery }
    }

    /// A message to an endpoint, which whoever makes it may try at once.
    pub fn to_endpoint(message: &WebhookMessage, endpoint: WebhookId, now: Timestamp) -> Self {
        let (user_id, booking_id) = message.booking.unzip();
        let recipient = recipient_of(endpoint);
        // What a stream tells to the second is taken for the end of that second, which may not be over.
        let happened_at = message.at.min(now);
        let delivery = Self::due(message.id(), recipient, message.kind, happened_at, now + TRY_TIME);
        Self { event_id: Some(message.event), booking_id, user_id, ..delivery }
    }

    /// A message to an endpoint that tells nothing, which an admin asked for. Whoever sees it first tries it.
    pub fn ping(endpoint: WebhookId, now: Timestamp) -> Self {
        let id = format!("ping_{endpoint}_{}", to_whole_ms(now).as_millisecond());
        Self::due(id, recipient_of(endpoint), Kind::Ping, now, now)
    }

    /// A message to the admin who made an endpoint, that it is told nothing any more.
    pub fn of_disabled(endpoint: WebhookId, admin: UserId, now: Timestamp) -> Self {
        let kind = Kind::WebhookDisabled;
        let id = format!("{}.{endpoint}.{}", kind.as_str(), to_whole_ms(now).as_millisecond());
        Self { webhook_id: Some(endpoint), ..Self::due(id, admin.to_string(), kind, now, now) }
    }

    /// A message to an account, which its owner asked for, or somebody in their name. Whoever sees it first tries it.
    pub fn of_account(kind: Kind, user: UserId, password_version: u32, now: Timestamp) -> Self {
        let id = format!("{}.{user}.{}", kind.as_str(), to_whole_ms(now).as_millisecond());
        Self { password_version: Some(password_version), ..Self::due(id, user.to_string(), kind, now, now) }
    }

    /// The same once more, due at once, as if it had never been tried; `None` if it is about an account, whose links ended.
    pub fn again(&self, now: Timestamp) -> Option<Self> {
        (!self.kind.is_of_account()).then(|| Self {
            status: DeliveryStatus::Pending,
            tries: 0,
            due_at: Some(to_whole_ms(now)),
            told_to: None,
            forget_at: (now + KEPT_FOR).as_second(),
            ..self.clone()
        })
    }

    /// Whether somebody tries it now.
    pub fn is_under_way(&self, now: Timestamp) -> bool {
        self.status == DeliveryStatus::Pending && self.due_at.is_some_and(|due_at| due_at > now)
    }

    /// The same, which nobody needs any more, without another try.
    #[must_use]
    pub fn dropped(&self, because: &str) -> Self {
        Self {
            status: DeliveryStatus::Dropped,
            due_at: None,
            answer: Some(shortened(because)),
            ..self.clone()
        }
    }

    /// The same as if there were nobody to tell: not due, and soon forgotten.
    #[must_use]
    pub fn for_nobody(&self) -> Self {
        Self {
            status: DeliveryStatus::Dropped,
            due_at: None,
            forget_at: self.happened_at.as_second() + 3_600,
            ..self.clone()
        }
    }

    /// The part of a message to all bookers that is for one of them. It is due at once.
    pub fn for_booker(&self, user: UserId, now: Timestamp) -> Self {
        Self {
            recipient: user.to_string(),
            status: DeliveryStatus::Pending,
            tries: 0,
            due_at: Some(to_whole_ms(now)),
            tried_at: None,
            answer: None,
            told_to: None,
            forget_at: (now + KEPT_FOR).as_second(),
            ..self.clone()
        }
    }

    /// The user that it is for; none of a message that is for all bookers, or to an endpoint.
    pub fn user(&self) -> Option<UserId> {
        self.recipient.parse().ok()
    }

    /// The endpoint that it is for.
    pub fn endpoint(&self) -> Option<WebhookId> {
        self.recipient.strip_prefix(ENDPOINT)?.parse().ok()
    }

    /// Somebody begins a try: nobody else may before [`TRY_TIME`] is over.
    #[must_use]
    pub fn begun(&self, now: Timestamp) -> Self {
        Self { due_at: Some(to_whole_ms(now + TRY_TIME)), ..self.clone() }
    }

    /// The same after a try that ended so. `jitter` is from 0 to 1.
    #[must_use]
    pub fn after(&self, outcome: &Outcome, now: Timestamp, jitter: f64) -> Self {
        let tries = self.tries + 1;
        let (status, answer) = match outcome {
            Outcome::Delivered(answer) => (DeliveryStatus::Delivered, answer),
            Outcome::Failed(answer) => (DeliveryStatus::Failed, answer),
            Outcome::Refused(answer) if tries < TRIES_OF_REFUSED => (DeliveryStatus::Failed, answer),
            Outcome::Refused(answer) | Outcome::Impossible(answer) => (DeliveryStatus::Dead, answer),
            Outcome::Dropped(answer) => (DeliveryStatus::Dropped, answer),
        };
        let wait = wait_after(tries, jitter).filter(|_| status == DeliveryStatus::Failed);
        Self {
            status: if status == DeliveryStatus::Failed && wait.is_none() {
                DeliveryStatus::Dead
            } else {
                status
            },
            tries,
            due_at: wait.map(|wait| to_whole_ms(now + wait)),
            tried_at: Some(to_whole_ms(now)),
            answer: Some(shortened(answer)),
            ..self.clone()
        }
    }
}

/// How long to wait after that many tries; none after the last.
fn wait_after(tries: u32, jitter: f64) -> Option<Duration> {
    let wait = WAITS.get(usize::try_from(tries).ok()?.checked_sub(1)?)?.unsigned_abs();
    Some(wait + wait.mul_f64(jitter.clamp(0.0, 1.0) / 10.0))
}

/// A short line. Servers like to say whose mail they refuse; who that is stands with the account alone.
fn shortened(answer: &str) -> String {
    let line: String = answer.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words = line.split(' ').map(|word| if word.contains('@') { "<address>" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(ANSWER_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_ms;

    const NOW_MS: i64 = 1_900_000_000_000;

    fn delivery() -> Delivery {
        let event = EventId::new(from_ms(NOW_MS));
        let message = Message {
            kind: Kind::BookingConfirmed,
            item: ("x".into(), 1),
            event,
            to: Audience::Owner { user: UserId::new(), booking: ReservationId::new(event, from_ms(NOW_MS)) },
            at: from_ms(NOW_MS),
        };
        Delivery::new(&message, from_ms(NOW_MS))
    }

    #[test]
    fn what_fails_is_tried_ten_times_in_three_days_and_then_dead() {
        let (mut now, mut delivery) = (from_ms(NOW_MS), delivery());
        let failed = Outcome::Failed("451 later".into());
        for tries in 1..10 {
            delivery = delivery.after(&failed, now, 0.0);
            assert_eq!((delivery.status, delivery.tries), (DeliveryStatus::Failed, tries));
            now = delivery.due_at.unwrap();
        }
        let hours = now.duration_since(from_ms(NOW_MS)).as_hours();
        assert_eq!(hours, 75);
        delivery = delivery.after(&failed, now, 0.0);
        assert_eq!((delivery.status, delivery.tries, delivery.due_at), (DeliveryStatus::Dead, 10, None));
        assert_eq!(delivery.answer.as_deref(), Some("451 later"));
    }

    #[test]
    fn what_is_refused_is_tried_five_times_and_what_is_impossible_once() {
        let (now, first) = (from_ms(NOW_MS), delivery());
        let refused = Outcome::Refused("550 nobody".into());
        let second = first.after(&refused, now, 1.0);
        let waited = second.due_at.unwrap().duration_since(now);
        assert_eq!((second.status, waited), (DeliveryStatus::Failed, SignedDuration::from_millis(5_500)));
        let last = (0..4).fold(second, |delivery, _| delivery.after(&refused, now, 0.5));
        assert_eq!((last.status, last.tries, last.due_at), (DeliveryStatus::Dead, 5, None));
        for (outcome, status) in [
            (Outcome::Impossible("no".into()), DeliveryStatus::Dead),
            (Outcome::Delivered("250 ok".into()), DeliveryStatus::Delivered),
            (Outcome::Dropped("gone".into()), DeliveryStatus::Dropped),
        ] {
            let after = first.after(&outcome, now, 0.5);
            assert_eq!((after.status, after.tries, after.due_at), (status, 1, None));
        }
    }

    #[test]
    fn an_answer_is_one_short_line() {
        let answer = format!("250 ok\r\n{}", "ä".repeat(500));
        let kept = delivery().after(&Outcome::Delivered(answer), from_ms(NOW_MS), 0.0).answer.unwrap();
        assert_eq!(kept.chars().count(), ANSWER_CHARS_MAX);
        assert!(kept.starts_with("250 ok  ä"));
        let refused = Outcome::Refused("550 <ada@example.com>: unknown, ask ada@example.org".into());
        let kept = delivery().after(&refused, from_ms(NOW_MS), 0.0).answer.unwrap();
        assert_eq!(kept, "550 <address> unknown, ask <address>");
    }

    #[test]
    fn what_an_account_asks_for_is_anybodys_to_try_and_is_a_message_of_its_own_each_time() {
        let (user, now) = (UserId::new(), from_ms(NOW_MS));
        let asked = Delivery::of_account(Kind::AccountReset, user, 3, now);
        assert_eq!(asked.message_id, format!("account.reset.{user}.{NOW_MS}"));
        assert_eq!((asked.user(), asked.due_at, asked.password_version), (Some(user), Some(now), Some(3)));
        let none = asked.for_nobody();
        assert_eq!((none.status, none.due_at), (DeliveryStatus::Dropped, None));
        assert!(none.forget_at < asked.forget_at);
        assert!(asked.kind.is_of_account() && !delivery().kind.is_of_account());
        assert_ne!(
            Delivery::of_account(Kind::AccountReset, user, 3, from_ms(NOW_MS + 1)).message_id,
            asked.message_id
        );
        assert_ne!(Delivery::of_account(Kind::AccountVerify, user, 3, now).message_id, asked.message_id);
    }

    #[test]
    fn an_endpoint_is_a_recipient_and_no_user_is_one() {
        let endpoint = WebhookId::new(from_ms(NOW_MS));
        let ping = Delivery::ping(endpoint, from_ms(NOW_MS));
        assert_eq!((ping.endpoint(), ping.user()), (Some(endpoint), None));
        assert_eq!(ping.message_id, format!("ping_{endpoint}_{NOW_MS}"));
        assert_eq!(delivery().endpoint(), None);
        let told = Delivery::of_disabled(endpoint, UserId::new(), from_ms(NOW_MS));
        assert!(told.user().is_some() && told.webhook_id == Some(endpoint) && !told.kind.is_of_account());
    }

    #[test]
    fn what_was_tried_is_told_once_more_as_if_never_tried_but_no_link_of_an_account() {
        let (now, first) = (from_ms(NOW_MS), delivery());
        for outcome in [
            Outcome::Delivered("250 ok".into()),
            Outcome::Impossible("no".into()),
            Outcome::Failed("no".into()),
        ] {
            let tried = first.after(&outcome, now, 0.0);
            let again = tried.again(now).unwrap();
            assert_eq!((again.status, again.tries, again.due_at), (DeliveryStatus::Pending, 0, Some(now)));
            assert_eq!((again.message_id, again.answer), (tried.message_id, tried.answer));
        }
        let link = Delivery::of_account(Kind::AccountReset, UserId::new(), 3, now);
        assert_eq!(link.after(&Outcome::Impossible("no".into()), now, 0.0).again(now), None);
    }

    #[test]
    fn nobody_else_tries_while_somebody_does() {
        let delivery = delivery();
        assert_eq!(delivery.due_at.unwrap().duration_since(from_ms(NOW_MS)), TRY_TIME);
        let begun = delivery.for_booker(UserId::new(), from_ms(NOW_MS));
        assert_eq!(begun.due_at, Some(from_ms(NOW_MS)));
        assert_eq!(begun.begun(from_ms(NOW_MS)).due_at, delivery.due_at);
        assert!(delivery.is_under_way(from_ms(NOW_MS)) && !begun.is_under_way(from_ms(NOW_MS)));
        let failed = delivery.after(&Outcome::Failed("503".into()), from_ms(NOW_MS), 0.0);
        assert!(!failed.is_under_way(from_ms(NOW_MS)));
        let dropped = failed.dropped("nobody is there");
        assert_eq!((dropped.status, dropped.tries, dropped.due_at), (DeliveryStatus::Dropped, 1, None));
        assert!(delivery.user().is_some() && begun.user().is_some());
    }
}
