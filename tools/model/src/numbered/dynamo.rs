//! DynamoDB's transactions, and their conditions.

use super::{
    Config, Guard, Request, SEATS, Seats, Wanted,
    state::{Attempt, Booking, Dynamo, Read, State, Status, each},
};

impl Dynamo {
    pub(super) fn read(&self) -> Read {
        let taken = (0..SEATS).filter(|seat| self.taken[*seat].is_some());
        Read { taken: taken.fold(0, |seats, seat| seats | 1 << seat), version: self.version }
    }

    /// What is wanted becomes a booking's, whatever was before.
    pub(super) fn sell(&mut self, id: usize, user: usize, wanted: Wanted, seats: Seats) {
        match wanted {
            Wanted::Named(_) => {
                each(seats).for_each(|seat| self.taken[seat] = Some(id as u8));
                self.version += 1;
            }
            Wanted::Places(places) => self.unsold -= places,
        }
        self.counted[user] += wanted.count();
        self.bookings[id] = Booking { status: Status::Confirmed, seats };
    }

    /// A booking's seats come back, unless it is cancelled already: then the cancel is answered so, and frees nothing.
    pub(super) fn cancel(&mut self, config: &Config, id: usize) -> bool {
        let Some(request) = config.requests[id] else { return false };
        let Booking { status, seats } = self.bookings[id];
        let is_anybodys = each(seats).all(|seat| self.taken[seat].is_some());
        let is_its_own = each(seats).all(|seat| self.taken[seat] == Some(id as u8));
        let may = match config.without {
            Some(Guard::CancelAsks) => true,
            Some(Guard::CancelAsksWhose) => is_anybodys,
            _ => status == Status::Confirmed && is_its_own,
        };
        if may {
            each(seats).for_each(|seat| self.taken[seat] = None);
            self.version += 1;
            self.counted[request.user] -= request.wanted.count();
            self.bookings[id].status = Status::Cancelled;
        }
        may
    }

    /// A user's places as the confirmed bookings have them, of those that count.
    pub(super) fn bought(&self, config: &Config, user: usize, counts: impl Fn(Wanted) -> bool) -> i8 {
        let confirmed = config.by_number().filter(|(id, _)| self.bookings[*id].status == Status::Confirmed);
        let theirs = confirmed.filter(|(_, request)| request.user == user && counts(request.wanted));
        theirs.map(|(_, request)| request.wanted.count()).sum()
    }
}

impl State {
    /// The commit of a confirm. That its booking exists is success; that its user would have too many is answered before what is taken.
    pub(super) fn commit(&mut self, config: &Config, id: usize, seats: Seats, is_first: bool) -> Attempt {
        let Some(Request { user, wanted, .. }) = config.requests[id] else { return Attempt::Ended };
        if self.dynamo.bookings[id].status != Status::Absent {
            return Attempt::Committed;
        }
        let has = match config.lacks(Guard::LimitOverAll) {
            false => self.dynamo.counted[user],
            true => self.dynamo.bought(config, user, |other| other.is_of_row() == wanted.is_of_row()),
        };
        if has + wanted.count() > config.most {
            return if is_first { Attempt::OverLimit } else { Attempt::Ended };
        }
        let is_taken = each(seats).any(|seat| self.dynamo.taken[seat].is_some());
        if is_taken && !config.lacks(Guard::SaleAsksTaken) {
            return Attempt::Refused(seats);
        }
        self.dynamo.sell(id, user, wanted, seats);
        Attempt::Committed
    }
}
