//! DynamoDB's transactions and conditional writes. Whoever is refused reads again; here that is a later step.

use super::{
    By, Call, Config, Guard,
    state::{Booking, Payment, State, Status, Word},
};

/// What a commit came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commit {
    Done,
    Exists,
    /// A shard is closed, or has too few seats.
    Refused,
}

impl State {
    /// The transaction of a checkout, or of a confirm from a hold: the booking is new, and each shard is open and has the seats.
    pub(super) fn commit(&mut self, config: &Config, id: usize, call: Call) -> Commit {
        if self.bookings[id].status != Status::Absent {
            return Commit::Exists;
        }
        let draws = config.draws_of(id);
        let is_closed = draws.clone().any(|(shard, _)| self.shards[shard].closed);
        let is_short = draws.clone().any(|(shard, seats)| self.shards[shard].unsold < seats);
        if is_closed && !config.lacks(Guard::CommitAsksClosed)
            || is_short && !config.lacks(Guard::CommitAsksUnsold)
        {
            return Commit::Refused;
        }
        for (shard, seats) in draws {
            let shard = &mut self.shards[shard];
            shard.unsold -= seats;
            match call {
                Call::Checkout => shard.pending += seats,
                Call::Confirm => shard.sold += seats,
            }
            shard.version += 1;
        }
        let booking = &mut self.bookings[id];
        match call {
            Call::Checkout => booking.status = Status::Pending,
            Call::Confirm => (booking.status, booking.ends) = (Status::Confirmed, 1),
        }
        Commit::Done
    }

    /// `pending | closing -> confirmed`, for it was paid. No seat moves for Redis, so the version stays.
    pub(super) fn confirm(&mut self, config: &Config, id: usize) {
        let booking = &mut self.bookings[id];
        let is_void = booking.void && !config.lacks(Guard::ConfirmAsksVoid);
        if is_void || !booking.is_open() && !config.lacks(Guard::ConfirmAsksStatus) {
            return;
        }
        *booking =
            Booking { status: Status::Confirmed, word: Word::Paid, ends: booking.ends + 1, ..*booking };
        for (shard, seats) in config.draws_of(id) {
            self.shards[shard].pending -= seats;
            self.shards[shard].sold += seats;
        }
    }

    /// Whether that time is the one that the booking has.
    fn is_same_time(&self, config: &Config, id: usize, by: By) -> bool {
        match by {
            By::Time(read) => read == self.bookings[id].expires_at || config.lacks(Guard::CloseAsksTime),
            By::Owner | By::Event | By::Word => true,
        }
    }

    /// `pending -> closing`.
    pub(super) fn close(&mut self, config: &Config, id: usize, by: By) {
        let is_pending = self.bookings[id].status == Status::Pending;
        if !is_pending && !config.lacks(Guard::CloseAsksPending) || !self.is_same_time(config, id, by) {
            return;
        }
        self.note_overruled(id, by);
        let booking = &mut self.bookings[id];
        booking.status = Status::Closing;
        booking.void |= by == By::Event && !config.lacks(Guard::EventVoids);
    }

    /// A cancelled event's booking was closing before, and is void now.
    pub(super) fn make_void(&mut self, id: usize) {
        let booking = &mut self.bookings[id];
        booking.void |= booking.status == Status::Closing;
    }

    /// What was extended is not to end by the time from before.
    fn note_overruled(&mut self, id: usize, by: By) {
        self.overruled |= matches!(by, By::Time(read) if read != self.bookings[id].expires_at);
    }

    /// Whether a booking may expire: directly, as no attempt to pay was ever opened, or by the outside's word.
    fn may_expire(&self, config: &Config, id: usize, by: By) -> bool {
        let booking = self.bookings[id];
        if by != By::Word {
            let is_untried = booking.attempts == 0 || config.lacks(Guard::DirectAsksAttempt);
            return booking.status == Status::Pending && is_untried && self.is_same_time(config, id, by);
        }
        let is_closing = booking.status == Status::Closing
            || booking.status != Status::Absent && config.lacks(Guard::ExpireAsksStatus);
        let has_word = match booking.word {
            Word::Nothing => true,
            Word::Paid => booking.void,
            Word::Unknown => false,
        };
        is_closing && (has_word || config.lacks(Guard::ExpireAsksWord))
    }

