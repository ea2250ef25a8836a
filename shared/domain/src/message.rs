//! Messages: what people are told when something of theirs changes. A pure function from an item, before and after its change, to
//! the messages of it: whoever sees the same change twice makes the same messages, with the same ids.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    booking::{Booking, BookingStatus},
    event::{Event, EventStatus},
    id::{EventId, ReservationId, UserId},
};

/// What a message tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// To its owner: seats are bought.
    #[serde(rename = "booking.confirmed")]
    BookingConfirmed,
    /// To its owner: a booking was cancelled.
    #[serde(rename = "booking.cancelled")]
    BookingCancelled,
    /// The event is on show. To all who have seats: it takes place after all.
    #[serde(rename = "event.published")]
    EventPublished,
    /// To endpoints alone: something else about the event is another.
    #[serde(rename = "event.updated")]
    EventUpdated,
    /// To all who have seats: the event starts at another time.
    #[serde(rename = "event.rescheduled")]
    EventRescheduled,
    /// To all who have seats: the event does not take place.
    #[serde(rename = "event.cancelled")]
    EventCancelled,
    /// To whoever has an account: what proves that the address is theirs. With a welcome, of a new account.
    #[serde(rename = "account.verify")]
    AccountVerify,
    /// To whoever has an account: what gives it another password.
    #[serde(rename = "account.reset")]
    AccountReset,
    /// To whoever has an account: somebody registers its address again.
    #[serde(rename = "account.exists")]
    AccountExists,
    /// To whoever has the address of an account that nobody verified, and that was begun more than once: what sets a password.
    #[serde(rename = "account.finish")]
    AccountFinish,
    /// To an endpoint: nothing happened, an admin tries whether it is told.
    #[serde(rename = "ping")]
    Ping,
    /// To the admin who made an endpoint: it is told nothing any more.
    #[serde(rename = "webhook.disabled")]
    WebhookDisabled,
    /// To the address that an account is to move to: what moves it.
    #[serde(rename = "account.move")]
    AccountMove,
    /// To the address that an account just left: what takes that back.
    #[serde(rename = "account.moved")]
    AccountMoved,
    /// To the address that an account was taken back to: what gives it a password, as none counts any more.
    #[serde(rename = "account.back")]
    AccountBack,
}

/// What the words of all messages about an account begin with.
pub const OF_ACCOUNTS: &str = "account.";

impl Kind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::BookingConfirmed,
        Self::BookingCancelled,
        Self::EventPublished,
        Self::EventUpdated,
        Self::EventRescheduled,
        Self::EventCancelled,
        Self::AccountVerify,
        Self::AccountReset,
        Self::AccountExists,
        Self::AccountFinish,
        Self::Ping,
        Self::WebhookDisabled,
        Self::AccountMove,
        Self::AccountMoved,
        Self::AccountBack,
    ];

    /// Its word, as it is kept and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BookingConfirmed => "booking.confirmed",
            Self::BookingCancelled => "booking.cancelled",
            Self::EventPublished => "event.published",
            Self::EventUpdated => "event.updated",
            Self::EventRescheduled => "event.rescheduled",
            Self::EventCancelled => "event.cancelled",
            Self::AccountVerify => "account.verify",
            Self::AccountReset => "account.reset",
            Self::AccountExists => "account.exists",
            Self::AccountFinish => "account.finish",
            Self::Ping => "ping",
            Self::WebhookDisabled => "webhook.disabled",
            Self::AccountMove => "account.move",
            Self::AccountMoved => "account.moved",
            Self::AccountBack => "account.back",
        }
    }

    /// Whether it is about an account: asked for, not told of a change.
    pub fn is_of_account(self) -> bool {
        self.as_str().starts_with(OF_ACCOUNTS)
    }
}

/// Something that is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it tells.
    pub kind: Kind,
    /// The item's id and the version that the change made of it.
    pub item: (String, u64),
    /// The event.
    pub event: EventId,
    /// Who is told.
    pub to: Audience,
    /// When it happened.
    pub at: Timestamp,
}

/// Who a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The owner of a booking.
    Owner {
        /// Whose it is.
        user: UserId,
        /// The booking.
        booking: ReservationId,
    },
    /// All who have seats of the event.
    Bookers {
        /// When it was to start before, if that is what changed.
        moved_from: Option<Timestamp>,
    },
}

impl Message {
    /// What the same message is always called: by its kind, the item and the item's version.
    pub fn id(&self) -> String {
        let (item, version) = &self.item;
        format!("{}.{item}.{version}", self.kind.as_str())
    }
}

/// What to tell of a booking that became `after`. A booking that is gone was erased with all else: nobody is told. One that is not
/// final yet, or never became so, is no booking to who made it.
pub fn of_booking(before: Option<&Booking>, after: Option<&Booking>) -> Option<Message> {
    use BookingStatus::{Cancelled, Confirmed};
    let after = after?;
    let was = before.map(|before| before.status);
    match after.status {
        Confirmed if was.is_none_or(BookingStatus::is_undecided) => Some(confirmed(after)),
        Cancelled if was.is_none_or(|was| was != Cancelled) => Some(cancelled(after)),
        _ => None,
    }
}

