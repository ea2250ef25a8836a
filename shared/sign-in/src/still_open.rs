//! What is open of somebody who wants to be erased: seats that are held or bought and yet to be used. Whoever has these counts on
//! somebody, and the organiser at the door on a name.

use std::collections::{BTreeSet, HashMap};

use domain::{
    booking::Booking,
    error::Error,
    event::{Event, EventStatus},
    id::{EventId, ReservationId, UserId},
};
use http_api::App;
use jiff::Timestamp;

/// Ids of each kind in one answer at most.
const SHOWN_MAX: usize = 100;

/// `StillOpen` if something is.
pub(crate) async fn check_nothing_open(app: &App, user: UserId, now: Timestamp) -> Result<(), Error> {
    // Holds first: a confirm that is under way is still a hold now, or is a booking by the time that these are read.
    let mut reservations: Vec<ReservationId> =
        booking::own_holds(&app.protocol, user).await?.into_iter().map(|(hold, _)| hold.id).collect();
    let mut bookings = coming(app, user, now).await?;
    if reservations.is_empty() && bookings.is_empty() {
        return Ok(());
    }
    reservations.truncate(SHOWN_MAX);
    bookings.truncate(SHOWN_MAX);
    Err(Error::StillOpen { bookings, reservations })
}

/// Bookings with seats, of events that are not over.
async fn coming(app: &App, user: UserId, now: Timestamp) -> Result<Vec<ReservationId>, Error> {
    let bookings = app.store.bookings_with_seats(user).await?;
    let ids: BTreeSet<EventId> = bookings.iter().map(|booking| booking.event_id).collect();
    // Without an event that can't be read its booking tells the start.
    let found = app.store.events(&ids.into_iter().collect::<Vec<_>>()).await?;
    let events: HashMap<EventId, Event> = found.events.into_iter().map(|event| (event.id, event)).collect();
    let coming =
        bookings.into_iter().filter(|booking| is_coming(booking, events.get(&booking.event_id), now));
    Ok(coming.map(|booking| booking.id).collect())
}

/// Whether the seats are yet to be used. A cancelled event never takes place.
fn is_coming(booking: &Booking, event: Option<&Event>, now: Timestamp) -> bool {
    match event {
        Some(event) => {
            let details = &event.details;
            details.status != EventStatus::Cancelled && now < details.ends_at.unwrap_or(details.starts_at)
        }
        None => now < booking.starts_at,
    }
}
