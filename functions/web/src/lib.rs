//! Pages for people, rendered here as HTML: the shop, and the console for admins. They do what the API does, through the same
//! crates, and add what a browser needs: a session in a cookie, forms that only our own pages can send, and words that say what to
//! do next.
//!
//! - `frame` is what all pages share: the layer around them, who looks at them, forms, the layout, words for refusals.
//! - `shop` and `console` have a file for each page, or for a page and the forms on it.
//!
//! Everything works without scripts; with them, seats left are live and a hold counts down.

mod console;
mod frame;
mod shop;

use std::sync::Arc;

use axum::{
    Router,
    handler::Handler,
    middleware,
    routing::{MethodFilter, MethodRouter, any},
};
use http_api::{
    App,
    limit::{Counted, limit},
    routes::counted,
};

use frame::{assets, layer, layout};
use shop::{account, address, bookings, event, holds, home, register, seats, sign_in};

/// The paths of the pages that people look at. Tests walk through all of them.
pub const PAGES: &[&str] = &[
    home::PATH,
    event::PATH,
    seats::PATH,
    holds::PATH,
    holds::ONE_PATH,
    bookings::PATH,
    bookings::ONE_PATH,
    sign_in::PATH,
    register::PATH,
    account::PATH,
    address::PATH,
    console::overview::PATH,
    console::events::PATH,
    console::edit::NEW_PATH,
    console::event::PATH,
    console::edit::PATH,
    console::hall::PATH,
    console::bookings::PATH,
    console::audit::PATH,
    console::webhooks::PATH,
    console::deliveries::PATH,
];

/// The routes of this function.
pub fn routes() -> Router<Arc<App>> {
    with_console(with_shop(Router::new()))
        // Of shop and console alike: each route more takes a function longer to start.
        .route("/{part}/{*rest}", any(otherwise(layout::nothing_here)))
        .method_not_allowed_fallback(otherwise(layout::other_method))
        .layer(middleware::from_fn(layer::pages))
}

fn with_shop(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router
        .route(home::PATH, page(home::show))
        .route(event::PATH, page(event::show))
        .route(event::AVAILABILITY_PATH, page(event::availability))
        .route(seats::PATH, page(seats::show).merge(form(seats::keep, Counted::WRITE)))
        .route(event::BOOK_PATH, form(event::book, Counted::WRITE.by_handler()))
        .route(holds::PATH, page(holds::list))
        .route(holds::ONE_PATH, page(holds::show))
        .route(holds::CONFIRM_PATH, form(holds::confirm, Counted::FINISH.by_handler()))
        .route(holds::RELEASE_PATH, form(holds::release, Counted::FINISH))
        .route(bookings::PATH, page(bookings::list))
        .route(bookings::ONE_PATH, page(bookings::show))
        .route(bookings::CANCEL_PATH, form(bookings::cancel, Counted::FINISH.by_handler()))
        .route(sign_in::PATH, page(sign_in::show).merge(form(sign_in::submit, Counted::SIGN_IN)))
        .route(sign_in::OUT_PATH, form(sign_in::out, Counted::WRITE))
        .route(register::PATH, page(register::show).merge(form(register::submit, Counted::SIGN_IN)))
        .route(account::PATH, page(account::show))
        .route(account::NAME_PATH, form(account::rename, Counted::SIGN_IN))
        .route(account::PASSWORD_PATH, form(account::change_password, Counted::SIGN_IN))
        .route(address::PATH, page(address::show).merge(form(address::submit, Counted::SIGN_IN)))
        .route(account::VERIFY_PATH, form(account::resend_verification, Counted::SIGN_IN))
        .route(account::ERASE_PATH, form(account::erase, Counted::SIGN_IN))
        .route(assets::PATH, page(assets::file))
        .route("/shop", page(home::redirect))
}

/// Each of these takes an `Admin`, so that it is for admins alone.
fn with_console(router: Router<Arc<App>>) -> Router<Arc<App>> {
    use console::{audit, bookings, deliveries, edit, event, events, hall, overview, status, webhooks};

    router
        .route(overview::PATH, page(overview::show))
        .route(events::PATH, page(events::list))
        .route(edit::NEW_PATH, page(edit::show_new).merge(form(edit::create, Counted::WRITE.by_form())))
        .route(event::PATH, page(event::show))
        .route(status::STATUS_PATH, form(status::change, Counted::WRITE))
        .route(status::DELETE_PATH, form(status::delete, Counted::WRITE))
        .route(edit::PATH, page(edit::show).merge(form(edit::change, Counted::WRITE.by_form())))
        .route(hall::PATH, page(hall::show).merge(form(hall::add_rows, Counted::WRITE.by_form())))
        .route(hall::SEATS_PATH, form(hall::move_seats, Counted::WRITE.by_form()))
        .route(bookings::PATH, page(bookings::list))
        .route(audit::PATH, page(audit::list))
        .route(webhooks::PATH, page(webhooks::list).merge(form(webhooks::create, Counted::WRITE)))
        .route(webhooks::ACTION_PATH, form(webhooks::act, Counted::WRITE))
        .route(deliveries::PATH, page(deliveries::list))
        .route(deliveries::REPLAY_PATH, form(deliveries::replay, Counted::WRITE))
}

/// A page to look at.
fn page<H: Handler<T, Arc<App>>, T: 'static>(handler: H) -> MethodRouter<Arc<App>> {
    counted(MethodRouter::new().on(MethodFilter::GET, handler), Counted::READ)
}

/// What a form on a page does.
fn form<H: Handler<T, Arc<App>>, T: 'static>(handler: H, by: Counted) -> MethodRouter<Arc<App>> {
    counted(MethodRouter::new().on(MethodFilter::POST, handler), by)
}

/// What answers where there is no page, or none for that method. That is counted, too.
fn otherwise<H: Handler<T, Arc<App>>, T: 'static>(handler: H) -> impl Handler<T, Arc<App>> {
    handler.layer(middleware::from_fn_with_state(Counted::READ.with_query(true), limit))
}
