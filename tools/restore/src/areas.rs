//! Areas of an event, as its bookings know them: an event may be older than an area of which places were sold.

use std::collections::BTreeMap;

use domain::{
    booking::Booking,
    event::{AreaDetails, AreaName, AreaState, Event},
    id::AreaNumber,
    inventory::{ShardNumber, place_of_shard},
};

use crate::{booked::BookedEvent, kept::KeptShard};

/// An area as a booking of it says.
#[derive(Clone, Debug)]
pub(crate) struct BookedArea {
    name: AreaName,
    unit_price: u32,
}

impl BookedArea {
    pub(crate) fn of(booking: &Booking) -> Self {
        let unit_price = booking.charge().lines().iter().map(|line| line.unit_price).max();
        Self { name: booking.area.clone(), unit_price: unit_price.unwrap_or(0) }
    }
}

/// Gives an event the areas that it lacks, and each of them at least as many places as are sold of it.
pub(crate) fn mend(event: &mut Event, booked: &BookedEvent, shards: &BTreeMap<ShardNumber, KeptShard>) {
    let is_plain = event.details.areas.is_empty()
        && booked.areas.iter().all(|(number, area)| *number == 0 && area.name.is_general());
    if is_plain {
        event.details.capacity = event.details.capacity.max(booked.taken());
        return;
    }
    let places = |number: AreaNumber| {
        let of_area = shards.values().filter(|kept| place_of_shard(kept.shard.shard).0 == number);
        of_area.map(|kept| kept.shard.capacity).sum::<u32>().max(booked.taken_in(number))
    };
    if event.details.areas.is_empty() {
        let AreaName { id, name } = booked.areas.get(&0).map(|area| area.name.clone()).unwrap_or_default();
        let last_withdrawal = event.last_withdrawal;
        event.area_states = vec![AreaState { id: id.clone(), price: event.price, last_withdrawal }];
        let (base_price, pricing) = (event.details.base_price, event.details.pricing.take());
        let first =
            AreaDetails { id, name, capacity: places(0), base_price, pricing, ..AreaDetails::default() };
        event.details.areas.extend(Some(first).filter(|first| first.capacity > 0));
    }
    for (number, area) in &booked.areas {
        for unknown in event.area_states.len()..=usize::from(*number) {
            let is_this = unknown == usize::from(*number);
            let id = if is_this { area.name.id.clone() } else { format!("area-{unknown}") };
            event.area_states.push(AreaState { id, price: area.unit_price, last_withdrawal: None });
        }
        let id = event.area_states[usize::from(*number)].id.clone();
        let taken = booked.taken_in(*number);
        match event.details.areas.iter_mut().find(|known| known.id == id) {
            Some(known) => known.capacity = known.capacity.max(taken),
            None if taken > 0 => event.details.areas.push(AreaDetails {
                id,
                name: area.name.name.clone(),
                capacity: places(*number),
                base_price: area.unit_price,
                ..AreaDetails::default()
            }),
            None => {}
        }
    }
    event.details = event.details.clone().with_sums_of_areas();
    event.price_changes = event.price_changes.max(u32::try_from(event.details.areas.len()).unwrap_or(0));
}
