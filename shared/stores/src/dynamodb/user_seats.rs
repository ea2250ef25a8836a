//! How many seats of an event a user has bought and not cancelled, in the inventory table. Key: `shard_id` =
//! `<event id>#user#<user id>`. The transaction that makes or cancels a booking counts here, so that no user gets more
//! than one user may, whatever Redis knows.

use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};

use super::{Store, number, text};
use domain::{
    booking::Booking,
    error::Error,
    id::{EventId, UserId},
};

/// The key of a user's seats of an event.
#[must_use]
pub fn user_seats_id(event: EventId, user: UserId) -> String {
    format!("{event}#user#{user}")
}

impl Store {
    /// Seats of an event that a user has bought and not cancelled, read with strong consistency.
    pub async fn seats_of_user(&self, event: EventId, user: UserId) -> Result<u32, Error> {
        let found = self.inventory_table_items(&[user_seats_id(event, user)]).await?;
        let seats = found.first().and_then(|item| item.get("seats")?.as_n().ok()?.parse().ok());
        Ok(seats.unwrap_or(0))
    }

    /// Counts a booking's seats, unless its user would have more than `max_per_user`.
    pub(super) fn count_bought(
        &self,
        booking: &Booking,
        max_per_user: u32,
    ) -> Result<TransactWriteItem, Error> {
        self.change_user_seats(booking, |update| {
            // A condition can't add; a booking of more than one user may have is never the first.
            let enough = match max_per_user.checked_sub(booking.quantity) {
                Some(_) => "attribute_not_exists(seats) OR seats <= :most_before",
                None => "seats < :most_before",
            };
            update
                .update_expression("ADD seats :seats")
                .condition_expression(enough)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .expression_attribute_values(
                    ":most_before",
                    number(max_per_user.saturating_sub(booking.quantity)),
                )
        })
    }

    /// Takes a cancelled booking's seats back. Bookings from before they were counted leave nothing to take back.
    pub(super) fn count_cancelled(&self, booking: &Booking) -> Result<TransactWriteItem, Error> {
        self.change_user_seats(booking, |update| {
            update.update_expression("SET seats = if_not_exists(seats, :seats) - :seats")
        })
    }

    fn change_user_seats(
        &self,
        booking: &Booking,
        change: impl FnOnce(
            aws_sdk_dynamodb::types::builders::UpdateBuilder,
        ) -> aws_sdk_dynamodb::types::builders::UpdateBuilder,
    ) -> Result<TransactWriteItem, Error> {
        let update = Update::builder()
            .table_name(&self.tables.inventory)
            .key("shard_id", text(user_seats_id(booking.event_id, booking.user_id)))
            .expression_attribute_values(":seats", number(booking.quantity));
        change(update)
            .build()
            .map(|update| TransactWriteItem::builder().update(update).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }
}
