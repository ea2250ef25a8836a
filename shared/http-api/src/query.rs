//! Parameters of the path and the query.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Path},
    http::{Uri, request::Parts},
};
use jiff::Timestamp;

use super::{
    fields::{self, Fields, Given, Read, Value, instant, text_of, whole_within},
    problem::Problem,
};
use domain::{
    error::Error,
    event::NAME_CHARS_MAX,
    field_error::Wrong,
    id::{EventId, NotAnId, ReservationId, WebhookId},
};

/// Items in a page unless asked otherwise.
pub const PAGE_ITEMS_DEFAULT: u32 = 20;
/// Items in a page at most.
pub const PAGE_ITEMS_MAX: u32 = 100;

/// The query of type `T`; 400 names every bad parameter, and every one that is not known.
#[derive(Clone, Debug)]
pub struct QueryParams<T>(pub T);

impl<T: Read, S: Send + Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        fields::read(given(&parts.uri)).map(Self).map_err(Problem::bad_parameters)
    }
}

pub(super) fn given(uri: &Uri) -> Given {
    let query = uri.query().unwrap_or_default();
    let parameters = form_urlencoded::parse(query.as_bytes()).into_owned();
    // One without a name is named after where it stands.
    let named = |name: String| if name.is_empty() { "query".to_owned() } else { name };
    parameters.map(|(name, value)| (named(name), Value::Parameter(value))).collect()
}

/// What there is to say of the query of a route that takes none.
pub(super) fn none_taken(uri: &Uri) -> Result<(), Problem> {
    struct Nothing;

    impl Read for Nothing {
        fn read(_: &mut Fields) -> Option<Self> {
            Some(Self)
        }
    }

    match uri.query() {
        None | Some("") => Ok(()),
        Some(_) => fields::read::<Nothing>(given(uri)).map(drop).map_err(Problem::bad_parameters),
    }
}

/// `limit`: how many items a page may have.
pub fn limit(fields: &mut Fields) -> Option<u32> {
    fields.optional("limit", whole_within(1..=PAGE_ITEMS_MAX))
}

/// `q`: words to look for.
pub fn words(fields: &mut Fields) -> Option<String> {
    fields.optional("q", text_of(1..=NAME_CHARS_MAX))
}

/// How many items a page may have, where `limit` says so or not.
pub fn page_items(limit: Option<u32>) -> usize {
    usize::try_from(limit.unwrap_or(PAGE_ITEMS_DEFAULT)).unwrap_or(usize::MAX)
}

/// Two instants of which the second is not before the first, by their names. Each may have another name that it had before.
pub fn range(
    fields: &mut Fields,
    [from, to]: [&'static str; 2],
    before: Option<[&'static str; 2]>,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let mut bound = |name: &'static str, before: Option<&'static str>| {
        let mut read = |name| fields.optional(name, instant).map(|at| (name, at));
        let (now, then) = (read(name), before.and_then(read));
        if let (Some(_), Some((before, _))) = (now, then) {
            fields.complain(before, Wrong::Twice);
        }
        now.or(then)
    };
    let start = bound(from, before.map(|[from, _]| from));
    let end = bound(to, before.map(|[_, to]| to));
    if let (Some((from, start)), Some((to, end))) = (start, end)
        && end < start
    {
        fields.complain(to, Wrong::Before(from));
    }
    (start.map(|(_, start)| start), end.map(|(_, end)| end))
}

/// The id in the path. What is no id names nothing: 404, as the thing would if it did not exist.
#[derive(Clone, Copy, Debug)]
pub struct PathId<T>(pub T);

/// An id that stands in a path.
pub trait IdInPath: FromStr {
    /// What is answered when there is no such thing.
    const NOT_FOUND: Error;
}

impl IdInPath for EventId {
    const NOT_FOUND: Error = Error::EventNotFound;
}

impl IdInPath for ReservationId {
    const NOT_FOUND: Error = Error::ReservationNotFound;
}

impl IdInPath for WebhookId {
    const NOT_FOUND: Error = Error::WebhookNotFound;
}

/// The id of a booking in a path: the same as the reservation's, but another thing is missing if it names
/// nothing.
#[derive(Clone, Copy, Debug)]
pub struct BookingId(pub ReservationId);

impl FromStr for BookingId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        text.parse().map(Self)
    }
}

impl IdInPath for BookingId {
    const NOT_FOUND: Error = Error::BookingNotFound;
}

/// The event and the area that a path names, by their ids.
#[derive(Clone, Debug)]
pub struct PathArea {
    /// The event.
    pub event: EventId,
    /// The area, which the event need not have.
    pub area: String,
}

