//! Amounts of money and ratios, as all numbers for admins show them.

use std::collections::BTreeMap;

use domain::money::decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Amount {
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    pub currency: String,
    /// In minor units.
    #[schema(example = 765_000)]
    pub amount: u64,
}

/// Amounts in the order of their currencies.
pub fn amounts<C: AsRef<str>>(by_currency: &BTreeMap<C, u64>) -> Vec<Amount> {
    let amounts = by_currency.iter();
    amounts
        .map(|(currency, amount)| Amount { currency: currency.as_ref().to_owned(), amount: *amount })
        .collect()
}

/// An amount as two columns of CSV: in minor units, and as people write it. Nothing of no currency is nothing in any.
pub fn columns_of(currency: &str, amount: u64) -> [String; 2] {
    let minor_units = amount.to_string();
    let written = if currency.is_empty() { Some(minor_units.clone()) } else { decimal(amount, currency) };
    [minor_units, written.unwrap_or_default()]
}

/// A part of a whole, rounded to four digits; 0 of nothing.
pub fn ratio(part: u64, whole: u64) -> f64 {
    const DIGITS: f64 = 10_000.0;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let ratio = if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    (ratio * DIGITS).round() / DIGITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_has_four_digits_and_nothing_of_nothing_is_nothing() {
        for (part, whole, expected) in
            [(0, 0, 0.0), (1, 3, 0.333_3), (2, 3, 0.666_7), (5, 5, 1.0), (1, 8, 0.125)]
        {
            assert!((ratio(part, whole) - expected).abs() < f64::EPSILON, "{part} of {whole}");
        }
    }
}
