//! `Accept`: whether a client likes CSV better than JSON (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, header};

/// Whether the client likes CSV better than JSON. JSON is answered where it likes both the same, or neither.
pub(super) fn prefers_csv(headers: &HeaderMap) -> bool {
    let ranges: Vec<(String, f32)> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(media_range)
        .collect();
    quality(&ranges, "text", "csv") > quality(&ranges, "application", "json")
}

/// A range in small letters and its quality; `None` if that is not understood.
fn media_range(range: &str) -> Option<(String, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next()?.to_ascii_lowercase();
    let weight = parts.filter_map(|parameter| parameter.split_once('='));
    let mut weight = weight.filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    let quality = weight.next().map_or(Ok(1.0), |(_, quality)| quality.trim().parse::<f32>()).ok()?;
    quality.is_finite().then_some((name, quality))
}

/// The quality of the most precise range that a type falls in; 0 if it falls in none.
fn quality(ranges: &[(String, f32)], kind: &str, subtype: &str) -> f32 {
    let best = [format!("{kind}/{subtype}"), format!("{kind}/*"), "*/*".to_owned()];
    let found = best.iter().find_map(|wanted| ranges.iter().find(|(range, _)| range == wanted));
    found.map_or(0.0, |(_, quality)| quality.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_answered_to_whom_it_is_dearer_than_json() {
        let wants_csv =
            |accept: &str| prefers_csv(&HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]));
        for accept in [
            "text/csv",
            "TEXT/CSV",
            "text/csv; header=present",
            "text/csv, */*;q=0.1",
            "application/json; q=0.5, text/csv;q=0.8",
            "text/csv; q=0.3, application/json;q=0",
            "text/*, application/json;q=0.9",
            "text/csv;Q=0.5",
            "image/png, text/csv ;q=0.001",
        ] {
            assert!(wants_csv(accept), "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/json",
            "application/json, text/csv",
            "text/csv;q=0.5, application/json",
            "text/csv;q=0, */*",
            "text/csv;q=0.1, */*;q=0.2",
            "text/csv;q=soon",
            "text/html, application/xhtml+xml, */*;q=0.8",
            "text/csvx",
        ] {
            assert!(!wants_csv(accept), "{accept}");
        }
        assert!(!prefers_csv(&HeaderMap::new()));
    }
}
