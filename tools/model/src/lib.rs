//! Model.

mod action;
mod config;
mod dynamo;
mod model;
mod progress;
pub mod properties;
mod requests;
mod rest;
mod scripts;
#[expect(missing_docs, reason = "what a field is, its type and the protocol say; the rest have comments")]
pub mod state;
mod workers;

pub use action::{Action, Process};
pub use config::{Config, FAULTLESS, Faults, Mutation, Request, SMALLEST, wants};
pub use model::Protocol;
