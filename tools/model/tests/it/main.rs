//! The model, checked.

mod areas;
mod cancelled;
mod check;
mod durable;
mod guards;
mod holds;
mod numbered;
mod visit;
mod weaknesses;
