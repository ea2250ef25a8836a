//! Admins create, change, delete and list events, and see how they sell, what moves their prices, and who
//! did what; and have others told what happens.

mod analytics;
mod audit;
mod cancel;
mod capacity;
mod create;
mod delete;
mod deliveries;
mod demand;
mod event_bookings;
mod get;
mod inventory;
mod list;
mod out_of_sale;
mod patch;
mod preview;
mod prices;
mod replace;
mod rows;
mod timeline;
mod webhook_actions;
mod webhooks;

use axum::response::Response;
use domain::event::{Available, Event};
use http_api::{App, Problem, headers::event_answer, views::EventWithAreas};

http_api::routes![
    App:
    [create::create_event, list::list_all_events with query],
    [get::get_any_event, replace::replace_event, patch::patch_event, delete::delete_event],
    [cancel::cancel_event, cancel::get_cancellation],
    [inventory::show_inventory],
    [rows::add_rows],
    [out_of_sale::withdraw_seats],
    [out_of_sale::restore_seats],
    [prices::list_prices with query],
    [preview::preview_pricing with query],
    [event_bookings::list_event_bookings with query],
    [capacity::capacity_utilization with query],
    [analytics::analytics with query],
    [timeline::timeline with query],
    [audit::list_audit with query],
    [webhooks::create_webhook, webhooks::list_webhooks],
    [webhooks::get_webhook, webhooks::replace_webhook, webhooks::delete_webhook],
    [webhook_actions::test_webhook],
    [webhook_actions::rotate_webhook],
    [deliveries::list_deliveries with query],
    [deliveries::replay_delivery],
];

/// An event with its ETag.
fn tagged(event: Event, available: &Available) -> Result<Response, Problem> {
    Ok(event_answer(&EventWithAreas::new(event, available))?)
}
