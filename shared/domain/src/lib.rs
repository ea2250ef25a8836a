//! Rules and types of the trade. Nothing here does I/O, reads a clock, or knows of HTTP, AWS or Redis.

pub mod audit;
pub mod booking;
pub mod delivery;
pub mod email;
pub mod endpoint_url;
pub mod error;
pub mod event;
pub mod field_error;
pub mod id;
pub mod inventory;
pub mod message;
pub mod money;
pub mod network;
pub mod page;
pub mod popularity;
pub mod pricing;
pub mod rate;
pub mod request_key;
pub mod reservation;
pub mod row;
pub mod sales;
pub mod text;
pub mod time;
pub mod user;
pub mod webhook;
pub mod whole;
