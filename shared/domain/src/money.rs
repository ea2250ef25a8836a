//! Amounts of money. All are whole minor units, cents as a rule; here is how people write them.

use iso_currency::Currency;

/// An amount as people write it, in the currency's major unit and with all of its digits: 4500 are `45.00` of EUR, `4500` of JPY
/// and `4.500` of KWD. `None` for what is no currency of ISO 4217.
pub fn decimal(minor_units: u64, currency: &str) -> Option<String> {
    let currency = Currency::from_code(currency)?;
    // What has no minor unit, like gold, is counted in whole ones.
    let digits = usize::from(currency.exponent().unwrap_or(0));
    // A digit before the point, at least.
    let written = format!("{minor_units:0>width$}", width = digits + 1);
    let (whole, part) = written.split_at(written.len() - digits);
    Some(if digits == 0 { written } else { format!("{whole}.{part}") })
}

/// The minor units of an amount that people wrote in the currency's major unit, with a point or a comma: 4500 for `45`, `45.5` is
/// 4550, both of EUR. `None` for what is no amount, or has more digits than the currency.
pub fn minor_units(written: &str, currency: &str) -> Option<u64> {
    let digits = usize::from(Currency::from_code(currency)?.exponent().unwrap_or(0));
    let written = written.trim();
    let (whole, part) = written.split_once(['.', ',']).unwrap_or((written, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // Three digits behind a comma are thousands to some and a fraction to others.
    let is_ambiguous = written.contains(',') && part.len() == 3;
    if is_ambiguous || whole.is_empty() || part.len() > digits || !are_digits(whole) || !are_digits(part) {
        return None;
    }
    format!("{whole}{part:0<digits$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_has_the_digits_of_its_currency() {
        for (minor_units, currency, expected) in [
            (0, "EUR", "0.00"),
            (5, "EUR", "0.05"),
            (4_500, "EUR", "45.00"),
            (0, "JPY", "0"),
            (4_500, "JPY", "4500"),
            (0, "KWD", "0.000"),
            (45, "KWD", "0.045"),
            (4_500, "KWD", "4.500"),
            (12_345, "CLF", "1.2345"),
            (u64::MAX, "USD", "184467440737095516.15"),
        ] {
            assert_eq!(decimal(minor_units, currency).as_deref(), Some(expected), "{currency}");
        }
        for none in ["", "eur", "EURO", "XYZ"] {
            assert_eq!(decimal(1, none), None, "{none}");
        }
    }

    #[test]
    fn an_amount_is_read_as_people_write_it() {
        for (written, currency, expected) in [
            ("45", "EUR", Some(4_500)),
            (" 45.5 ", "EUR", Some(4_550)),
            ("45,50", "EUR", Some(4_550)),
            ("0", "EUR", Some(0)),
            ("45.", "EUR", Some(4_500)),
            ("4500", "JPY", Some(4_500)),
            ("4.5", "KWD", Some(4_500)),
            ("1.250", "KWD", Some(1_250)),
            ("1,250", "KWD", None),
            ("45.505", "EUR", None),
            ("1,000.00", "EUR", None),
            ("45.0", "JPY", None),
            (".5", "EUR", None),
            ("-1", "EUR", None),
            ("+1", "EUR", None),
            ("1e3", "EUR", None),
            ("", "EUR", None),
            ("45 EUR", "EUR", None),
            ("99999999999999999999", "EUR", None),
            ("1", "XYZ", None),
        ] {
            assert_eq!(minor_units(written, currency), expected, "{written:?} {currency}");
        }
    }

    proptest! {
        #[test]
        fn no_digit_is_lost(minor_units: u64, currency in prop::sample::select(vec!["EUR", "JPY", "KWD", "CLF"])) {
            let written = decimal(minor_units, currency).unwrap().replace('.', "");
            prop_assert_eq!(written.parse::<u64>().unwrap(), minor_units);
        }

        #[test]
        fn what_is_written_is_read_again(units: u64, currency in prop::sample::select(vec!["EUR", "JPY", "KWD", "CLF"])) {
            prop_assert_eq!(minor_units(&decimal(units, currency).unwrap(), currency), Some(units));
        }
    }
}
