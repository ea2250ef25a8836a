//! What letters say.

use domain::{
    booking::BookingStatus,
    event::{AreaName, Cancellation, EventDetails, currency_in_use},
    id::{EventId, ReservationId, UserId},
    message,
};
use jiff::SignedDuration;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

struct Case {
    event: Event,
    booking: Booking,
    delivery: Delivery,
}

fn case(kind: Kind) -> Case {
    let now = at("2031-06-01T10:00:00Z");
    let id = EventId::new(now);
    let details = EventDetails {
        name: "Open Air".into(),
        description: None,
        venue: Some("Riverside Park".into()),
        starts_at: at("2031-06-12T18:00:00Z"),
        time_zone: Some("Europe/Berlin".into()),
        ends_at: None,
        capacity: 100,
        base_price: 4_500,
        currency: currency_in_use("EUR").unwrap(),
        sales_open_at: None,
        sales_close_at: None,
        cancel_until: Some(at("2031-06-10T22:00:00Z")),
        max_per_booking: 10,
        max_per_user: 10,
        status: if kind == Kind::EventCancelled { EventStatus::Cancelled } else { EventStatus::Published },
        pricing: None,
        rates: Vec::new(),
        areas: Vec::new(),
    };
    let event = Event::new(id, details, 1, now);
    let is_cancelled = kind == Kind::BookingCancelled;
    let booking = Booking {
        id: ReservationId::new(id, now),
        user_id: UserId::new(),
        event_id: id,
        event_name: "Open Air (old)".into(),
        starts_at: at("2031-06-11T18:00:00Z"),
        area: AreaName::default(),
        quantity: 2,
        seats: Vec::new(),
        unit_price: Some(4_500),
        lines: Vec::new(),
        counted_by_rate: false,
        currency: "EUR".into(),
        draws: Vec::new(),
        status: if is_cancelled { BookingStatus::Cancelled } else { BookingStatus::Confirmed },
        reason: None,
        expires_at: None,
        outside: None,
        void: false,
        confirmed_at: None,
        expired_at: None,
        created_at: now,
        cancelled_at: is_cancelled.then_some(now),
        version: if is_cancelled { 2 } else { 1 },
    };
    let message = message::due_of_booking(&booking, Timestamp::UNIX_EPOCH).last().unwrap();
    let delivery = Delivery { kind, ..Delivery::new(&message, now) };
    Case { event, booking, delivery }
}

impl Case {
    fn letter(&self) -> Result<Letter, &'static str> {
        self.letter_to(Some("Ada"))
    }

    fn letter_to(&self, name: Option<&str>) -> Result<Letter, &'static str> {
        Letter::of(Facts {
            delivery: &self.delivery,
            name,
            event: Some(&self.event),
            booking: Some(&self.booking),
            public_url: "https://tickets.example.com",
            sender: &"tickets@example.com".parse().unwrap(),
            now: at("2031-06-01T10:00:00Z"),
        })
    }
}

#[test]
fn places_of_several_rates_are_told_by_their_names_and_what_each_costs() {
    let mut case = case(Kind::BookingConfirmed);
    let line = |name: &str, quantity, unit_price| {
        let (rate, name) = ("rate".to_owned(), name.to_owned());
        Line { rate, name, quantity, unit_price }
    };
    (case.booking.quantity, case.booking.unit_price) = (3, None);
    case.booking.lines = vec![line("Adults", 1, 4_500), line("Up to\u{202e} 14", 2, 2_250)];
    let text = case.letter().unwrap().text();
    assert!(text.contains("Places:  1 × Adults at 45.00 EUR, 2 × Up to 14 at 22.50 EUR\n"), "{text}");
    assert!(text.contains("Total:   90.00 EUR\n"), "{text}");
}

#[test]
fn a_booking_is_told_by_the_clock_of_the_venue_and_as_people_write_amounts() {
    let case = case(Kind::BookingConfirmed);
    let letter = case.letter().unwrap();
    assert_eq!(letter.subject, "Booked: Open Air");
    let expected = format!(
        "Hello Ada,\n\n\
         Your places are booked. Show this mail, or the number of the booking, at the entrance.\n\n\
         Event:   Open Air\n\
         When:    Thu, 12 June 2031, 20:00 CEST\n\
         Where:   Riverside Park\n\
         Places:  2 at 45.00 EUR each\n\
         Total:   90.00 EUR\n\
         Booking: {id}\n\n\
         You can cancel until Wed, 11 June 2031, 00:00 CEST.\n\n\
         Your booking: https://tickets.example.com/shop/bookings/{id}\n",
        id = case.booking.id
    );
    assert_eq!(letter.text(), expected);
    let html = letter.html();
    for part in ["Thu, 12 June 2031, 20:00 CEST", "90.00 EUR", "Riverside Park", "Hello Ada,", "color-scheme"]
    {
        assert!(html.contains(part), "{part} is missing: {html}");
    }
    let entry = letter.calendar.unwrap();
    assert_eq!(
        (entry.uid, entry.starts_at),
        (format!("{}@example.com", case.booking.id), at("2031-06-12T18:00:00Z"))
    );
}