/// What should have been told of a booking by now, if it was made, or cancelled, after `since`: for whoever looks whether it was.
pub fn due_of_booking(booking: &Booking, since: Timestamp) -> impl Iterator<Item = Message> {
    let messages = match booking.status {
        BookingStatus::Confirmed => [Some(confirmed(booking)), None],
        BookingStatus::Cancelled => [Some(confirmed(booking)), Some(cancelled(booking))],
        BookingStatus::Pending | BookingStatus::Closing | BookingStatus::Expired => [None, None],
    };
    messages.into_iter().flatten().filter(move |message| message.at > since)
}

fn confirmed(booking: &Booking) -> Message {
    // To cancel it is one more change.
    let version = booking.version - u64::from(booking.status == BookingStatus::Cancelled);
    of(Kind::BookingConfirmed, booking, version, booking.sold_at())
}

fn cancelled(booking: &Booking) -> Message {
    of(Kind::BookingCancelled, booking, booking.version, booking.cancelled_at.unwrap_or(booking.created_at))
}

fn of(kind: Kind, booking: &Booking, version: u64, at: Timestamp) -> Message {
    Message {
        kind,
        item: (booking.id.to_string(), version),
        event: booking.event_id,
        to: Audience::Owner { user: booking.user_id, booking: booking.id },
        at,
    }
}

/// What of an event matters to those who have seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventFacts {
    /// Whether it takes place.
    pub status: EventStatus,
    /// When it starts.
    pub starts_at: Timestamp,
    /// Whether its bookings are cancelled with it: then each of them tells its owner.
    pub cancels_bookings: bool,
}

impl From<&Event> for EventFacts {
    fn from(event: &Event) -> Self {
        let Event { details, cancellation, .. } = event;
        Self {
            status: details.status,
            starts_at: details.starts_at,
            cancels_bookings: cancellation.is_some(),
        }
    }
}

