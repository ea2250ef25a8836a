//! The model, checked.

mod areas;
mod check;
mod guards;
mod holds;
mod numbered;
mod weaknesses;