impl<S: Send + Sync> FromRequestParts<S> for PathArea {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let (event, area) = path.map_err(|_| Error::EventNotFound)?.0;
        Ok(Self { event: event.parse().map_err(|_| Error::EventNotFound)?, area })
    }
}

impl<T: IdInPath, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = || Problem::from(T::NOT_FOUND);
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        text.parse().map(Self).map_err(|_| not_found())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Code;

    #[derive(Debug)]
    struct Filter {
        q: Option<String>,
        from: Option<Timestamp>,
        limit: Option<u32>,
    }

    impl Read for Filter {
        fn read(fields: &mut Fields) -> Option<Self> {
            let (from, _) = range(fields, ["starts_from", "starts_to"], Some(["from", "to"]));
            Some(Self { q: words(fields), from, limit: limit(fields) })
        }
    }

    fn filter(query: &str) -> Option<Result<QueryParams<Filter>, Problem>> {
        let uri = axum::http::Uri::try_from(format!("/events?{query}")).ok()?;
        let (mut parts, ()) = axum::http::Request::builder().uri(uri).body(()).unwrap().into_parts();
        Some(futures::executor::block_on(QueryParams::from_request_parts(&mut parts, &())))
    }

    proptest! {
        #[test]
        fn any_query_is_accepted_or_refused_well(
            query in "((q|from|limit|[a-z]{0,3})=?(%[0-9a-fA-F]{0,2}|[ -~]|\\+){0,12}&?){0,4}",
        ) {
            if let Some(Err(problem)) = filter(&query) {
                prop_assert_eq!(problem.code(), Code::InvalidParameter);
                prop_assert!(!problem.errors()[0].field.is_empty());
            }
        }

        #[test]
        fn a_page_has_what_was_asked_for_within_bounds(asked: Option<u32>) {
            let query = asked.map_or(String::new(), |limit| format!("limit={limit}"));
            match filter(&query).unwrap() {
                Ok(QueryParams(Filter { limit, .. })) => {
                    prop_assert_eq!(page_items(limit), asked.map_or(20, |limit| limit as usize));
                }
                Err(_) => prop_assert!(!(1..=100).contains(&asked.unwrap())),
            }
        }
    }

    fn wrong(query: &str) -> Vec<(String, &'static str)> {
        let mut parts =
            axum::http::Request::builder().uri(format!("/?{query}")).body(()).unwrap().into_parts().0;
        let read = futures::executor::block_on(QueryParams::<Filter>::from_request_parts(&mut parts, &()));
        let errors = read.map_or_else(|problem| problem.errors(), |_| Vec::new());
        errors.into_iter().map(|error| (error.field, error.code)).collect()
    }

    #[test]
    fn every_bad_and_unknown_parameter_is_named() {
        let named = wrong("limit=x&q=&from=soon&colour=red&limit=2");
        let expected = [
            ("from", "wrong_type"),
            ("q", "wrong_length"),
            ("limit", "duplicate"),
            ("limit", "wrong_type"),
            ("colour", "unknown"),
        ];
        assert_eq!(named, expected.map(|(field, code)| (field.to_owned(), code)));
        assert_eq!(wrong("limit=101"), [("limit".to_owned(), "out_of_range")]);
        assert_eq!(wrong("limit=-1"), [("limit".to_owned(), "out_of_range")]);
        assert_eq!(wrong("q=a%20b&limit=5&&"), []);
    }

    #[test]
    fn a_parameter_may_have_the_name_that_it_had_but_not_both() {
        let Ok(QueryParams(Filter { from, q, .. })) = filter("from=2031-01-01T00:00:00Z&q=a").unwrap() else {
            panic!("refused")
        };
        assert_eq!((from.map(|from| from.as_second()), q.as_deref()), (Some(1_924_992_000), Some("a")));
        let both = "from=2031-01-01T00:00:00Z&starts_from=2031-01-01T00:00:00Z";
        assert_eq!(wrong(both), [("from".to_owned(), "duplicate")]);
        let backwards = "starts_from=2031-01-02T00:00:00Z&to=2031-01-01T00:00:00Z";
        assert_eq!(wrong(backwards), [("to".to_owned(), "before")]);
    }

    #[test]
    fn a_route_without_a_query_takes_none() {
        let refused = |uri: &str| none_taken(&uri.parse().unwrap()).is_err();
        assert!(!refused("/events/1") && !refused("/events/1?"));
        assert!(refused("/events/1?limit=2") && refused("/events/1?x"));
    }
}
