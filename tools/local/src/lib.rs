//! What the one-process local server is made of: the server that also runs in containers, and around it what that
//! finds outside: a DynamoDB-compatible store inside the process, a Redis server beside it, demo events. And what tests
//! and measurements put between: a proxy that delays, a count of what DynamoDB charges for.

pub mod beside;
pub mod consumed;
pub mod delayed;
pub mod demo;
pub mod dir_lock;
pub mod embedded_store;
pub mod hosts;
pub mod mail;
mod private;
pub mod redis_server;
pub mod settings;
pub mod settings_table;
pub mod stack;
pub mod stream_log;
pub mod tables;

pub use server::{api, schedules, serve, teller, template};
