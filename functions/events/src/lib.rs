//! What anybody may see: upcoming events, popular ones, one event; how the service is, and its documentation.

mod about;
mod docs;
mod get;
mod layout;
mod list;
mod popular;
mod seats;

use http_api::App;

pub use about::OPENAPI_JSON;

/// Seconds that anybody may keep a public answer: `available` is live, so no longer than this.
const CACHE_SECONDS: u32 = 1;

http_api::routes![
    App:
    [list::list_events with query],
    [popular::popular_events],
    [get::get_event],
    [seats::get_seats with query],
    [layout::get_layout],
    [about::health],
    [about::openapi],
    // A page, which passes over what it does not know.
    [docs::docs with query],
    [docs::problem],
];
