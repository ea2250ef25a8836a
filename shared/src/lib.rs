//! What all of Evently's functions stand on.
//!
//! - [`domain`]: events, inventory, reservations, bookings, pricing, users: rules and types, no I/O.
//! - [`protocol`]: the heart: how a seat moves from free to held to sold, and back, over both stores.
//! - [`catalogue`]: what people browse, kept in Redis.
//! - [`accounts`]: what guards accounts: the pace of wrong passwords, and tokens that end early.
//! - [`store`]: DynamoDB, the truth.
//! - [`redis`]: Redis, the fast copy: soft reservations by atomic Lua scripts (`shared/lua`).
//! - [`http`]: problems, extractors and the few things that every route shares.
//! - [`app`], [`config`], [`telemetry`]: what a function is built from at cold start.

pub mod accounts;
pub mod app;
pub mod catalogue;
pub mod config;
pub mod domain;
pub mod http;
pub mod protocol;
pub mod redis;
pub mod store;
pub mod telemetry;

pub use app::App;
pub use domain::error::Error;
