//! Somebody who asks, and an event to ask for, where it does not matter who and which.

use domain::{
    email::Email,
    event::{EventDetails, EventStatus},
    user::{Role, User},
};
use iso_currency::Currency;
use jiff::Timestamp;

use crate::Failure;

/// The admin of the services that tools start.
pub const ADMIN_EMAIL: &str = "admin@example.com";

/// Somebody new in that role. The service knows people by their tokens, so nobody needs to be registered; the admin by the
/// address, too.
///
/// # Errors
/// Never: the address is a good one.
pub fn somebody(role: Role) -> Result<User, Failure> {
    let email = match role {
        Role::Admin => ADMIN_EMAIL,
        Role::User => "somebody@example.com",
    };
    Ok(User { role, ..User::new(Email::parse(email)?, Timestamp::now()) })
}

/// An event that is on sale until it starts, ten seats for each.
#[must_use]
pub fn event(name: impl Into<String>, starts_at: Timestamp, capacity: u32) -> EventDetails {
    EventDetails {
        name: name.into(),
        description: None,
        venue: None,
        starts_at,
        ends_at: None,
        capacity,
        base_price: 4_500,
        currency: Currency::EUR,
        time_zone: None,
        sales_open_at: None,
        sales_close_at: None,
        cancel_until: None,
        max_per_booking: 10,
        max_per_user: 10,
        status: EventStatus::Published,
        pricing: None,
        rates: Vec::new(),
        areas: Vec::new(),
    }
}
