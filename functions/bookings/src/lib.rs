//! Bookings: a user's history, one booking, cancel.

mod cancel;
mod get;
mod list;

shared::routes![[list::list_bookings], [get::get_booking], [cancel::cancel_booking],];