#[test]
fn a_cancelled_booking_leaves_the_calendar() {
    let made = case(Kind::BookingConfirmed).letter().unwrap().calendar.unwrap();
    let letter = case(Kind::BookingCancelled).letter().unwrap();
    assert_eq!(letter.subject, "Cancelled: Open Air");
    assert!(letter.text().contains("Total:   90.00 EUR"), "{}", letter.text());
    let entry = letter.calendar.unwrap();
    assert!(entry.is_cancelled && entry.sequence > made.sequence);
}

#[test]
fn a_booking_that_went_with_its_event_says_why_unless_its_owner_had_cancelled_it_before() {
    let mut case = case(Kind::BookingCancelled);
    let cancelled_at = case.booking.cancelled_at.unwrap();
    case.event.details.status = EventStatus::Cancelled;
    case.event.cancellation = Some(Cancellation::new("A storm is coming.".into(), cancelled_at));
    let letter = case.letter().unwrap();
    assert_eq!(letter.subject, "Called off: Open Air");
    let text = letter.text();
    assert!(text.contains("does not take place, and your booking is cancelled"), "{text}");
    assert!(text.contains("Reason:  A storm is coming.\n"), "{text}");
    assert!(text.contains("What you have paid for it comes back"), "{text}");
    assert!(letter.calendar.unwrap().is_cancelled);
    let later = cancelled_at + SignedDuration::from_millis(1);
    case.event.cancellation = Some(Cancellation::new("A storm is coming.".into(), later));
    let letter = case.letter().unwrap();
    assert_eq!(letter.subject, "Cancelled: Open Air");
    assert!(!letter.text().contains("storm"), "{}", letter.text());
}

#[test]
fn what_costs_nothing_has_nothing_to_give_back() {
    let mut case = case(Kind::BookingCancelled);
    (case.booking.unit_price, case.booking.quantity) = (Some(0), 1);
    let text = case.letter().unwrap().text();
    assert!(text.contains("Total:   free") && text.contains("nothing to pay"), "{text}");
}

#[test]
fn a_moved_event_is_told_with_both_times() {
    let mut case = case(Kind::EventRescheduled);
    case.delivery.moved_from = Some(at("2031-06-11T18:00:00Z"));
    let letter = case.letter().unwrap();
    assert_eq!(letter.subject, "New time: Open Air");
    let text = letter.text();
    assert!(
        text.contains("New time: Thu, 12 June 2031, 20:00 CEST\nBefore:   Wed, 11 June 2031, 20:00 CEST\n"),
        "{text}"
    );
    assert!(text.contains("https://tickets.example.com/shop/bookings\n"), "{text}");
}

#[test]
fn what_was_overtaken_is_not_told() {
    for (kind, status) in [
        (Kind::EventCancelled, EventStatus::Published),
        (Kind::EventPublished, EventStatus::Cancelled),
        (Kind::EventRescheduled, EventStatus::Cancelled),
        (Kind::EventRescheduled, EventStatus::Draft),
    ] {
        let mut case = case(kind);
        case.event.details.status = status;
        assert_eq!(case.letter(), Err("the event has changed again"), "{kind:?}");
    }
    let mut begun = case(Kind::EventRescheduled);
    begun.event.details.starts_at = at("2031-06-01T10:00:00Z") - SignedDuration::from_secs(1);
    assert_eq!(begun.letter(), Err("the event has begun"));
    let mut back = case(Kind::EventRescheduled);
    back.delivery.moved_from = Some(back.event.details.starts_at);
    assert_eq!(back.letter(), Err("the event was moved back"));
    let mut late = case(Kind::BookingConfirmed);
    late.event.details.cancel_until = Some(at("2031-06-01T09:00:00Z"));
    assert!(late.letter().unwrap().text().contains("It can't be cancelled any more."));
}

#[test]
fn a_mail_that_comes_late_says_what_is_true_by_then() {
    let mut gone = case(Kind::BookingConfirmed);
    gone.booking.status = BookingStatus::Cancelled;
    let letter = gone.letter().unwrap();
    assert!(letter.text().contains("You have cancelled the booking since.") && letter.calendar.is_none());
    let mut called_off = case(Kind::BookingConfirmed);
    called_off.event.details.status = EventStatus::Cancelled;
    let letter = called_off.letter().unwrap();
    assert!(letter.text().contains("has been called off since.") && letter.calendar.is_none());
}

#[test]
fn names_stay_names() {
    let mut case = case(Kind::BookingConfirmed);
    case.event.details.name = "<script>alert(1)</script>\r\nBcc: eve@example.com".into();
    case.event.details.venue = Some("A\u{202e}B\u{2028}C & \"D\"".into());
    let letter = case.letter_to(Some("Eve <b>\r\n\r\nPay here")).unwrap();
    assert_eq!(letter.subject, "Booked: <script>alert(1)</script> Bcc: eve@example.com");
    let (text, html) = (letter.text(), letter.html());
    assert!(
        text.contains("Where:   A B C & \"D\"\n") && text.starts_with("Hello Eve <b> Pay here,\n"),
        "{text}"
    );
    assert!(!html.contains("<script>") && !html.contains("<b>") && html.contains("&lt;script&gt;"), "{html}");
    // Right-to-left names stay as they are, and turn nothing else.
    let greeting = case.letter_to(Some("ليلى")).unwrap().text();
    assert!(greeting.starts_with("Hello ليلى,"), "{greeting}");
    for nobody in [None, Some(""), Some(" \u{200f} ")] {
        assert!(case.letter_to(nobody).unwrap().text().starts_with("Hello,\n"), "{nobody:?}");
    }
}
