//! Parameters of the path and the query.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Path, Query, rejection::QueryRejection},
    http::request::Parts,
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use domain::{
    error::Error,
    id::{EventId, NotAnId, ReservationId},
};

/// Items in a page unless asked otherwise.
pub const PAGE_ITEMS_DEFAULT: usize = 20;
/// Items in a page at most.
pub const PAGE_ITEMS_MAX: usize = 100;

/// The query of type `T`; a bad parameter gives 400.
#[derive(Clone, Debug)]
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(params)| Self(params)).map_err(|rejection| match &rejection {
            QueryRejection::FailedToDeserializeQueryString(error) => {
                let message =
                    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
                let (field, message) = message.split_once(": ").unwrap_or(("query", &message));
                Problem::bad_parameter(field, message)
            }
            _ => Problem::bad_parameter("query", "could not be read"),
        })
    }
}

/// How many items a page may have, from `?limit=`.
pub fn page_items(limit: Option<u32>) -> Result<usize, Problem> {
    match limit {
        None => Ok(PAGE_ITEMS_DEFAULT),
        Some(limit) => usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=PAGE_ITEMS_MAX).contains(limit))
            .ok_or_else(|| Problem::bad_parameter("limit", format!("must be 1 to {PAGE_ITEMS_MAX}"))),
    }
}

/// Complains of `to` if the range ends before it begins.
pub fn check_range(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<(), Problem> {
    match (from, to) {
        (Some(from), Some(to)) if to < from => Err(Problem::bad_parameter("to", "must not be before from")),
        _ => Ok(()),
    }
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

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Filter {
        q: Option<String>,
        from: Option<jiff::Timestamp>,
        limit: Option<u32>,
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
        fn a_page_has_what_was_asked_for_within_bounds(limit: Option<u32>) {
            match page_items(limit) {
                Ok(items) => prop_assert_eq!(items, limit.map_or(PAGE_ITEMS_DEFAULT, |limit| limit as usize)),
                Err(problem) => {
                    prop_assert_eq!(problem.code(), Code::InvalidParameter);
                    prop_assert!(!(1..=100).contains(&limit.unwrap()));
                }
            }
        }
    }
}
