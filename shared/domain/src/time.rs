//! Time as Evently keeps, reads and shows it: instants in UTC, whole milliseconds.

use jiff::Timestamp;
use serde::Serializer;

/// The instant `ms` milliseconds after the Unix epoch; an instant out of range becomes the nearest one in it.
pub fn from_ms(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// Cuts an instant to the whole milliseconds that the stores keep, so that what is answered now and what is
/// read back later are the same.
pub fn to_whole_ms(instant: Timestamp) -> Timestamp {
    from_ms(instant.as_millisecond())
}

/// The instant that a client wrote (RFC 3339). jiff alone takes more than that: offsets of 25 hours, the names of zones, a second
/// of 60 as 59, hours without minutes; and less: at most nine digits of a second.
pub fn parse(text: &str) -> Option<Timestamp> {
    const FRACTION_DIGITS_MAX: usize = 9;
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let (clock, offset) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let is_time = is_date(date) && is_clock(clock) && is_offset(offset);
    if !is_time || fraction.is_empty() || !is_digits(fraction) {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(FRACTION_DIGITS_MAX)];
    format!("{date}T{clock}.{fraction}{}", offset.to_ascii_uppercase()).parse().ok()
}

/// A year of four digits, or as ISO 8601 writes those before and after.
fn is_date(date: &str) -> bool {
    let Some((year, day)) = date.len().checked_sub(6).and_then(|at| date.split_at_checked(at)) else {
        return false;
    };
    let is_year = match year.strip_prefix(['+', '-']) {
        Some(digits) => digits.len() == 6 && is_digits(digits),
        None => year.len() == 4 && is_digits(year),
    };
    is_year && has_shape(day, "-00-00")
}

fn is_clock(clock: &str) -> bool {
    has_shape(clock, "00:00:00") && !clock.ends_with(":60")
}

fn is_offset(offset: &str) -> bool {
    match offset.strip_prefix(['+', '-']) {
        Some(hours) => has_shape(hours, "00:00") && hours < "24:00" && &hours[3..] < "60",
        None => offset.eq_ignore_ascii_case("z"),
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text has digits just where the shape has zeros, and the shape's signs elsewhere.
fn has_shape(text: &str, shape: &str) -> bool {
    let is_like = |(byte, shape): (u8, u8)| if shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(is_like)
}

/// An instant as answers show it: always with three digits of a second, so that all times have one shape and sort as text.
pub fn shown(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Writes an instant as answers show it, for `#[serde(serialize_with)]`.
///
/// # Errors
/// Those of the serializer.
pub fn show<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}

/// The same for one that may be missing.
///
/// # Errors
/// Those of the serializer.
pub fn show_or_null<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => show(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_is_read_as_rfc_3339_has_it() {
        for (text, expected) in [
            ("2031-06-12T20:00:00Z", "2031-06-12T20:00:00.000Z"),
            ("2031-06-12t20:00:00z", "2031-06-12T20:00:00.000Z"),
            ("2031-06-12 20:00:00Z", "2031-06-12T20:00:00.000Z"),
            ("2031-06-12T22:00:00+02:00", "2031-06-12T20:00:00.000Z"),
            ("2031-06-12T20:00:00-00:00", "2031-06-12T20:00:00.000Z"),
            ("2031-06-12T23:59:00+23:59", "2031-06-12T00:00:00.000Z"),
            ("2031-06-12T20:00:00.5Z", "2031-06-12T20:00:00.500Z"),
            ("2031-06-12T20:00:00.1234567891Z", "2031-06-12T20:00:00.123Z"),
            ("2031-06-12T20:00:00.123456789012345678901234567890+02:00", "2031-06-12T18:00:00.123Z"),
            ("9999-12-30T22:00:00Z", "9999-12-30T22:00:00.000Z"),
            ("-009998-01-01T00:00:00Z", "-009998-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(parse(text).map(shown).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_of_rfc_3339_is_none() {
        for text in [
            "",
            "tomorrow",
            "2031-06-12",
            "2031-06-12T20:00:00",
            "2031-06-12T20:00Z",
            "2031-06-12T20Z",
            "20310612T200000Z",
            "2031-06-12T200000Z",
            "2031-06-12T20:00:60Z",
            "2031-06-12T23:59:60Z",
            "2031-06-12T24:00:00Z",
            "2031-06-12T20:00:00+24:00",
            "2031-06-12T20:00:00-25:59",
            "2031-06-12T20:00:00+02:60",
            "2031-06-12T20:00:00+02",
            "2031-06-12T20:00:00+0200",
            "2031-06-12T20:00:00+02:00:00",
            "2031-06-12T20:00:00Z[UTC]",
            "2031-06-12T20:00:00+02:00[Europe/Berlin]",
            "2031-06-12T20:00:00[Europe/Berlin]",
            "2031-06-12T20:00:00,5Z",
            "2031-06-12T20:00:00.Z",
            "2031-06-12T20:00:00.5.5Z",
            "2031-02-30T20:00:00Z",
            "2031-13-01T20:00:00Z",
            "2031-6-12T20:00:00Z",
            " 2031-06-12T20:00:00Z",
            "2031-06-12T20:00:00Z ",
            "２031-06-12T20:00:00Z",
            "2031-06-12T20:00:00+é0:00",
            "1750000000",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_as_it_was_and_sorts_as_text(one in 0..253_402_207_200_000_i64, other in 0..253_402_207_200_000_i64) {
            let (one, other) = (from_ms(one), from_ms(other));
            prop_assert_eq!(parse(&shown(one)), Some(one));
            prop_assert_eq!(shown(one).cmp(&shown(other)), one.cmp(&other));
        }

        #[test]
        fn any_text_is_a_time_or_none(text: String, like in "[0-9TtZz:. +-]{0,40}") {
            for text in [text, like] {
                prop_assert!(parse(&text).is_none_or(|at| parse(&at.to_string()) == Some(at)), "{text}");
            }
        }
    }
}
