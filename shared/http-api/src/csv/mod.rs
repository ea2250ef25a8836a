//! CSV (RFC 4180) for spreadsheets: what is asked for in which form, and files to download.
//!
//! A list is a whole file, whatever pages its JSON has. A file that would be too large, or take too long, ends with a row, and
//! `Link` leads to the next.

mod accept;
mod file;
mod file_name;
mod list;

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderValue, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use domain::{error::Error, field_error::Wrong};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

pub(crate) use self::file::BYTE_ORDER_MARK;
use self::file::{File, FileLimits};
pub use self::{
    file::text,
    file_name::FileName,
    list::{List, Part},
};
use crate::{
    fields::{self, Fields, Read, word},
    problem::Problem,
    query::given,
};

pub(crate) const CONTENT_TYPE: &str = "text/csv; charset=utf-8; header=present";

/// The query of a route that also answers CSV.
#[derive(Clone, Debug)]
pub struct Asked<T> {
    /// What the route itself takes.
    pub params: T,
    /// In which form the answer is wanted.
    pub wanted: Wanted,
}

/// In which form an answer is wanted, and where it was asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    format: Format,
    byte_order_mark: bool,
    uri: Uri,
}

/// In which form.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FormParams {
    /// Wins over `Accept`, by which the answer goes without it: JSON, unless CSV is preferred.
    pub format: Option<Format>,
    /// With `1` a CSV file begins with a byte order mark, without which Excel reads letters other than English ones wrong.
    pub bom: Option<Mark>,
}

/// A form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON.
    Json,
    /// CSV.
    Csv,
}

/// Whether a file begins with a byte order mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ByteOrderMark)]
pub enum Mark {
    /// It does not.
    #[serde(rename = "0")]
    Without,
    /// It does.
    #[serde(rename = "1")]
    With,
}

impl Format {
    fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

impl Mark {
    fn as_str(self) -> &'static str {
        match self {
            Self::Without => "0",
            Self::With => "1",
        }
    }
}

impl<T: Read, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let prefers_csv = accept::prefers_csv(&parts.headers);
        let read = fields::read_by(given(&parts.uri), |fields| {
            let params = T::read(fields);
            let wanted = Wanted::read(fields, prefers_csv, &parts.uri);
            Some(Self { params: params?, wanted })
        });
        read.map_err(Problem::bad_parameters)
    }
}

impl Wanted {
    fn read(fields: &mut Fields, prefers_csv: bool, uri: &Uri) -> Self {
        let format = fields.optional("format", word(&[Format::Json, Format::Csv], Format::as_str));
        let format = format.unwrap_or(if prefers_csv { Format::Csv } else { Format::Json });
        let mark = fields.optional("bom", word(&[Mark::Without, Mark::With], Mark::as_str));
        let byte_order_mark = mark == Some(Mark::With);
        if byte_order_mark && format == Format::Json {
            fields.complain("bom", Wrong::OnlyWith { other: "format", value: Format::Csv.as_str() });
        }
        Self { format, byte_order_mark, uri: uri.clone() }
    }

    fn is_csv(&self) -> bool {
        self.format == Format::Csv
    }

    /// The answer as JSON, or as a file with these columns and rows.
    pub fn answer(
        &self,
        body: &impl Serialize,
        columns: &[&str],
        rows: impl FnOnce() -> Vec<Vec<String>>,
        file_name: impl FnOnce() -> FileName,
    ) -> Result<Response, Error> {
        if !self.is_csv() {
            return self.json(body, None);
        }
        let mut file = self.file(columns, FileLimits::NONE)?;
        for row in rows() {
            file.add(&row)?;
        }
        self.download(file, &file_name(), None)
    }

    fn file(&self, columns: &[&str], limits: FileLimits) -> Result<File, Error> {
        File::new(columns, self.byte_order_mark, limits)
    }

    fn json(&self, body: &impl Serialize, next_cursor: Option<&str>) -> Result<Response, Error> {
        self.with_headers(Json(body).into_response(), next_cursor)
    }

