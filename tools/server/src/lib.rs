//! Evently in one process, against stores that are there already: all functions' routes in one API, the jobs on the
//! deployment's schedules, and what a process needs to live in a container.

pub mod api;
mod finish;
pub mod forwarded;
pub mod live;
pub mod schedules;
pub mod serve;
pub mod settings;
mod streams;
pub mod teller;
pub mod template;
mod unread;
