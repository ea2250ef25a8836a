//! The calendar entry of a booking (RFC 5545).

use icalendar::{Calendar, Component, Event as Entry, EventLike, EventStatus, Property};
use jiff::Timestamp;

/// What goes into a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CalendarEntry {
    /// The address that the mail is from, which calendars want to know of (RFC 5546, section 3.2.1).
    pub(crate) organizer: String,
    /// The same for all that is ever said of a booking.
    pub(crate) uid: String,
    /// A higher one replaces a lower one.
    pub(crate) sequence: u64,
    pub(crate) name: String,
    pub(crate) venue: Option<String>,
    pub(crate) starts_at: Timestamp,
    pub(crate) ends_at: Option<Timestamp>,
    pub(crate) is_cancelled: bool,
    pub(crate) made_at: Timestamp,
}

const MADE_BY: &str = "-//Evently//Evently//EN";
/// Times in UTC: every calendar shows them by its own clock.
const UTC: &str = "%Y%m%dT%H%M%SZ";

impl CalendarEntry {
    /// As a file.
    pub(crate) fn file(&self) -> String {
        let time = |at: Timestamp| at.strftime(UTC).to_string();
        let mut entry = Entry::new();
        // What a line feed is escaped for, a lone carriage return would do to some.
        let plain = |text: &str| text.replace('\r', "");
        entry
            .uid(&self.uid)
            .summary(&plain(&self.name))
            .sequence(u32::try_from(self.sequence).unwrap_or(u32::MAX));
        entry.append_property(Property::new("ORGANIZER", format!("mailto:{}", self.organizer)));
        entry.append_property(Property::new("DTSTAMP", time(self.made_at)));
        entry.append_property(Property::new("DTSTART", time(self.starts_at)));
        if let Some(ends_at) = self.ends_at {
            entry.append_property(Property::new("DTEND", time(ends_at)));
        }
        if let Some(venue) = &self.venue {
            entry.location(&plain(venue));
        }
        entry.status(if self.is_cancelled { EventStatus::Cancelled } else { EventStatus::Confirmed });
        let mut calendar = Calendar::empty();
        for (name, value) in [("VERSION", "2.0"), ("PRODID", MADE_BY), ("METHOD", "PUBLISH")] {
            calendar.append_property(Property::new(name, value));
        }
        calendar.push(entry.done()).done().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_when_and_where_and_nothing_breaks_out_of_it() {
        let entry = CalendarEntry {
            organizer: "tickets@example.com".into(),
            uid: "0190-x@example.com".into(),
            sequence: 2,
            name: "Open Air\r\nATTENDEE:mailto:eve@example.com; with, signs".into(),
            venue: Some("Riverside\nPark".into()),
            starts_at: "2031-06-12T18:00:00Z".parse().unwrap(),
            ends_at: Some("2031-06-12T21:30:00Z".parse().unwrap()),
            is_cancelled: false,
            made_at: "2031-06-01T00:00:00Z".parse().unwrap(),
        };
        let file = entry.file();
        let lines: Vec<&str> = file.split("\r\n").collect();
        for line in [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Evently//Evently//EN",
            "METHOD:PUBLISH",
            "ORGANIZER:mailto:tickets@example.com",
            "UID:0190-x@example.com",
            "SEQUENCE:2",
            "DTSTAMP:20310601T000000Z",
            "DTSTART:20310612T180000Z",
            "DTEND:20310612T213000Z",
            "STATUS:CONFIRMED",
            "END:VCALENDAR",
        ] {
            assert!(lines.contains(&line), "{line} is missing:\n{file}");
        }
        assert!(!lines.iter().any(|line| line.starts_with("ATTENDEE")), "{file}");
        assert!(!file.replace("\r\n", "").contains(['\r', '\n']), "{file}");
        let gone = CalendarEntry { is_cancelled: true, ends_at: None, venue: None, ..entry }.file();
        assert!(gone.contains("STATUS:CANCELLED") && !gone.contains("DTEND") && !gone.contains("LOCATION"));
    }
}
