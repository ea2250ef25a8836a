//! The transactions of DynamoDB: each is one step, all or nothing.

use crate::{
    config::{Config, Mutation},
    state::{Booking, Draws, Dynamo, Left, RESERVATIONS, SHARDS, Status},
};

/// How `commit_booking` ends.
pub(crate) enum Commit {
    Committed,
    AlreadyBooked,
    /// What each refused shard has left.
    Refused([Option<Left>; SHARDS]),
}

/// How `replace_event_removing` ends.
pub(crate) enum Removed {
    Done,
    Refused,
}

impl Dynamo {
    /// `Store::commit_booking`.
    pub(crate) fn commit(&mut self, config: &Config, id: usize, draws: Draws, price: u8) -> Commit {
        let before = self.bookings[id];
        if before.status != Status::Absent && !config.lacks(Mutation::CommitOverwrites) {
            return Commit::AlreadyBooked;
        }
        if !config.lacks(Mutation::CommitUnchecked)
            && let Some(left) = self.too_few(draws)
        {
            return Commit::Refused(left);
        }
        for (shard, seats) in self.shards.iter_mut().zip(draws).filter(|(_, seats)| *seats > 0) {
            shard.sold += seats;
            shard.version += 1;
        }
        self.bookings[id] = Booking { status: Status::Confirmed, draws, price, puts: before.puts + 1 };
        Commit::Committed
    }

    /// `Store::cancel_booking`: whether it was not cancelled before.
    pub(crate) fn cancel(&mut self, id: usize) -> bool {
        let booking = &mut self.bookings[id];
        if booking.status != Status::Confirmed {
            return false;
        }
        booking.status = Status::Cancelled;
        for (shard, seats) in self.shards.iter_mut().zip(booking.draws).filter(|(_, seats)| *seats > 0) {
            shard.sold -= seats;
            shard.version += 1;
        }
        true
    }

    /// `Store::replace_event_adding`: whether the event was still at that version.
    pub(crate) fn raise(&mut self, expected: u8, added: Draws) -> bool {
        if self.event_version != expected {
            return false;
        }
        self.event_version += 1;
        for (index, seats) in added.into_iter().enumerate().filter(|(_, seats)| *seats > 0) {
            self.shards[index].capacity += seats;
            self.shards[index].version += 1;
            self.event_shards = self.event_shards.max(index as u8 + 1);
        }
        true
    }

    /// `Store::replace_event_removing`. `id` is the withdrawal's hold.
    pub(crate) fn lower(&mut self, id: usize, expected: u8, removed: Draws) -> Removed {
        if self.event_version != expected || self.too_few(removed).is_some() {
            return Removed::Refused;
        }
        self.event_version += 1;
        self.last_withdrawal = Some(id as u8);
        self.withdrawn |= 1 << (id - RESERVATIONS);
        for (shard, seats) in self.shards.iter_mut().zip(removed).filter(|(_, seats)| *seats > 0) {
            shard.capacity -= seats;
            shard.version += 1;
        }
        Removed::Done
    }

    fn too_few(&self, draws: Draws) -> Option<[Option<Left>; SHARDS]> {
        let mut left = [None; SHARDS];
        for (index, seats) in draws.into_iter().enumerate() {
            let unsold = self.shards[index].unsold();
            if seats as i8 > unsold {
                left[index] = Some(Left { unsold: unsold.max(0) as u8, version: self.shards[index].version });
            }
        }
        left.iter().any(Option::is_some).then_some(left)
    }
}
