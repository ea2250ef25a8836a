//! Evently as a whole, over HTTP, on a real Redis and the embedded store through the AWS SDK. One test program, so
//! that the stores are started once and linked once.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod accounts;
mod admin_events;
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
mod idempotency;
mod journey;
mod lists;
mod local_server;
mod lua_contracts;
mod metrics;
mod openapi;
mod ownership;
mod paths;
mod reconcile;
mod redis_cluster;
mod redis_server;
mod rush;
mod sale;
mod scripts;
mod shape;
mod template;
mod tokens;
