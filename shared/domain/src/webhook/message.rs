//! What endpoints are told: each step of a booking, as its owner is; and each change of an event that is on show, which is more than
//! those who have seats are told.

use jiff::Timestamp;

use crate::{
    booking::Booking,
    event::{Event, EventStatus},
    id::{EventId, ReservationId, UserId},
    message::{Audience, EventFacts, Kind, Message, due_of_booking, of_booking},
};

/// Something that endpoints are to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookMessage {
    /// What it tells.
    pub kind: Kind,
    /// The item's id and the version that the change made of it.
    pub item: (String, u64),
    /// The event.
    pub event: EventId,
    /// Of a booking: whose, and which.
    pub booking: Option<(UserId, ReservationId)>,
    /// When it happened.
    pub at: Timestamp,
}

impl WebhookMessage {
    /// What the same message is always called, by all endpoints: made as a mail's id, but without points, which part what is signed.
    pub fn id(&self) -> String {
        let (item, version) = &self.item;
        format!("{}_{item}_{version}", self.kind.as_str().replace('.', "_"))
    }

    /// What to tell of a booking that became `after`.
    pub fn of_booking(before: Option<&Booking>, after: Option<&Booking>) -> Option<Self> {
        of_booking(before, after).and_then(Self::of_message)
    }

    /// What should have been told of a booking by now, if it happened after `since`.
    pub fn due_of_booking(booking: &Booking, since: Timestamp) -> impl Iterator<Item = Self> {
        due_of_booking(booking, since).filter_map(Self::of_message)
    }

    fn of_message(message: Message) -> Option<Self> {
        let Audience::Owner { user, booking } = message.to else { return None };
        let Message { kind, item, event, at, .. } = message;
        Some(Self { kind, item, event, booking: Some((user, booking)), at })
    }

    /// What to tell of an event that was made at `at`: it may be on show at once.
    pub fn of_new_event(event: &Event, at: Timestamp) -> Option<Self> {
        let made = EventFacts::from(event);
        let facts = [EventFacts { status: EventStatus::Draft, ..made }, made];
        Self::of_event(event.id, event.version, facts, true, at)
    }

    /// What to tell of the event that at `at`, by becoming that version, changed so. `differs` says whether anything that admins
    /// write is another. A draft is nobody's business.
    pub fn of_event(
        event: EventId,
        version: u64,
        [before, after]: [EventFacts; 2],
        differs: bool,
        at: Timestamp,
    ) -> Option<Self> {
        use EventStatus::{Cancelled, Draft, Published};
        let kind = match (before.status, after.status) {
            (Draft, Draft | Cancelled) => return None,
            (Draft | Cancelled, Published) => Kind::EventPublished,
            (Published, Cancelled) => Kind::EventCancelled,
            (Published, Published) if before.starts_at != after.starts_at => Kind::EventRescheduled,
            (Published | Cancelled, Draft) => Kind::EventUpdated,
            (Published, Published) | (Cancelled, Cancelled) if differs => Kind::EventUpdated,
            (Published, Published) | (Cancelled, Cancelled) => return None,
        };
        Some(Self { kind, item: (event.to_string(), version), event, booking: None, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{booking::BookingStatus, message::tests::booking, time::from_ms};

    #[test]
    fn endpoints_are_told_of_each_step_of_a_booking() {
        let cancelled = booking(BookingStatus::Cancelled);
        let told: Vec<_> = WebhookMessage::due_of_booking(&cancelled, from_ms(0)).collect();
        let id = cancelled.id;
        assert_eq!(
            told.iter().map(WebhookMessage::id).collect::<Vec<_>>(),
            [format!("booking_confirmed_{id}_1"), format!("booking_cancelled_{id}_2")]
        );
        assert!(told.iter().all(|told| told.booking == Some((cancelled.user_id, id))));
        let made = booking(BookingStatus::Confirmed);
        assert!(WebhookMessage::of_booking(None, Some(&made)).is_some());
        assert_eq!(WebhookMessage::of_booking(Some(&made), Some(&made)), None);
    }

    #[test]
    fn endpoints_are_told_of_every_change_of_an_event_that_is_no_draft() {
        use EventStatus::{Cancelled, Draft, Published};
        let event = EventId::new(from_ms(1_900_000_000_000));
        let (then, later) = (from_ms(1_950_000_000_000), from_ms(1_950_000_060_000));
        for (before, after, differs, told) in [
            ((Draft, then), (Published, then), false, Some(Kind::EventPublished)),
            ((Draft, then), (Published, later), true, Some(Kind::EventPublished)),
            ((Cancelled, then), (Published, then), false, Some(Kind::EventPublished)),
            ((Published, then), (Cancelled, later), true, Some(Kind::EventCancelled)),
            ((Published, then), (Published, later), true, Some(Kind::EventRescheduled)),
            ((Published, then), (Published, then), true, Some(Kind::EventUpdated)),
            ((Cancelled, then), (Cancelled, later), true, Some(Kind::EventUpdated)),
            ((Published, then), (Draft, then), false, Some(Kind::EventUpdated)),
            ((Cancelled, then), (Draft, then), false, Some(Kind::EventUpdated)),
            // Its price alone, or what is counted.
            ((Published, then), (Published, then), false, None),
            ((Cancelled, then), (Cancelled, then), false, None),
            ((Draft, then), (Draft, later), true, None),
            ((Draft, then), (Cancelled, then), true, None),
        ] {
            let facts = |(status, starts_at)| EventFacts { status, starts_at, cancels_bookings: false };
            let message = WebhookMessage::of_event(event, 7, [facts(before), facts(after)], differs, later);
            assert_eq!(message.as_ref().map(|message| message.kind), told, "{before:?} to {after:?}");
            if let Some(message) = message {
                let word = message.kind.as_str().replace('.', "_");
                assert_eq!((message.id(), message.booking), (format!("{word}_{event}_7"), None));
            }
        }
    }
}
