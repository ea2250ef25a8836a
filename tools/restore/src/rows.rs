//! Rows of an event's numbered areas: the layout says which seats there are, the bookings which of them are sold, and the shards
//! which are out of sale.

use std::collections::BTreeMap;

use domain::{
    event::Event,
    id::AreaNumber,
    inventory::{InventoryShard, ShardNumber, shard_number},
    row::{Layout, SeatSet},
};

use crate::{
    booked::{BookedEvent, BookedShard},
    kept::KeptShard,
};

/// Seats of a row that are out of sale. One that is sold is not, whatever the shard says: it may be older, or newer.
pub(crate) fn out_of_sale(kept: Option<&InventoryShard>, booked: &BookedShard) -> SeatSet {
    kept.map(|kept| kept.out_of_sale.without(&booked.taken)).unwrap_or_default()
}

/// How many seats of each row of an area are on sale, sold or not.
pub(crate) fn capacities(
    layout: &Layout,
    area: AreaNumber,
    booked: &BookedEvent,
    kept: &BTreeMap<ShardNumber, KeptShard>,
) -> Vec<u32> {
    let no_sales = BookedShard::default();
    let rows = (0..).zip(layout.rows_of(area)).map(|(place, row)| {
        let number = shard_number(area, place);
        let booked = booked.shards.get(&number).unwrap_or(&no_sales);
        let out = out_of_sale(kept.get(&number).map(|kept| &kept.shard), booked);
        row.seats().saturating_sub(out.count())
    });
    rows.collect()
}

/// Gives the event's numbered areas the rows that its layout has, and as many seats as are on sale of them.
pub(crate) fn mend(
    event: &mut Event,
    layout: &Layout,
    booked: &BookedEvent,
    kept: &BTreeMap<ShardNumber, KeptShard>,
) {
    let mut has_rows = false;
    for (number, state) in (0..).zip(event.area_states.clone()) {
        let capacities = capacities(layout, number, booked, kept);
        let Some(last) = u16::try_from(capacities.len()).ok().and_then(|rows| rows.checked_sub(1)) else {
            continue;
        };
        has_rows = true;
        event.shards = event.shards.clone().up_to(shard_number(number, last));
        for area in event.details.areas.iter_mut().filter(|area| area.id == state.id) {
            area.rows = last + 1;
            area.capacity = capacities.iter().sum();
        }
    }
    if has_rows {
        event.shards = event.shards.clone().of_numbered();
        event.details = event.details.clone().with_sums_of_areas();
    }
}
