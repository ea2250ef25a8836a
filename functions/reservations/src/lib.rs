//! Holds: book, look, give back, confirm.

mod book;
mod confirm;
mod list;
mod look;
mod measure;
mod release;
mod view;

shared::routes![
    [book::book],
    [list::list_reservations],
    [look::get_reservation, release::release_reservation],
    [confirm::confirm_reservation],
];
