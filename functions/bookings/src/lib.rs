//! Bookings: a user's history, one booking, cancel.

mod cancel;
mod get;
mod list;

use http_api::{App, limit::Counted};

http_api::routes![
    App:
    [list::list_bookings with query],
    [get::get_booking],
    [cancel::cancel_booking = Counted::FINISH.by_handler()],
];
