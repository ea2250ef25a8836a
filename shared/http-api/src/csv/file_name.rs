//! What a browser saves a file as: `Content-Disposition` (RFC 6266).

use axum::http::HeaderValue;
use domain::{
    error::Error,
    text::{is_of_word, searchable},
};
use form_urlencoded::byte_serialize;
use jiff::{Timestamp, tz::TimeZone};

/// Of a long name, its beginning tells enough; file systems take 255 bytes in all.
const PART_CHARS_MAX: usize = 40;

/// A file's name, made of parts: letters, digits and hyphens, so that it is safe in any header and on any disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// In ASCII, for every client.
    plain: String,
    /// In all letters.
    full: String,
}

impl FileName {
    /// A name that begins so.
    pub fn new(kind: &str) -> Self {
        Self { plain: words(kind), full: words(kind) }
    }

    /// Adds a text, without what is no letter or digit.
    #[must_use]
    pub fn with(mut self, part: &str) -> Self {
        let plain: String = searchable(part).chars().map(|c| if c.is_ascii() { c } else { ' ' }).collect();
        for (name, part) in [(&mut self.plain, words(&plain)), (&mut self.full, words(part))] {
            if !part.is_empty() {
                *name += &format!("-{part}");
            }
        }
        self
    }

    /// Adds a day, in UTC.
    #[must_use]
    pub fn with_day(self, at: Timestamp) -> Self {
        self.with(&at.to_zoned(TimeZone::UTC).date().to_string())
    }

    /// Adds a time to the minute, in UTC.
    #[must_use]
    pub fn with_time(self, at: Timestamp) -> Self {
        self.with(&at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d-%H%M").to_string())
    }

    /// Adds what was asked for of a range of days, if anything.
    #[must_use]
    pub fn with_range(mut self, from: Option<Timestamp>, to: Option<Timestamp>) -> Self {
        for (word, at) in [("from", from), ("to", to)] {
            if let Some(at) = at {
                self = self.with(word).with_day(at);
            }
        }
        self
    }

    /// Adds when that was so which is in the file.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        self.with("at").with_time(now)
    }

    /// The header that tells it.
    pub(super) fn header(&self) -> Result<HeaderValue, Error> {
        let mut header = format!("attachment; filename=\"{}.csv\"", self.plain);
        if !self.full.is_ascii() {
            let full: String = byte_serialize(self.full.as_bytes()).collect();
            header += &format!("; filename*=UTF-8''{full}.csv");
        }
        HeaderValue::try_from(header).map_err(|error| Error::Internal(Box::new(error)))
    }
}

/// The words of a text, with hyphens between them.
fn words(text: &str) -> String {
    let words = text.split(|c| !is_of_word(c)).filter(|word| !word.is_empty());
    let joined: String = words.collect::<Vec<_>>().join("-").chars().take(PART_CHARS_MAX).collect();
    joined.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(name: &str) -> String {
        FileName::new("bookings").with(name).header().unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_name_tells_what_is_in_the_file() {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let (from, to) = (at("2026-03-01T23:30:00-05:00"), at("2026-03-09T00:00:00Z"));
        let named = FileName::new("audit").with_range(from, to);
        assert_eq!(named.plain, "audit-from-2026-03-02-to-2026-03-09");
        assert_eq!(FileName::new("audit").with_range(None, to).plain, "audit-to-2026-03-09");
        assert_eq!(FileName::new("audit").with_range(None, None).plain, "audit");
        assert_eq!(FileName::new("sales").with_time(from.unwrap()).plain, "sales-2026-03-02-0430");
    }

    #[test]
    fn odd_names_are_safe() {
        for (name, plain) in [
            ("Open Air 2031", "bookings-open-air-2031"),
            ("../../etc/passwd", "bookings-etc-passwd"),
            ("a\"; filename=\"evil.exe", "bookings-a-filename-evil-exe"),
            ("C:\\nul", "bookings-c-nul"),
            ("line\r\nSet-Cookie: a=b", "bookings-line-set-cookie-a-b"),
            ("!!!", "bookings"),
            ("  -- ", "bookings"),
        ] {
            assert_eq!(header(name), format!("attachment; filename=\"{plain}.csv\""), "{name}");
        }
    }

    #[test]
    fn letters_of_all_scripts_are_told_to_clients_that_know_them() {
        for (name, expected) in [
            (
                "Café Müller",
                "filename=\"bookings-cafe-muller.csv\"; filename*=UTF-8''bookings-Caf%C3%A9-M%C3%BCller.csv",
            ),
            (
                "音楽祭",
                "filename=\"bookings.csv\"; filename*=UTF-8''bookings-%E9%9F%B3%E6%A5%BD%E7%A5%AD.csv",
            ),
            ("👩‍👩‍👧 \u{202e}gpj", "filename=\"bookings-gpj.csv\""),
        ] {
            assert_eq!(header(name), format!("attachment; {expected}"), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_makes_a_header_of_two_quotes(name: String) {
            let header = header(&name);
            let rest = header.strip_prefix("attachment; filename=\"").unwrap();
            let (plain, rest) = rest.split_once('"').unwrap();
            prop_assert!(plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)));
            prop_assert!(plain.ends_with(".csv") && plain.len() < 128);
            if !rest.is_empty() {
                let full = rest.strip_prefix("; filename*=UTF-8''").unwrap();
                prop_assert!(full.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.%".contains(&byte)));
            }
        }
    }
}
