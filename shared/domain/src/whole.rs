//! Whole numbers as JSON has them: it knows one kind of number, so `10.0` is `10` (RFC 8259, section 6), and some
//! clients write it like that.

use std::fmt;

use serde::{
    Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// A whole number, for `#[serde(deserialize_with)]`.
///
/// # Errors
/// When it is no number, not whole, or not within the bounds of `u32`.
pub fn whole<'de, D: Deserializer<'de>>(number: D) -> Result<u32, D::Error> {
    number.deserialize_u32(Whole)
}

struct Whole;

impl Visitor<'_> for Whole {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("u32")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u32, E> {
        u32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
        u32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<u32, E> {
        if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) {
            // Both bounds were just checked, so nothing is cut off.
            Ok(number as u32)
        } else {
            Err(E::invalid_type(Unexpected::Float(number), &self))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Numbers {
        #[serde(deserialize_with = "whole")]
        seats: u32,
    }

    fn numbers(json: &str) -> Option<u32> {
        serde_json::from_str::<Numbers>(json).ok().map(|numbers| numbers.seats)
    }

    #[test]
    fn a_whole_number_may_have_a_point() {
        assert_eq!(numbers(r#"{"seats": 10}"#), Some(10));
        assert_eq!(numbers(r#"{"seats": 4294967295.0}"#), Some(u32::MAX));
        assert_eq!(numbers(r#"{"seats": 1e3}"#), Some(1_000));
    }

    #[test]
    fn what_is_not_whole_or_out_of_bounds_is_refused() {
        for number in
            ["1.5", "-1", "-1.0", "4294967296", "4294967296.0", "1e300", "\"1\"", "null", "true", "[1]"]
        {
            assert_eq!(numbers(&format!(r#"{{"seats": {number}}}"#)), None, "{number}");
        }
    }

    proptest! {
        #[test]
        fn every_number_of_seats_is_read_as_it_was_written(seats: u32) {
            for json in [format!("{seats}"), format!("{seats}.0"), format!("{seats}.000"), format!("{seats}e0")] {
                prop_assert_eq!(numbers(&format!(r#"{{"seats": {json}}}"#)), Some(seats));
            }
        }

        #[test]
        fn any_other_number_is_refused(number: f64) {
            prop_assume!(number.fract() != 0.0 || !(0.0..4_294_967_296.0).contains(&number));
            prop_assert_eq!(numbers(&format!(r#"{{"seats": {number:?}}}"#)), None);
        }
    }
}