/// What to tell of the event that at `at`, by becoming that version, changed so. Of a draft nobody has seats, and one that was
/// deleted had none.
pub fn of_event(
    event: EventId,
    version: u64,
    before: EventFacts,
    after: EventFacts,
    at: Timestamp,
) -> Option<Message> {
    let (kind, moved_from) = match (before.status, after.status) {
        (EventStatus::Published, EventStatus::Cancelled) if after.cancels_bookings => return None,
        (EventStatus::Published, EventStatus::Cancelled) => (Kind::EventCancelled, None),
        (EventStatus::Cancelled, EventStatus::Published) => (Kind::EventPublished, None),
        (EventStatus::Published, EventStatus::Published) if before.starts_at != after.starts_at => {
            (Kind::EventRescheduled, Some(before.starts_at))
        }
        _ => return None,
    };
    let to = Audience::Bookers { moved_from };
    Some(Message { kind, item: (event.to_string(), version), event, to, at })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{event::AreaName, time::from_ms};

    pub(crate) fn booking(status: BookingStatus) -> Booking {
        let event = EventId::new(from_ms(1_900_000_000_000));
        Booking {
            id: ReservationId::new(event, from_ms(1_900_000_000_000)),
            user_id: UserId::new(),
            event_id: event,
            event_name: "Concert".into(),
            starts_at: from_ms(1_950_000_000_000),
            area: AreaName::default(),
            quantity: 2,
            seats: Vec::new(),
            unit_price: Some(4_500),
            lines: Vec::new(),
            counted_by_rate: false,
            currency: "EUR".into(),
            draws: Vec::new(),
            status,
            reason: None,
            expires_at: None,
            outside: None,
            void: false,
            created_at: from_ms(1_900_000_001_000),
            confirmed_at: None,
            expired_at: None,
            cancelled_at: (status == BookingStatus::Cancelled).then(|| from_ms(1_900_000_002_000)),
            version: if status == BookingStatus::Cancelled { 2 } else { 1 },
        }
    }

    #[test]
    fn an_owner_is_told_of_each_step_of_a_booking_once() {
        use BookingStatus::{Cancelled, Closing, Confirmed, Expired, Pending};
        for (before, after, told) in [
            (None, Some(Confirmed), Some((Kind::BookingConfirmed, 1))),
            (None, Some(Pending), None),
            (Some(Pending), Some(Closing), None),
            (Some(Pending), Some(Confirmed), Some((Kind::BookingConfirmed, 1))),
            (Some(Closing), Some(Confirmed), Some((Kind::BookingConfirmed, 1))),
            (Some(Pending), Some(Expired), None),
            (Some(Closing), Some(Expired), None),
            (Some(Confirmed), Some(Cancelled), Some((Kind::BookingCancelled, 2))),
            (None, Some(Cancelled), Some((Kind::BookingCancelled, 2))),
            (Some(Confirmed), Some(Confirmed), None),
            (Some(Cancelled), Some(Cancelled), None),
            // Nothing becomes so, but a change that is not known is no reason to tell something.
            (Some(Cancelled), Some(Confirmed), None),
            (Some(Confirmed), None, None),
            (Some(Cancelled), None, None),
            (None, None, None),
        ] {
            let (old, new) = (before.map(booking), after.map(booking));
            let message = of_booking(old.as_ref(), new.as_ref());
            let seen = message.as_ref().map(|message| (message.kind, message.item.1));
            assert_eq!(seen, told, "{before:?} to {after:?}");
            if let (Some(message), Some(new)) = (message, new) {
                assert_eq!(message.id(), format!("{}.{}.{}", message.kind.as_str(), new.id, message.item.1));
                assert_eq!(message.to, Audience::Owner { user: new.user_id, booking: new.id });
            }
        }
    }

    #[test]
    fn who_looks_later_finds_the_same_messages() {
        let cancelled = booking(BookingStatus::Cancelled);
        let made =
            Booking { status: BookingStatus::Confirmed, cancelled_at: None, version: 1, ..cancelled.clone() };
        let by_stream =
            [of_booking(None, Some(&made)).unwrap(), of_booking(Some(&made), Some(&cancelled)).unwrap()];
        let later = |since: i64| due_of_booking(&cancelled, from_ms(since)).collect::<Vec<_>>();
        assert_eq!(later(1_900_000_000_000), by_stream);
        assert_eq!(later(1_900_000_001_000), by_stream[1..]);
        assert_eq!(later(1_900_000_002_000), []);
        assert_eq!(due_of_booking(&made, from_ms(0)).collect::<Vec<_>>(), by_stream[..1]);

        // One that was pending before is told of when it was sold, and under the version that it had then.
        let pending = Booking { status: BookingStatus::Pending, ..made };
        let (sold_at, version) = (Some(from_ms(1_900_000_001_500)), 2);
        let made =
            Booking { status: BookingStatus::Confirmed, confirmed_at: sold_at, version, ..pending.clone() };
        let cancelled = Booking { confirmed_at: sold_at, version: 3, ..cancelled };
        let by_stream = [
            of_booking(Some(&pending), Some(&made)).unwrap(),
            of_booking(Some(&made), Some(&cancelled)).unwrap(),
        ];
        assert_eq!(due_of_booking(&cancelled, from_ms(1_900_000_001_000)).collect::<Vec<_>>(), by_stream);
        assert_eq!(due_of_booking(&made, from_ms(0)).collect::<Vec<_>>(), by_stream[..1]);
        assert_eq!(due_of_booking(&pending, from_ms(0)).count(), 0);
    }

    #[test]
    fn who_has_seats_is_told_what_changes_their_evening() {
        use EventStatus::{Cancelled, Draft, Published};
        let event = EventId::new(from_ms(1_900_000_000_000));
        let (then, later) = (from_ms(1_950_000_000_000), from_ms(1_950_000_060_000));
        for (before, after, told) in [
            ((Published, then), (Cancelled, then), Some((Kind::EventCancelled, None))),
            ((Published, then), (Cancelled, later), Some((Kind::EventCancelled, None))),
            ((Published, then), (Published, later), Some((Kind::EventRescheduled, Some(then)))),
            ((Cancelled, then), (Published, then), Some((Kind::EventPublished, None))),
            ((Cancelled, then), (Published, later), Some((Kind::EventPublished, None))),
            ((Published, then), (Published, then), None),
            ((Cancelled, then), (Cancelled, later), None),
            ((Draft, then), (Published, then), None),
            ((Draft, then), (Cancelled, then), None),
            ((Draft, then), (Draft, later), None),
            ((Published, then), (Draft, then), None),
            ((Cancelled, then), (Draft, then), None),
        ] {
            let facts = |(status, starts_at)| EventFacts { status, starts_at, cancels_bookings: false };
            let message = of_event(event, 7, facts(before), facts(after), later);
            let seen = message.as_ref().map(|message| match message.to {
                Audience::Bookers { moved_from } => (message.kind, moved_from),
                Audience::Owner { .. } => panic!("{message:?}"),
            });
            assert_eq!(seen, told, "{before:?} to {after:?}");
            if let Some(message) = message {
                assert_eq!(message.id(), format!("{}.{event}.7", message.kind.as_str()));
                let gone =
                    |status| EventFacts { status, starts_at: then, cancels_bookings: status == Cancelled };
                let told = of_event(event, 7, gone(Published), gone(Cancelled), later);
                assert_eq!(told, None, "each cancelled booking tells its owner");
            }
        }
    }

    #[test]
    fn a_kind_is_kept_by_its_word() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