    fn download(&self, file: File, name: &FileName, next_cursor: Option<&str>) -> Result<Response, Error> {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE)),
            (header::CONTENT_DISPOSITION, name.header()?),
        ];
        self.with_headers((headers, file.into_content()).into_response(), next_cursor)
    }

    /// What both forms have: the next page also as a `Link` (RFC 8288), since CSV has no other place for it.
    fn with_headers(&self, mut response: Response, next_cursor: Option<&str>) -> Result<Response, Error> {
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

/// The path and query asked for, with another cursor.
fn with_cursor(uri: &Uri, cursor: &str) -> String {
    let query = uri.query().unwrap_or_default();
    let is_cursor =
        |pair: &str| form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(name, _)| name == "cursor");
    let others = query.split('&').filter(|pair| !pair.is_empty() && !is_cursor(pair));
    // A cursor has nothing in it that must be escaped in a query.
    let cursor = format!("cursor={cursor}");
    let query: Vec<&str> = others.chain([cursor.as_str()]).collect();
    format!("{}?{}", uri.path(), query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::limit;

    struct Limit(Option<u32>);

    impl Read for Limit {
        fn read(fields: &mut Fields) -> Option<Self> {
            Some(Self(limit(fields)))
        }
    }

    fn asked(query: &str, accept: &str) -> Result<Asked<Limit>, Problem> {
        let request = axum::http::Request::builder().uri(format!("/list?{query}")).header("accept", accept);
        let mut parts = request.body(()).unwrap().into_parts().0;
        futures::executor::block_on(Asked::from_request_parts(&mut parts, &()))
    }

    #[test]
    fn the_parameter_wins_over_the_header() {
        for (query, accept, expected) in [
            ("", "*/*", (Format::Json, false)),
            ("", "text/csv", (Format::Csv, false)),
            ("format=csv", "application/json", (Format::Csv, false)),
            ("format=json", "text/csv", (Format::Json, false)),
            ("format=csv&bom=1&limit=7", "*/*", (Format::Csv, true)),
            ("bom=1", "text/csv", (Format::Csv, true)),
            ("bom=0", "text/csv", (Format::Csv, false)),
            ("bom=0", "*/*", (Format::Json, false)),
        ] {
            let Asked { wanted, params } = asked(query, accept).unwrap();
            assert_eq!((wanted.format, wanted.byte_order_mark), expected, "{query} {accept}");
            assert_eq!(params.0, query.contains("limit").then_some(7));
        }
    }

    #[test]
    fn all_that_is_wrong_with_the_form_is_named_beside_the_rest() {
        for (query, accept, expected) in [
            ("format=xml", "text/csv", vec![("format", "not_one_of")]),
            ("format=CSV", "*/*", vec![("format", "not_one_of")]),
            ("format=", "*/*", vec![("format", "not_one_of")]),
            ("format=csv&format=csv", "*/*", vec![("format", "duplicate")]),
            ("bom=true&format=csv", "*/*", vec![("bom", "not_one_of")]),
            ("bom=1", "*/*", vec![("bom", "only_with")]),
            ("format=json&bom=1", "text/csv", vec![("bom", "only_with")]),
            (
                "limit=0&bom=1&formt=csv",
                "*/*",
                vec![("limit", "out_of_range"), ("bom", "only_with"), ("formt", "unknown")],
            ),
        ] {
            let errors = asked(query, accept).err().unwrap().errors();
            let named: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.code)).collect();
            assert_eq!(named, expected, "{query} {accept}");
        }
    }

    #[test]
    fn the_next_page_has_the_same_query_and_another_cursor() {
        for (asked, next) in [
            ("/list", "/list?cursor=new"),
            ("/list?limit=5&cursor=old&from=a%2Bb", "/list?limit=5&from=a%2Bb&cursor=new"),
            ("/list?%63ursor=old&&q=cursor", "/list?q=cursor&cursor=new"),
            ("/list?cursor=old&format=csv&bom=1", "/list?format=csv&bom=1&cursor=new"),
        ] {
            assert_eq!(with_cursor(&asked.parse().unwrap(), "new"), next);
        }
    }
}
