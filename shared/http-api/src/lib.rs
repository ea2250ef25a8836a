//! What every route shares: problems, extractors, tokens, cursors, views, and the service around a router.

mod app;
mod bearer;
pub mod body;
pub mod caller;
pub mod client_address;
mod code;
mod cors;
pub mod csv;
pub mod cursor;
pub mod fields;
mod front;
pub mod gateway;
pub mod headers;
mod if_match;
mod job;
mod json;
pub mod limit;
pub mod openapi;
pub mod problem;
pub mod query;
mod request_id;
pub mod routes;
pub mod service;
mod validators;
pub mod views;

pub use app::{App, OuterApp, Ring, StartError};
pub use body::{JsonBody, MergePatch};
pub use caller::{Admin, Caller, FormerCaller};
pub use client_address::ClientAddress;
pub use code::Code;
pub use headers::{IdempotencyKey, OptionalIdempotencyKey};
pub use job::run_job;
pub use limit::Permit;
pub use problem::Problem;
pub use query::{BookingId, PathId, QueryParams};
pub use service::{run, run_checked, service};
