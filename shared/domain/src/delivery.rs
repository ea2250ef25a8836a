//! Deliveries: who was told what, and what is still to be told. A delivery is one message to one recipient.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    id::{EventId, ReservationId, UserId},
    message::{Audience, Kind, Message},
    time::to_whole_ms,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The user's id, or [`BOOKERS`] for a message that has yet to become one for each of them.
    pub recipient: String,
    /// What it tells.
    pub kind: Kind,
    /// The event, if the message is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// The booking, if the message is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking_id: Option<ReservationId>,
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

impl Delivery {
    /// A new one, which whoever makes it may try at once: others may when [`TRY_TIME`] is over.
    pub fn new(message: &Message, now: Timestamp) -> Self {
        let (recipient, booking_id, moved_from) = match message.to {
            Audience::Owner { user, booking } => (user.to_string(), Some(booking), None),
            Audience::Bookers { moved_from } => (BOOKERS.to_owned(), None, moved_from),
        };
        Self {
            message_id: message.id(),
            recipient,
            kind: message.kind,
            event_id: Some(message.event),
            booking_id,
            password_version: None,
            moved_from,
            happened_at: to_whole_ms(message.at),
            status: DeliveryStatus::Pending,
            tries: 0,
            due_at: Some(to_whole_ms(now + TRY_TIME)),
            tried_at: None,
            answer: None,
            told_to: None,
            forget_at: (now + KEPT_FOR).as_second(),
        }
    }

    /// A message to an account, which its owner asked for, or somebody in their name. Whoever sees it first tries it.
    pub fn of_account(kind: Kind, user: UserId, password_version: u32, now: Timestamp) -> Self {
        let now = to_whole_ms(now);
        Self {
            message_id: format!("{}.{user}.{}", kind.as_str(), now.as_millisecond()),
            recipient: user.to_string(),
            kind,
            event_id: None,
            booking_id: None,
            password_version: Some(password_version),
            moved_from: None,
            happened_at: now,
            status: DeliveryStatus::Pending,
            tries: 0,
            due_at: Some(now),
            tried_at: None,
            answer: None,
            told_to: None,
            forget_at: (now + KEPT_FOR).as_second(),
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

    /// The user that it is for; none of a message that is for all bookers.
    pub fn user(&self) -> Option<UserId> {
        self.recipient.parse().ok()
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
    fn nobody_else_tries_while_somebody_does() {
        let delivery = delivery();
        assert_eq!(delivery.due_at.unwrap().duration_since(from_ms(NOW_MS)), TRY_TIME);
        let begun = delivery.for_booker(UserId::new(), from_ms(NOW_MS));
        assert_eq!(begun.due_at, Some(from_ms(NOW_MS)));
        assert_eq!(begun.begun(from_ms(NOW_MS)).due_at, delivery.due_at);
        assert!(delivery.user().is_some() && begun.user().is_some());
    }
}
