//! Which seats of a row are taken, in the row's shard. DynamoDB alone decides who owns seat A-7.
//!
//! | Attribute | |
//! | --- | --- |
//! | `taken` | set of numbers: the seats, by their places in the row from 0, that are sold, and those that are out of sale |
//! | `out_of_sale` | those among them that are out of sale |
//!
//! A set that would be empty is not there. A seat takes 2 or 3 bytes of a set, so 200 seats take some 500 beside the 170 and the hours
//! of every shard (see [`super::sales`]): a row that is so long and sold out passes 1 KB, which is another write unit, in its fourth busy
//! hour. One of 24 seats has room for all seven.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{inventory::Draw, row::SeatSet};

use super::Item;

/// The part of a condition that none of the draw's seats is taken. `unsold >= :seats` beside it says that there is such a row: of an
/// item that is not there nothing is taken.
pub(super) fn none_taken(draw: &Draw) -> String {
    each(draw, |seat| format!(" AND NOT contains(taken, :seat{seat})"))
}

/// That all of them are.
pub(super) fn all_taken(draw: &Draw) -> String {
    each(draw, |seat| format!(" AND contains(taken, :seat{seat})"))
}

/// That all of them are out of sale.
pub(super) fn all_out_of_sale(draw: &Draw) -> String {
    each(draw, |seat| format!(" AND contains(out_of_sale, :seat{seat})"))
}

fn each(draw: &Draw, condition: impl Fn(u8) -> String) -> String {
    draw.named.iter().map(condition).collect()
}

/// Seats as they are kept.
pub(super) fn set_of(seats: &SeatSet) -> AttributeValue {
    AttributeValue::Ns(seats.iter().map(|seat| seat.to_string()).collect())
}

/// The seats of a row that are taken.
pub(super) fn taken_in(shard: &Item) -> SeatSet {
    set_in(shard, "taken")
}

/// Those that are out of sale.
pub(super) fn out_of_sale_in(shard: &Item) -> SeatSet {
    set_in(shard, "out_of_sale")
}

fn set_in(shard: &Item, name: &str) -> SeatSet {
    let seats = shard.get(name).and_then(|value| value.as_ns().ok());
    seats.into_iter().flatten().filter_map(|seat| seat.parse::<u8>().ok()).collect()
}

/// The sets of a row by their names, as they are kept; `None` of one that is empty, and not there.
#[must_use]
pub fn sets_of(taken: &SeatSet, out_of_sale: &SeatSet) -> [(&'static str, Option<AttributeValue>); 2] {
    [("taken", taken), ("out_of_sale", out_of_sale)]
        .map(|(name, seats)| (name, (!seats.is_empty()).then(|| set_of(seats))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_two_hundred_seats_that_is_sold_out_has_room_for_three_busy_hours() {
        let all: SeatSet = (0..200).collect();
        let bytes: usize = all.iter().map(|seat| seat.to_string().len().div_ceil(2) + 1).sum();
        // A shard takes some 170 bytes and a busy hour at most 112, see `sales.rs`.
        assert!(bytes + "taken".len() + 170 + 3 * 112 <= 1_024, "{bytes}");
        assert!(bytes + "taken".len() + 170 + 4 * 112 > 1_024, "{bytes}");
    }
}
