//! A model of the booking protocol, visited whole: every order of steps, with a crash between any two of them.
//!
#![doc = include_str!("../README.md")]

mod act;
mod action;
pub mod areas;
pub mod cancelled;
mod config;
pub mod durable;
mod dynamo;
mod model;
pub mod numbered;
mod progress;
pub mod properties;
mod reached;
mod requests;
mod rest;
mod scripts;
mod seats;
mod start;
#[expect(missing_docs, reason = "what a field is, its type and the protocol say; the rest have comments")]
pub mod state;
mod unpublish;
mod workers;

pub use action::{Action, Process};
pub use config::{ALL_SEATS, Config, FAULTLESS, Faults, Mutation, Request, SMALLEST, wants};
pub use model::Protocol;
