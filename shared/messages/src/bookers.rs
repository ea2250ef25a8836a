//! A message to all who have seats of an event becomes one for each.

use domain::{
    booking::BookingStatus,
    delivery::{Delivery, Outcome},
    error::Error,
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use jobs::Budget;
use stores::dynamodb::place_after;

use crate::Teller;

/// Bookings in a page. The place is kept after each.
const PAGE: usize = 200;
const WRITES_AT_ONCE: usize = 16;

impl Teller {
    /// Writes a delivery for each who has seats, page by page. What is not done when the budget is over is due again at once, and
    /// goes on where it stopped. Whoever booked after it happened knows.
    ///
    /// # Errors
    /// When a store fails: it goes on there when its time for this try is over.
    pub(crate) async fn spread(&self, mut begun: Delivery, budget: Budget) -> Result<(), Error> {
        let Some(event) = begun.event_id else {
            return Err(Error::Internal("a message to all bookers of no event".into()));
        };
        loop {
            let place = begun.told_to.map(place_after);
            let page = self.store.bookings_of_event(event, &[BookingStatus::Confirmed], PAGE, place).await?;
            let concerned = page.items.iter().filter(|booking| booking.created_at <= begun.happened_at);
            let now = Timestamp::now();
            let deliveries: Vec<_> =
                concerned.map(|booking| begun.for_booker(booking.user_id, now)).collect();
            let writes: Vec<_> =
                deliveries.iter().map(|delivery| self.store.add_delivery(delivery)).collect();
            stream::iter(writes).buffer_unordered(WRITES_AT_ONCE).try_for_each(async |_| Ok(())).await?;
            let told_to = page.next.as_ref().and_then(stores::dynamodb::booking_at);
            let next = match told_to {
                None => begun.after(&Outcome::Delivered("to each of them".to_owned()), now, 0.0),
                Some(_) if budget.is_over() => Delivery { told_to, due_at: Some(now), ..begun.clone() },
                Some(_) => Delivery { told_to, ..begun.begun(now) },
            };
            if !self.store.change_delivery(&begun, &next).await? || next.told_to.is_none() || budget.is_over()
            {
                return Ok(());
            }
            begun = next;
        }
    }
}
