//! Holds: book, look, give back, confirm.

mod book;
mod confirm;
mod list;
mod look;
mod release;
mod view;

use http_api::{App, limit::Counted};

http_api::routes![
    App:
    [book::book = Counted::WRITE.by_handler()],
    [list::list_reservations with query],
    [look::get_reservation, release::release_reservation = Counted::FINISH],
    [confirm::confirm_reservation = Counted::FINISH.by_handler()],
];
