//! What a mail says: the same in text and in HTML, from one description.

use domain::{
    booking::{Booking, BookingStatus},
    delivery::Delivery,
    event::{Event, EventStatus},
    message::Kind,
    money::decimal,
    rate::Line,
};
use jiff::{Timestamp, tz::TimeZone};
use lettre::Address;
use maud::{DOCTYPE, html};

use crate::{calendar::CalendarEntry, when};

/// A mail, without who it is from and for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) subject: String,
    /// How it begins.
    pub(crate) greeting: String,
    /// What happened.
    pub(crate) said: String,
    /// What there is to know of it: what each is, and what it is here.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// What to do.
    pub(crate) more: String,
    /// Where to do it: what it is, and its address.
    pub(crate) link: (&'static str, String),
    pub(crate) calendar: Option<CalendarEntry>,
}

/// What a letter is written of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) delivery: &'a Delivery,
    /// How whoever is told wants to be called.
    pub(crate) name: Option<&'a str>,
    pub(crate) event: Option<&'a Event>,
    pub(crate) booking: Option<&'a Booking>,
    pub(crate) public_url: &'a str,
    /// The address that mails are from.
    pub(crate) sender: &'a Address,
    pub(crate) now: Timestamp,
}

impl Letter {
    /// The letter of a delivery, or why there is nothing to say any more.
    pub(crate) fn of(facts: Facts<'_>) -> Result<Self, &'static str> {
        match facts.delivery.kind {
            Kind::BookingConfirmed | Kind::BookingCancelled => {
                facts.of_booking(facts.booking.ok_or("the booking is gone")?)
            }
            Kind::EventPublished | Kind::EventRescheduled | Kind::EventCancelled => {
                facts.of_event(facts.event.ok_or("the event is gone")?)
            }
            Kind::AccountVerify
            | Kind::AccountReset
            | Kind::AccountExists
            | Kind::AccountFinish
            | Kind::AccountMove
            | Kind::AccountMoved
            | Kind::AccountBack => Err("it is about an account"),
            Kind::EventUpdated | Kind::Ping | Kind::WebhookDisabled => {
                Err("it is for endpoints, or about one")
            }
        }
    }

    /// As text.
    pub(crate) fn text(&self) -> String {
        let width = self.facts.iter().map(|(what, _)| what.len()).max().unwrap_or(0) + 1;
        let facts = self.facts.iter().map(|(what, it)| format!("{:<width$} {it}\n", format!("{what}:")));
        let (what, url) = &self.link;
        let link = format!("\n{what}: {url}\n");
        let more = if self.more.is_empty() { String::new() } else { format!("\n{}\n", self.more) };
        format!("{}\n\n{}\n\n{}{more}{link}", self.greeting, self.said, facts.collect::<String>())
    }

    /// As HTML: nothing is loaded from anywhere, and it can be read in a dark room.
    pub(crate) fn html(&self) -> String {
        const FONT: &str = "font-family: system-ui, -apple-system, 'Segoe UI', sans-serif; font-size: 16px; line-height: 1.5;";
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.subject) }
                }
                body style=(format!("{FONT} margin: 0; padding: 24px 16px;")) {
                    div style="max-width: 36em; margin: 0 auto;" {
                        p dir="auto" { (self.greeting) }
                        p dir="auto" { (self.said) }
                        table role="presentation" style="border-collapse: collapse; margin: 16px 0;" {
                            @for (what, it) in &self.facts {
                                tr {
                                    td style="padding: 4px 16px 4px 0; vertical-align: top; white-space: nowrap;" { (what) }
                                    td dir="auto" style="padding: 4px 0; font-weight: 600;" { (it) }
                                }
                            }
                        }
                        @if !self.more.is_empty() { p { (self.more) } }
                        p { a href=(self.link.1) { (self.link.0) } }
                    }
                }
            }
        }
        .into_string()
    }
}

