//! Evently as a whole, over HTTP, on a real Redis and the embedded store through the AWS SDK. One test program, so
//! that the stores are started once and linked once.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod accounts;
mod admin_events;
mod admin_numbers;
mod bad_days;
mod bodies;
mod caching;
mod capacity;
mod common;
mod conditional;
mod docs;
mod embedded_store;
mod filters;
mod gateway;
mod health;
mod hygiene;
mod idempotency;
mod janitor;
mod journey;
mod lists;
mod local_server;
mod lua_contracts;
mod metrics;
mod openapi;
mod ownership;
mod passwords;
mod paths;
mod pricing;
mod rate_limits;
mod reconcile;
mod redis_cluster;
mod redis_server;
mod round_trips;
mod rush;
mod sale;
mod sales_by_hour;
mod scalping;
mod scripts;
mod shape;
mod sign_ins;
mod template;
mod tokens;
mod units;
