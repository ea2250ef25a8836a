//! Bookings: a user's history, one booking, cancel, close.

mod cancel;
mod close;
mod get;

mod list;

use http_api::{App, limit::Counted};

http_api::routes![
    App:
    [list::list_bookings with query],
    [get::get_booking, close::close_booking = Counted::FINISH],
    [cancel::cancel_booking = Counted::FINISH.by_handler()],
];