impl Facts<'_> {
    fn of_booking(self, booking: &Booking) -> Result<Letter, &'static str> {
        let is_cancelled = self.delivery.kind == Kind::BookingCancelled;
        // A mail that comes late says what is true by then.
        let is_gone = booking.status == BookingStatus::Cancelled;
        let is_called_off = self.event.is_some_and(|event| event.details.status == EventStatus::Cancelled);
        // Its owner may have cancelled it before.
        let cancellation = self.event.and_then(|event| event.cancellation.as_ref());
        let with_event = cancellation.filter(|with| booking.cancelled_at.is_some_and(|at| at >= with.at));
        let zone = self.zone();
        // As it is now: whoever books an event that was moved a moment ago should go there when it starts.
        let details = self.event.map(|event| &event.details);
        let name = line(details.map_or(&booking.event_name, |details| &details.name));
        let starts_at = details.map_or(booking.starts_at, |details| details.starts_at);
        let venue = details.and_then(|details| details.venue.as_deref()).map(line);
        let total = booking.charge().total();
        let paid = amount(total, &booking.currency);
        let mut facts = vec![("Event", name.clone()), ("When", when::said(starts_at, &zone))];
        facts.extend(venue.clone().map(|venue| ("Where", venue)));
        let area = Some(&booking.area).filter(|area| !area.is_general());
        facts.extend(area.map(|area| ("Area", line(&area.name))));
        if !booking.seats.is_empty() {
            facts.push(("Seats", booking.seats.iter().map(|seat| line(seat)).collect::<Vec<_>>().join(", ")));
        }
        facts.push(("Places", places(booking)));
        facts.push(("Total", paid));
        facts.push(("Booking", booking.id.to_string()));
        let reason = with_event.map(|with| line(&with.reason)).filter(|reason| !reason.is_empty());
        facts.extend(reason.map(|reason| ("Reason", reason)));
        let cancel_until = details.map_or(starts_at, |details| details.cancel_until.unwrap_or(starts_at));
        let entry = (is_cancelled || !(is_gone || is_called_off)).then(|| CalendarEntry {
            organizer: self.sender.to_string(),
            uid: format!("{}@{}", booking.id, self.sender.domain()),
            // What is said of the booking later, with a higher one, replaces this.
            sequence: if is_cancelled { AFTER_ALL_ELSE } else { self.event.map_or(0, |event| event.version) },
            name: name.clone(),
            venue,
            starts_at,
            ends_at: details.and_then(|details| details.ends_at),
            is_cancelled,
            made_at: self.delivery.happened_at,
        });
        let (subject, said, more) = if is_cancelled {
            let (what, said) = match with_event {
                Some(_) => (
                    "Called off",
                    "This event does not take place, and your booking is cancelled. You need not do anything.",
                ),
                None => ("Cancelled", "Your booking is cancelled, and its places are free for others again."),
            };
            let more = if total == 0 {
                "There was nothing to pay, so there is nothing to give back.".to_owned()
            } else {
                "What you have paid for it comes back to you from whoever sold it.".to_owned()
            };
            (format!("{what}: {name}"), said, more)
        } else if is_gone {
            let said = match with_event {
                Some(_) => "Your places were booked. The event has been called off since.",
                None => "Your places were booked. You have cancelled the booking since.",
            };
            (format!("Booked: {name}"), said, "There is nothing to do.".to_owned())
        } else if is_called_off {
            let said = "Your places were booked. The event has been called off since.";
            (format!("Booked: {name}"), said, "You need not do anything.".to_owned())
        } else {
            let said =
                "Your places are booked. Show this mail, or the number of the booking, at the entrance.";
            let more = format!("You can cancel until {}.", when::said(cancel_until, &zone));
            let more =
                if cancel_until > self.now { more } else { "It can't be cancelled any more.".to_owned() };
            (format!("Booked: {name}"), said, more)
        };
        Ok(Letter {
            subject,
            greeting: self.greeting(),
            said: said.to_owned(),
            facts,
            more,
            link: self.link("Your booking", &format!("/shop/bookings/{}", booking.id)),
            calendar: entry,
        })
    }

    fn of_event(self, event: &Event) -> Result<Letter, &'static str> {
        let details = &event.details;
        let zone = self.zone();
        let (name, kind) = (line(&details.name), self.delivery.kind);
        // What happened after it is told by a mail of its own.
        match (kind, details.status) {
            (Kind::EventCancelled, EventStatus::Cancelled) => {}
            (Kind::EventPublished | Kind::EventRescheduled, EventStatus::Published) => {}
            _ => return Err("the event has changed again"),
        }
        if self.delivery.moved_from == Some(details.starts_at) {
            return Err("the event was moved back");
        }
        if details.starts_at <= self.now && kind != Kind::EventCancelled {
            return Err("the event has begun");
        }
        let mut facts = vec![("Event", name.clone())];
        let now_at = when::said(details.starts_at, &zone);
        match self.delivery.moved_from {
            Some(from) if kind == Kind::EventRescheduled => {
                facts.push(("New time", now_at));
                facts.push(("Before", when::said(from, &zone)));
            }
            _ => facts.push(("When", now_at)),
        }
        facts.extend(details.venue.as_deref().map(|venue| ("Where", line(venue))));
        let (subject, said, more) = match kind {
            Kind::EventCancelled => (
                format!("Called off: {name}"),
                "This event does not take place. You need not do anything.",
                if details.base_price == 0 {
                    ""
                } else {
                    "What you have paid comes back to you from whoever sold it."
                },
            ),
            Kind::EventRescheduled => (
                format!("New time: {name}"),
                "This event starts at another time. Your places are yours as before.",
                "If you can't come then, cancel your booking, and somebody else can have the places.",
            ),
            _ => (
                format!("It takes place: {name}"),
                "This event was called off, and takes place after all. Places that you did not cancel are yours as before.",
                "If you can't come, cancel your booking, and somebody else can have the places.",
            ),
        };
        Ok(Letter {
            subject,
            greeting: self.greeting(),
            said: said.to_owned(),
            facts,
            more: more.to_owned(),
            link: self.link("Your bookings", "/shop/bookings"),
            calendar: None,
        })
    }

    fn zone(self) -> TimeZone {
        when::zone(self.event.and_then(|event| event.details.time_zone.as_deref()))
    }

    fn greeting(self) -> String {
        greeting(self.name)
    }

    fn link(self, what: &'static str, path: &str) -> (&'static str, String) {
        (what, format!("{}{path}", self.public_url))
    }
}

