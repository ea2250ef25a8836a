//! The abstraction: what the program's stores and processes amount to in the terms of the model.
//!
//! What the model keeps only to judge by, who was under way when reconcile remembered a difference, can't be seen in the program; it is
//! taken from the model's state.

use domain::{
    booking::BookingStatus,
    inventory::{Draw, InventoryShard},
    row::SeatSet,
};
use model::numbered::{
    self, Action, Booking, Differs, Dynamo, HoldAt, Read, Row, SEATS, Seat, Seats, State, Status,
};

use super::program::{Attempt, Cancel, Program, bits_of};
use crate::{abstraction::small, kept::Kept};

/// Each row's version when it is made; the model counts from there.
const FIRST_VERSION: u64 = 1;

impl Program<'_> {
    /// What DynamoDB has. What a step can't have written is as it was known before.
    pub(super) async fn read_what_changed(&mut self, action: Action, model: &State) -> Result<(), String> {
        match action {
            Action::Commit(id, _) => self.read(&[id], model).await,
            Action::Cancel(cancel) => {
                let id = self.config.cancels[cancel];
                self.read(id.as_slice(), model).await
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn read_all(&mut self, model: &State) -> Result<(), String> {
        let requests = self.config.requests.iter().enumerate();
        let all: Vec<_> = requests.filter(|(_, request)| request.is_some()).map(|(id, _)| id).collect();
        self.read(&all, model).await
    }

    /// Reads the shards, and what was booked by these requests and is counted of their users.
    async fn read(&mut self, requests: &[usize], model: &State) -> Result<(), String> {
        let mut dynamo = self.dynamo.unwrap_or(model.dynamo);
        for id in requests {
            dynamo.bookings[*id] = self.booking_of(*id).await?;
            if let Some(request) = self.config.requests[*id] {
                let counted = self.stores.store.seats_of_user(self.event.id, self.users[request.user]).await;
                dynamo.counted[request.user] = i8::try_from(counted.unwrap()).unwrap();
            }
        }
        let inventory = self.stores.store.inventory(self.event.id, &self.event.shards).await.unwrap();
        for shard in &inventory {
            if shard.capacity != shard.sold + shard.unsold {
                return Err(format!("{shard:?} does not add up"));
            }
        }
        let row = self.read_of(&inventory.iter().filter(|shard| self.is_row(shard)).collect::<Vec<_>>())?;
        dynamo.version = row.version;
        dynamo.taken = [None; SEATS];
        for (seat, owner) in dynamo.taken.iter_mut().enumerate() {
            let has =
                |booking: &Booking| booking.status == Status::Confirmed && booking.seats & (1 << seat) != 0;
            let owners: Vec<usize> =
                (0..dynamo.bookings.len()).filter(|id| has(&dynamo.bookings[*id])).collect();
            *owner = match (row.taken & (1 << seat) != 0, owners.as_slice()) {
                (true, [id]) => Some(small(*id)),
                (false, []) => None,
                (is_taken, owners) => return Err(format!("seat {seat}: taken {is_taken}, of {owners:?}")),
            };
        }
        let places = inventory.iter().find(|shard| !self.is_row(shard));
        dynamo.unsold = places.map_or(0, |shard| i8::try_from(shard.unsold).unwrap());
        self.dynamo = Some(dynamo);
        Ok(())
    }

    fn is_row(&self, shard: &InventoryShard) -> bool {
        domain::inventory::place_of_shard(shard.shard).0 == self.row.number
    }

    async fn booking_of(&self, id: usize) -> Result<Booking, String> {
        let Some(booking) = self.booking(id).await else { return Ok(Booking::default()) };
        let seats = seats_of(&booking.draws);
        if booking.seats != self.names_of(seats) {
            return Err(format!("a booking of {:?} has the draws {:?}", booking.seats, booking.draws));
        }
        let status = match booking.status {
            BookingStatus::Confirmed => Status::Confirmed,
            BookingStatus::Cancelled => Status::Cancelled,
            status => panic!("nothing here makes a booking {status:?}"),
        };
        Ok(Booking { status, seats })
    }

    /// The row as it was read from DynamoDB.
    fn read_of(&self, inventory: &[&InventoryShard]) -> Result<Read, String> {
        let [row] = inventory else { return Err(format!("{inventory:?} is not one row")) };
        if row.sold != row.taken.count() || !row.out_of_sale.is_empty() {
            return Err(format!("{row:?} has other seats than are sold"));
        }
        Ok(Read { taken: bits_of(&row.taken), version: version_of(row.version) })
    }

    /// The program's state as the model would have it, if that is `model`.
    pub(super) async fn as_state(&mut self, model: &State) -> Result<State, String> {
        let of_row = self.stores.kept(self.row).await?;
        let mut holds = self.holds_of(&of_row)?;
        let mut free = 0;
        if let Some(places) = self.places {
            let of_places = self.stores.kept(places).await?;
            let others = self.holds_of(&of_places)?;
            let both = others.iter().zip(&mut holds);
            both.filter(|(other, _)| **other != HoldAt::None).for_each(|(other, hold)| *hold = *other);
            free = number(&of_places, "free:0")?;
        }
        let mut state = *model;
        state.dynamo = self.dynamo.unwrap_or(Dynamo { version: u8::MAX, ..model.dynamo });
        state.row = self.row_of(&of_row, model)?;
        (state.free, state.holds) = (free, holds);
        (state.losses, state.reserved) = (self.losses, self.reserved);
        state.attempts = self.attempts.each_ref().map(|attempts| attempts.each_ref().map(attempt_of));
        state.cancels = self.cancels.each_ref().map(|cancel| self.cancel_of(cancel));
        let read_of = |read: &Option<Vec<InventoryShard>>| {
            read.as_ref().map(|read| self.read_of(&read.iter().collect::<Vec<_>>())).transpose()
        };
        state.loader = read_of(&self.loader)?;
        let seen = self.janitor.seen.as_ref();
        state.janitor = numbered::Janitor {
            seen: seen.map(|seen| (self.epoch_of(&seen.epoch), version_of(seen.shard(0).applied))),
            read: read_of(&self.janitor.read)?,
        };
        Ok(state)
    }

    fn holds_of(&self, kept: &Kept) -> Result<[HoldAt; numbered::REQUESTS], String> {
        let mut holds = [HoldAt::None; numbered::REQUESTS];
        for kept in &kept.holds {
            let id = self.ids.iter().position(|id| *id == kept.id).ok_or("a hold is nobody's")?;
            let seats = seats_of(&kept.hold.draws);
            if kept.hold.seats != self.names_of(seats) || kept.hold.user != self.user(id).to_string() {
                return Err(format!(
                    "hold {id} of {:?} has the draws {:?}",
                    kept.hold.seats, kept.hold.draws
                ));
            }
            holds[id] =
                if kept.hold.is_confirming() { HoldAt::Confirming(seats) } else { HoldAt::Held(seats) };
        }
        Ok(holds)
    }

    /// The row in Redis. Checks what is kept beside it against it.
    fn row_of(&mut self, kept: &Kept, model: &State) -> Result<Option<Row>, String> {
        let Some(epoch) = kept.state.get("epoch") else { return Ok(None) };
        if self.epochs.get(usize::from(self.losses)) != Some(epoch) {
            return Err("the row has another epoch than it was loaded with".to_owned());
        }
        let row = kept.state.get("row:0").ok_or("there is no row")?;
        let seats: Vec<Seat> = row.chars().map(seat_of).collect::<Result<_, _>>()?;
        let free: String = row.chars().map(|seat| if seat == '1' { '1' } else { '0' }).collect();
        let longest = free.split('0').map(str::len).max().unwrap_or(0);
        // A run of none is a +, longer ones are the characters behind it.
        let runs = char::from(b'+' + small(longest));
        let counted = (number(kept, "free:0")?, kept.state.get("runs:ordinary"));
        if counted != (i8::try_from(free.matches('1').count()).unwrap(), Some(&runs.to_string())) {
            return Err(format!("of the row {row}, free and runs are {counted:?}"));
        }
        let version = kept.state.get("seats_version").and_then(|version| version.parse().ok()).unwrap_or(0);
        match &self.shown {
            Some((known, shown)) if *shown != free && version <= *known => {
                return Err(format!("{shown} became {free} under the version {version} after {known}"));
            }
            _ => self.shown = Some((version, free)),
        }
        let differs = kept.state.get("differs:0").map(|differs| differs_of(differs, model)).transpose()?;
        let applied = kept.state.get("applied:0").and_then(|applied| applied.parse().ok());
        let applied = version_of(applied.ok_or("nothing was applied")?);
        let seats = <[Seat; SEATS]>::try_from(seats).map_err(|seats| format!("the row has {seats:?}"))?;
        Ok(Some(Row { seats, applied, differs }))
    }

    fn epoch_of(&self, epoch: &str) -> u8 {
        self.epochs.iter().position(|known| known == epoch).map_or(u8::MAX, small)
    }

    fn cancel_of(&self, cancel: &Cancel) -> numbered::Cancel {
        let number = |epoch: &Option<String>| epoch.as_deref().map(|epoch| self.epoch_of(epoch));
        match cancel {
            Cancel::Ready => numbered::Cancel::Ready,
            Cancel::Seen(epoch, _) => numbered::Cancel::Seen(number(epoch)),
            Cancel::Committed(epoch, _) => numbered::Cancel::Committed(number(epoch)),
            Cancel::Ended => numbered::Cancel::Ended,
        }
    }
}

fn attempt_of(attempt: &Attempt) -> numbered::Attempt {
    match attempt {
        Attempt::Ready => numbered::Attempt::Ready,
        Attempt::Begun(hold) => numbered::Attempt::Begun(seats_of(&hold.draws), hold.is_first),
        Attempt::Refused(hold) => numbered::Attempt::Refused(seats_of(&hold.draws)),
        Attempt::OverLimit(_) => numbered::Attempt::OverLimit,
        Attempt::Committed(_) => numbered::Attempt::Committed,
        Attempt::Ended => numbered::Attempt::Ended,
    }
}

fn seats_of(draws: &[Draw]) -> Seats {
    let all = draws.iter().fold(SeatSet::default(), |seats, draw| seats.or(&draw.named));
    bits_of(&all)
}

fn seat_of(kept: char) -> Result<Seat, String> {
    Ok(match kept {
        '1' => Seat::Free,
        'h' => Seat::Held,
        's' => Seat::Sold,
        'H' => Seat::HeldButSold,
        'S' => Seat::SoldAgain,
        other => return Err(format!("a seat is {other}")),
    })
}

fn differs_of(kept: &str, model: &State) -> Result<Differs, String> {
    let parsed = kept.split_once(" since ").and_then(|(difference, _)| difference.split_once(" over "));
    let (version, applied) = parsed.ok_or_else(|| format!("the difference {kept}"))?;
    let version_of = |text: &str| version_of(text.parse().unwrap());
    let waits_for = model.row.and_then(|row| row.differs).map_or(0, |differs| differs.waits_for);
    Ok(Differs { version: version_of(version), applied: version_of(applied), waits_for })
}

fn version_of(version: u64) -> u8 {
    small(version.saturating_sub(FIRST_VERSION))
}

fn number(kept: &Kept, field: &str) -> Result<i8, String> {
    let value = kept.state.get(field).ok_or_else(|| format!("there is no {field}"))?;
    value.parse().map_err(|_| format!("{field} is {value}"))
}
