//! The model, checked.

mod check;
mod guards;
mod holds;
mod weaknesses;