/// How a letter to somebody of that name begins.
pub(crate) fn greeting(name: Option<&str>) -> String {
    match name.map(line).filter(|name| !name.is_empty()) {
        Some(name) => format!("Hello {name},"),
        None => "Hello,".to_owned(),
    }
}

/// The number of a calendar's entry that replaces any other: events have no so high version.
const AFTER_ALL_ELSE: u64 = 1_000_000;

/// A text as a part of a line: what people called something must not become a line, or turn the direction, of anything else.
pub(crate) fn line(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    let plain: String = text.chars().map(|c| if c.is_control() || turns(c) { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn amount(minor: u64, currency: &str) -> String {
    match (minor, decimal(minor, currency)) {
        (0, _) => "free".to_owned(),
        (_, Some(written)) => format!("{written} {currency}"),
        (_, None) => format!("{minor} {currency}"),
    }
}

fn places(booking: &Booking) -> String {
    match (booking.quantity, booking.unit_price, &booking.lines[..]) {
        (.., lines @ [_, ..]) => {
            lines.iter().map(|line| of_line(line, booking)).collect::<Vec<_>>().join(", ")
        }
        (1, ..) | (_, None | Some(0), _) => booking.quantity.to_string(),
        (quantity, Some(price), _) => {
            format!("{quantity} at {} each", amount(price.into(), &booking.currency))
        }
    }
}

/// `2 × Up to 14 at 22.50 EUR`
fn of_line(of: &Line, booking: &Booking) -> String {
    let Line { name, quantity, unit_price, .. } = of;
    match amount((*unit_price).into(), &booking.currency) {
        _ if *unit_price == 0 => format!("{quantity} × {}, free", line(name)),
        price => format!("{quantity} × {} at {price}", line(name)),
    }
}

#[cfg(test)]
mod tests;
