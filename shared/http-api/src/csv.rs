//! Lists as CSV (RFC 4180) for spreadsheets, for clients that prefer it to JSON.

use std::convert::Infallible;

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use domain::error::Error;

const CONTENT_TYPE: &str = "text/csv; charset=utf-8; header=present";

/// What the client wants, by `Accept` (RFC 9110, section 12.5.1), and where it asked.
#[derive(Clone, Debug)]
pub struct Wanted {
    csv: bool,
    uri: Uri,
}

/// Rows below a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The columns' names.
    pub header: Vec<String>,
    /// As many fields in each as there are columns.
    pub rows: Vec<Vec<String>>,
}

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { csv: prefers_csv(&parts.headers), uri: parts.uri.clone() })
    }
}

impl Wanted {
    /// The answer as JSON or as CSV; `next_cursor` also becomes a `Link` to the next page (RFC 8288), since CSV has no
    /// other place for it.
    pub fn answer(
        &self,
        body: &impl Serialize,
        table: impl FnOnce() -> Table,
        next_cursor: Option<&str>,
    ) -> Result<Response, Error> {
        let mut response = if self.csv {
            ([(header::CONTENT_TYPE, CONTENT_TYPE)], write(&table())?).into_response()
        } else {
            Json(body).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("Accept"));
        if let Some(cursor) = next_cursor {
            let link = format!("<{}>; rel=\"next\"", with_cursor(&self.uri, cursor));
            let link = HeaderValue::try_from(link).map_err(|error| Error::Internal(Box::new(error)))?;
            headers.insert(header::LINK, link);
        }
        Ok(response)
    }
}

/// A text that a spreadsheet must not take for a formula and run (OWASP, "CSV Injection"): an apostrophe makes it plain.
pub fn text(text: impl Into<String>) -> String {
    const STARTS_OF_FORMULAS: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let text = text.into();
    if text.starts_with(STARTS_OF_FORMULAS) { format!("'{text}") } else { text }
}

fn write(table: &Table) -> Result<Vec<u8>, Error> {
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let written = csv
        .write_record(&table.header)
        .and_then(|()| table.rows.iter().try_for_each(|row| csv.write_record(row)));
    written.map_err(|error| Error::Internal(Box::new(error)))?;
    csv.into_inner().map_err(|error| Error::Internal(error.to_string().into()))
}

/// The path and query asked for, with another cursor.
fn with_cursor(uri: &Uri, cursor: &str) -> String {
    let query = uri.query().unwrap_or_default();
    let others = query.split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("cursor"));
    // A cursor has nothing in it that must be escaped in a query.
    let cursor = format!("cursor={cursor}");
    let query: Vec<&str> = others.chain([cursor.as_str()]).collect();
    format!("{}?{}", uri.path(), query.join("&"))
}

/// Whether the client likes CSV better than JSON. JSON is answered where it likes both the same, or neither.
fn prefers_csv(headers: &HeaderMap) -> bool {
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

    #[test]
    fn no_text_is_a_formula() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(text(formula), format!("'{formula}"));
        }
        for plain in ["", "Concert", "1-1", "'=1", " =1"] {
            assert_eq!(text(plain), plain);
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let fields =
            ["plain", "with, comma", "with \"quotes\"", "two\r\nlines", "", "'=1"].map(str::to_owned);
        let table = Table { header: fields.to_vec(), rows: vec![fields.to_vec(), fields.to_vec()] };
        let written = write(&table).unwrap();
        assert!(written.ends_with(b"\r\n"));
        let mut read = csv::Reader::from_reader(written.as_slice());
        assert_eq!(read.headers().unwrap().iter().collect::<Vec<_>>(), fields);
        for row in read.records() {
            assert_eq!(row.unwrap().iter().collect::<Vec<_>>(), fields);
        }
    }

    #[test]
    fn the_next_page_has_the_same_query_and_another_cursor() {
        for (asked, next) in [
            ("/list", "/list?cursor=new"),
            ("/list?limit=5&cursor=old&from=a%2Bb", "/list?limit=5&from=a%2Bb&cursor=new"),
            ("/list?cursor=old", "/list?cursor=new"),
        ] {
            assert_eq!(with_cursor(&asked.parse().unwrap(), "new"), next);
        }
    }
}
