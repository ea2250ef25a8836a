//! What the scripts do to the row in Redis, each in one step.

use super::{
    Config, Guard, Seats,
    state::{Differs, HoldAt, Read, Row, Seat, State, each},
};

impl Row {
    fn set(&mut self, seats: Seats, to: impl Fn(Seat) -> Seat) {
        for seat in each(seats) {
            self.seats[seat] = to(self.seats[seat]);
        }
    }

    pub(super) fn has_free(&self, seats: Seats) -> bool {
        each(seats).all(|seat| self.seats[seat] == Seat::Free)
    }

    pub(super) fn hold(&mut self, seats: Seats) {
        self.set(seats, |_| Seat::Held);
    }

    /// A hold has ended and its seats were not bought. What somebody else has bought meanwhile stays sold.
    fn give_back(&mut self, seats: Seats) {
        self.set(seats, |seat| if seat == Seat::HeldButSold { Seat::Sold } else { Seat::Free });
    }

    /// DynamoDB's seats, and the holds of here.
    fn adopt(&mut self, config: &Config, read: Read) {
        for (number, seat) in self.seats.iter_mut().enumerate() {
            let is_taken = read.taken & (1 << number) != 0;
            let is_held = matches!(seat, Seat::Held | Seat::HeldButSold);
            *seat = match (is_taken, is_held) {
                (true, true) if config.lacks(Guard::HeldButSold) => Seat::Held,
                (true, true) => Seat::HeldButSold,
                (true, false) => Seat::Sold,
                (false, true) => Seat::Held,
                (false, false) => Seat::Free,
            };
        }
        self.applied = read.version;
        self.differs = None;
    }
}

impl State {
    /// `load.lua`: nothing if the row is there.
    pub(super) fn load(&mut self, read: Read) {
        let seat = |number: u8| if read.taken & (1 << number) != 0 { Seat::Sold } else { Seat::Free };
        let loaded = Row { seats: [seat(0), seat(1)], applied: read.version, differs: None };
        self.row.get_or_insert(loaded);
    }

    /// `expire.lua`, `settle.lua`: the hold ends without a booking.
    pub(super) fn give_back(&mut self, config: &Config, id: usize) {
        match (self.holds[id].seats(), &mut self.row) {
            (Some(0), _) => self.free += config.places_of(id),
            (Some(seats), Some(row)) => row.give_back(seats),
            _ => {}
        }
        self.holds[id] = HoldAt::None;
    }

    /// `finish.lua`: nothing, if the hold is gone.
    ///
    /// A held seat that was sold is bought only if that booking was cancelled. Redis has not heard of the cancel yet, and its restock
    /// must not free what is sold again.
    pub(super) fn finish(&mut self, config: &Config, id: usize) {
        let sold_again = if config.lacks(Guard::FinishMindsRestock) { Seat::Sold } else { Seat::SoldAgain };
        match (self.holds[id].seats(), &mut self.row) {
            (Some(seats), Some(row)) if seats != 0 => {
                row.set(seats, |seat| if seat == Seat::HeldButSold { sold_again } else { Seat::Sold });
                row.applied += 1;
            }
            _ => {}
        }
        self.holds[id] = HoldAt::None;
    }

    /// `restock.lua`: a booking's cancel is committed. Its own hold may still be there, where the finish of its confirm is late or lost:
    /// if that came after the restock, it would show the seats as sold.
    pub(super) fn restock(&mut self, config: &Config, id: usize, seen: Option<u8>) {
        if seen != Some(self.losses) && !config.lacks(Guard::RestockAsksEpoch) {
            return;
        }
        if !config.lacks(Guard::RestockFinishes) {
            self.finish(config, id);
        }
        let Some(row) = &mut self.row else { return };
        row.set(self.dynamo.bookings[id].seats, |seat| match seat {
            Seat::Free | Seat::Sold => Seat::Free,
            Seat::Held | Seat::HeldButSold => Seat::Held,
            Seat::SoldAgain => Seat::Sold,
        });
        row.applied += 1;
    }

    /// `reconcile.lua`.
    pub(super) fn reconcile(&mut self, config: &Config, (epoch, applied): (u8, u8), read: Read) {
        let under_way = self.under_way();
        let is_confirming = self.holds.iter().any(|hold| hold.is_of_row() && hold.is_confirming());
        let Some(row) = &mut self.row else { return };
        if (epoch, applied) != (self.losses, row.applied) && !config.lacks(Guard::ReconcileCompares) {
            return;
        }
        let differs = Differs { version: read.version, applied, waits_for: under_way };
        let is_remembered = |seen: Differs| (seen.version, seen.applied) == (read.version, applied);
        if read.version == applied {
            row.adopt(config, read);
        } else if is_confirming && !config.lacks(Guard::AdoptLeavesConfirming) {
            // Of a hold that is being confirmed only settle knows whether its seats are sold.
        } else if config.lacks(Guard::AdoptWaits) {
            row.adopt(config, read);
        } else {
            match row.differs.filter(|seen| is_remembered(*seen)) {
                Some(seen) if seen.waits_for == 0 => row.adopt(config, read),
                Some(_) => {}
                None => row.differs = Some(differs),
            }
        }
    }
}
