//! Evently's functions as real Lambda processes: the sample invocations, their world, and where they are sent.
//!
#![doc = include_str!("../README.md")]

pub mod answer;
pub mod docker;
pub mod emulator;
pub mod front;
pub mod glibc;
pub mod payload;
pub mod process;
pub mod routes;
pub mod samples;
pub mod stores;
pub mod trial;
pub mod world;
