//! What every route shares: problems, extractors, tokens, cursors, views, and the service around a router.

pub mod body;
pub mod caller;
pub mod client_address;
mod cors;
pub mod csv;
pub mod cursor;
pub mod gateway;
pub mod headers;
mod json;
pub mod limit;
pub mod openapi;
pub mod problem;
pub mod query;
mod request_id;
pub mod routes;
pub mod service;
pub mod token;
pub mod views;

pub use body::{JsonBody, MergePatch};
pub use caller::{Admin, Caller};
pub use client_address::ClientAddress;
pub use headers::{IdempotencyKey, OptionalIdempotencyKey};
pub use limit::Permit;
pub use problem::Problem;
pub use query::{BookingId, PathId, QueryParams};
pub use service::{run, service};