    /// `pending | closing -> expired`, and its seats are on sale again; whether that was so.
    pub(super) fn expire(&mut self, config: &Config, id: usize, by: By) -> bool {
        if !self.may_expire(config, id, by) {
            return false;
        }
        self.note_overruled(id, by);
        let booking = &mut self.bookings[id];
        (booking.status, booking.ends) = (Status::Expired, booking.ends + 1);
        for (shard, seats) in config.draws_of(id) {
            let shard = &mut self.shards[shard];
            shard.pending -= seats;
            shard.unsold += seats;
            shard.version += u8::from(!config.lacks(Guard::ExpireCounts));
        }
        true
    }

    /// `confirmed -> cancelled`; whether that was so.
    pub(super) fn cancel(&mut self, config: &Config, id: usize) -> bool {
        if self.bookings[id].status != Status::Confirmed {
            return false;
        }
        self.bookings[id].status = Status::Cancelled;
        for (shard, seats) in config.draws_of(id) {
            let shard = &mut self.shards[shard];
            shard.sold -= seats;
            shard.unsold += seats;
            shard.version += 1;
        }
        true
    }

    /// The booking's time is extended, and its owner is told.
    pub(super) fn extend(&mut self, config: &Config, id: usize) {
        let booking = &mut self.bookings[id];
        let is_pending = booking.status == Status::Pending;
        if booking.expires_at == 0
            && (is_pending || booking.is_open() && config.lacks(Guard::ExtendAsksPending))
        {
            booking.expires_at = 1;
            self.overruled |= !is_pending;
        }
    }

    /// The next attempt to pay opens, as the booking has it.
    pub(super) fn open(&mut self, config: &Config, id: usize) {
        let booking = self.bookings[id];
        let next = usize::from(booking.attempts);
        let is_last_closed = next == 0 || self.payments[id][next - 1] == Payment::Closed;
        let is_pending = booking.status == Status::Pending
            || booking.status == Status::Closing && config.lacks(Guard::OpenAsksPending);
        if next < config.payments && is_pending && (is_last_closed || config.lacks(Guard::OpenAsksLast)) {
            self.bookings[id].attempts += 1;
        }
    }

    /// The outside's word of an attempt is written, once.
    pub(super) fn say(&mut self, config: &Config, id: usize, attempt: usize, word: Word) {
        let booking = &mut self.bookings[id];
        let is_closing = booking.status == Status::Closing || config.lacks(Guard::NoneAsksClosing);
        let is_current = usize::from(booking.attempts) == attempt + 1 || config.lacks(Guard::NoneAsksAttempt);
        let may = match word {
            Word::Nothing => booking.is_open() && is_closing && is_current,
            Word::Paid | Word::Unknown => booking.is_open(),
        };
        if may && (booking.word == Word::Unknown || config.lacks(Guard::WordOnce)) {
            booking.word = word;
        }
    }

    /// Whether a shard of a cancelled event will have no booking any more.
    ///
    /// Without [`Guard::JudgeReadsAtOnce`] what is sold is asked first, and then what is pending.
    pub(super) fn is_done(&self, config: &Config, shard: usize, has_read_sold: bool) -> bool {
        let shard = self.shards[shard];
        let is_closed = shard.closed || config.lacks(Guard::JudgeAsksClosed);
        let asks_pending = has_read_sold && !config.lacks(Guard::JudgeCountsPending);
        let asks_sold = !has_read_sold || !config.lacks(Guard::JudgeReadsAtOnce);
        is_closed && !(asks_sold && shard.sold != 0) && !(asks_pending && shard.pending != 0)
    }
}
