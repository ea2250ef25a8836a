//! What anybody may see: upcoming events, popular ones, one event; how the service is, and its documentation.

mod about;
mod docs;
mod get;
mod list;
mod popular;

/// Seconds that anybody may keep a public answer: `available` is live, so no longer than this.
const CACHE_SECONDS: u32 = 1;

shared::routes![
    [list::list_events],
    [popular::popular_events],
    [get::get_event],
    [about::health],
    [about::openapi],
    [docs::docs],
];
