//! Time as Evently keeps it: instants in UTC, whole milliseconds.

use jiff::Timestamp;

/// The instant `ms` milliseconds after the Unix epoch; an instant out of range becomes the nearest one in it.
pub fn from_ms(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// Cuts an instant to the whole milliseconds that the stores keep, so that what is answered now and what is
/// read back later are the same.
pub fn to_whole_ms(instant: Timestamp) -> Timestamp {
    from_ms(instant.as_millisecond())
}
