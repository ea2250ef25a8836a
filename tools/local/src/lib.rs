//! What the one-process local server is made of: all functions' routes in one API; the deployment's template,
//! read back; a DynamoDB-compatible store inside the process; a Redis server beside it; the schedules. And
//! what tests and measurements put between: a proxy that delays, a count of what DynamoDB charges for.

pub mod api;
pub mod consumed;
pub mod delayed;
pub mod demo;
pub mod dir_lock;
pub mod embedded_store;
pub mod process;
pub mod redis_server;
pub mod schedules;
pub mod settings;
pub mod stack;
pub mod tables;
pub mod template;
