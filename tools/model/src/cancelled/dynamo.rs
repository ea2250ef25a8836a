//! DynamoDB's transactions, and their conditions.

use super::{
    Config, Guard,
    state::{Attempt, Booking, Event, Raise, Shard, State},
};

impl State {
    /// A commit: the booking is new, and each shard that it draws on is open and has the seats.
    pub(super) fn commit(&mut self, config: &Config, confirm: usize) -> Attempt {
        if self.bookings[confirm] != Booking::Absent {
            return Attempt::Booked;
        }
        let draws = config.draws_of(confirm);
        let asks_closed = !config.of_old_release[confirm] && !config.lacks(Guard::CommitAsksClosed);
        if asks_closed && draws.clone().any(|(shard, _)| self.shards[shard].closed) {
            return Attempt::Closed;
        }
        if draws.clone().any(|(shard, seats)| self.shards[shard].unsold < seats) {
            return Attempt::SoldOut;
        }
        for (nth, (shard, seats)) in draws.enumerate() {
            let shard = &mut self.shards[shard];
            shard.sold += seats;
            shard.unsold -= seats;
            shard.version += 1;
            shard.bookings += u8::from(nth == 0);
        }
        self.bookings[confirm] = Booking::Confirmed;
        Attempt::Booked
    }

    /// A cancel: the booking is confirmed, and gives its seats back. Otherwise nothing happens, whatever is answered.
    pub(super) fn cancel(&mut self, config: &Config, booking: usize) {
        let draws = config.draws_of(booking);
        let is_confirmed = self.bookings[booking] == Booking::Confirmed;
        let are_sold = draws.clone().all(|(shard, seats)| self.shards[shard].sold >= seats);
        if !are_sold || !is_confirmed && !config.lacks(Guard::CancelAsksStatus) {
            return;
        }
        for (nth, (shard, seats)) in draws.enumerate() {
            let shard = &mut self.shards[shard];
            shard.sold -= seats;
            shard.unsold += seats;
            shard.version += 1;
            shard.cancelled_bookings += u8::from(nth == 0);
        }
        self.bookings[booking] = Booking::Cancelled;
    }

    /// The event is written as it was read, with a new shard. Who is refused may read it again.
    pub(super) fn raise(&mut self, config: &Config) {
        let Raise::Seen(seen) = self.raise else { return };
        if seen.version != self.event.version && !config.lacks(Guard::RaiseAsksVersion) {
            self.raise = Raise::Ready;
            return;
        }
        let closed = seen.cancelled && !config.lacks(Guard::NewShardIsClosed);
        self.shards[usize::from(seen.shards)] = Shard::new(config.raised, closed);
        self.event = Event { version: seen.version + 1, shards: seen.shards + 1, ..seen };
        self.raise = Raise::Ended;
    }

    /// The event is marked as finished, if it is not. That makes no new version.
    pub(super) fn finish(&mut self) {
        if self.event.cancelled {
            self.event.finished = true;
            self.was_finished = true;
        }
    }
}
