//! How pages say amounts, times and numbers.

use domain::{
    event::{AreaName, Event, NotOnSale},
    money::decimal,
    rate::Line,
};
use jiff::Timestamp;
use maud::{Markup, html};

/// An amount in minor units of a currency: `45.00 EUR`, `4,500 JPY`, `free`.
pub(crate) fn money(minor: u64, currency: &str) -> String {
    if minor == 0 { "free".to_owned() } else { amount(minor, currency) }
}

/// The same of an amount that is no price: `0.00 EUR`.
pub(crate) fn amount(minor: u64, currency: &str) -> String {
    let written = decimal(minor, currency).unwrap_or_else(|| minor.to_string());
    match written.split_once('.') {
        Some((whole, part)) => format!("{}.{part} {currency}", grouped(whole)),
        None => format!("{} {currency}", grouped(written)),
    }
}

/// An instant: in UTC, and with scripts in the visitor's own time.
pub(crate) fn time(at: Timestamp) -> Markup {
    html! { time datetime=(domain::time::shown(at)) { (plain_time(at)) } }
}

/// An instant in UTC.
pub(crate) fn plain_time(at: Timestamp) -> String {
    at.strftime("%a %-d %b %Y, %H:%M UTC").to_string()
}

/// How many of something: `1 booking`, `1,200 bookings`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// How many places: `1 place`, `12 places`.
pub(crate) fn places(number: u32) -> String {
    counted(number.into(), "place")
}

/// How many places, by rate if there are several: `3`, `2 × Full price, 1 × Up to 14`.
pub(crate) fn by_rate(quantity: u32, lines: &[Line]) -> String {
    if lines.is_empty() {
        return grouped(quantity);
    }
    let one = |line: &Line| format!("{} × {}", line.quantity, line.name);
    lines.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The area of places, as one of the facts about them; none of an event that names no areas.
pub(crate) fn area(area: &AreaName) -> Option<(&'static str, Markup)> {
    (!area.is_general()).then(|| ("Area", html! { (area.name) }))
}

/// What seats are called, as one of the facts about them; none of places without names.
pub(crate) fn seats(names: &[String]) -> Option<(&'static str, Markup)> {
    (!names.is_empty())
        .then(|| (if names.len() == 1 { "Seat" } else { "Seats" }, html! { (names.join(", ")) }))
}

/// A number as people read it: `47,970`.
pub(crate) fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Seconds as a countdown shows them: `9:05`.
pub(crate) fn clock(seconds: i64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Whether an event can be bought, and what of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// So many places are left.
    Left(u32),
    /// None is left; some may come back.
    None,
    OpensAt(Timestamp),
    Over,
    Cancelled,
}

impl Offer {
    pub(crate) fn of(event: &Event, available: u32, now: Timestamp) -> Self {
        match event.not_on_sale(now) {
            Some(NotOnSale::OpensAt(at)) => Self::OpensAt(at),
            Some(NotOnSale::ClosedAt(_) | NotOnSale::Draft) => Self::Over,
            Some(NotOnSale::Cancelled) => Self::Cancelled,
            None if available == 0 => Self::None,
            None => Self::Left(available),
        }
    }

    /// In a few words.
    pub(crate) fn words(self) -> Markup {
        html! {
            @match self {
                Self::Left(number) => { span.good { (places(number)) " left" } }
                Self::None => { span.gone { "Sold out for now" } }
                Self::OpensAt(at) => { span.soon { "On sale from " (time(at)) } }
                Self::Over => { span.gone { "Sales are over" } }
                Self::Cancelled => { span.gone { "Cancelled" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        for (minor, currency, said) in [
            (4_500, "EUR", "45.00 EUR"),
            (5, "EUR", "0.05 EUR"),
            (4_500, "JPY", "4,500 JPY"),
            (1_234_567, "KWD", "1,234.567 KWD"),
            (0, "EUR", "free"),
            (u64::MAX, "EUR", "184,467,440,737,095,516.15 EUR"),
            (12, "???", "12 ???"),
        ] {
            assert_eq!(money(minor, currency), said);
        }
    }

    #[test]
    fn times_and_numbers_are_said_as_people_say_them() {
        let at: Timestamp = "2031-06-02T18:05:09.5Z".parse().unwrap();
        assert_eq!(plain_time(at), "Mon 2 Jun 2031, 18:05 UTC");
        assert_eq!(
            [1, 999, 1_000, 1_047_970].map(places),
            ["1 place", "999 places", "1,000 places", "1,047,970 places"]
        );
        assert_eq!((clock(0), clock(59), clock(605)), ("0:00".into(), "0:59".into(), "10:05".into()));
    }
}
