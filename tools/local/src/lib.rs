//! What the one-process local server is made of: the deployment's template, read back; a
//! DynamoDB-compatible store inside the process; a Redis server beside it.

pub mod dir_lock;
pub mod embedded_store;
pub mod redis_server;
pub mod tables;
pub mod template;
