//! Holds: book, look, give back, confirm.

mod book;
mod confirm;
mod look;
mod measure;
mod release;
mod view;

shared::routes![
    [book::book],
    [look::get_reservation, release::release_reservation],
    [confirm::confirm_reservation],
];
