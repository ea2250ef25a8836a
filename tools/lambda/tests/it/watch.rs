//! `cargo lambda watch` serves what is deployed.
