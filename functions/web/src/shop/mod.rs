//! The shop: a file for each page, or for a page and the forms on it.

pub(crate) mod account;
pub(crate) mod address;
pub(crate) mod bookings;
pub(crate) mod event;
pub(crate) mod holds;
pub(crate) mod home;
pub(crate) mod plan;
pub(crate) mod register;
pub(crate) mod seats;
pub(crate) mod sign_in;
