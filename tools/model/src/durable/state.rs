//! All there is at one moment.

use super::{BOOKINGS, CALLS, Config, Mask, PAYMENTS, RETURNERS, SHARDS};

/// An inventory shard in DynamoDB. Numbers are signed, so that a guard that is missing is seen and does not stop the checker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shard {
    pub unsold: i8,
    pub pending: i8,
    pub sold: i8,
    pub version: u8,
    pub closed: bool,
}

/// What became of a booking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    #[default]
    Absent,
    Pending,
    Closing,
    Confirmed,
    Expired,
    Cancelled,
}

/// What was heard of the outside, written once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Word {
    #[default]
    Unknown,
    /// Nothing was paid, and nothing can be.
    Nothing,
    Paid,
}

/// A booking in DynamoDB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Booking {
    pub status: Status,
    /// Attempts to pay that were opened; the last is the current one.
    pub attempts: u8,
    pub word: Word,
    pub void: bool,
    /// Which of its times it has: 1 once it was extended.
    pub expires_at: u8,
    /// How often it became confirmed or expired.
    pub ends: u8,
}

impl Booking {
    /// Whether its seats are taken and it has not ended.
    pub(super) fn is_open(self) -> bool {
        matches!(self.status, Status::Pending | Status::Closing)
    }

    /// Whether what there was of an end is an end.
    pub(super) fn has_ended(self) -> bool {
        matches!(self.status, Status::Confirmed | Status::Expired | Status::Cancelled)
    }
}

/// The truth about an attempt to pay, where the money is. It is decided there, in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Payment {
    /// The outside has not heard of it.
    #[default]
    Unheard,
    Open,
    Paid,
    Closed,
    /// It was paid, and the money was given back.
    Returned,
}

/// A hold in Redis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Hold {
    #[default]
    None,
    Held,
    Confirming,
}

/// A difference between the stores that reconcile remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Differs {
    pub version: u8,
    pub applied: u8,
    /// Who of those under way then still is, a bit each: a grace is over when nobody is.
    pub waits_for: Mask,
}

/// A shard in Redis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RedisShard {
    pub free: i8,
    /// Commits that Redis knows of, in DynamoDB's versions.
    pub applied: u8,
    pub differs: Option<Differs>,
}

/// Redis, but for its holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Redis {
    pub shards: [RedisShard; SHARDS],
    /// The bookings whose seats have returned here.
    pub restocked: Mask,
}

/// Shards, read from DynamoDB.
pub type Read = [Shard; SHARDS];

/// How far a checkout or a confirm has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Progress {
    #[default]
    Ready,
    /// Its commit may come at any moment.
    Begun,
    /// There is a booking.
    Committed,
    /// Answered, or crashed.
    Ended,
}

/// An inner function that lets seats return, with the epoch that it saw, if Redis was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Returner {
    #[default]
    Idle,
    /// It may go for any booking now.
    Seen(Option<u8>),
    /// Without [`super::Guard::EpochFirst`]: it has let this booking's seats return, and is to see the epoch.
    Unseen(u8),
    /// DynamoDB has this booking's seats back, and Redis is to hear of it.
    Committed(u8, Option<u8>),
}

/// A run that judges whether a cancelled event is finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Judge {
    /// These shards it has seen to be done; the bits behind them are of those of which it knows only that nothing is sold.
    Seen(Mask),
    /// None is left, as it knows.
    #[default]
    Finishing,
}

/// The janitor on its way through reconcile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Janitor {
    /// The epoch and what was applied.
    pub seen: Option<(u8, [u8; SHARDS])>,
    pub read: Option<Read>,
}

/// The bits of [`State::under_way`] that are inner functions'.
pub(super) const RETURNING: Mask = 0b11;

/// Everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub shards: [Shard; SHARDS],
    pub bookings: [Booking; BOOKINGS],
    pub payments: [[Payment; PAYMENTS]; BOOKINGS],
    pub event_cancelled: bool,
    pub event_finished: bool,
    pub redis: Option<Redis>,
    pub holds: [Hold; BOOKINGS],
    /// How often Redis was lost: the epoch of what is loaded now.
    pub losses: u8,
    /// Which reservations have had their hold.
    pub reserved: [bool; BOOKINGS],
    pub calls: [[Progress; CALLS]; BOOKINGS],
    pub returners: [Returner; RETURNERS],
    pub loader: Option<Read>,
    pub janitor: Janitor,
    pub judge: Judge,
    /// Somebody was told what was not so.
    pub lied: bool,
    /// A booking was closed for a time that had been extended, or extended when it was closing.
    pub overruled: bool,
}

impl State {
    /// Redis has the event, and all seats are free.
    pub(super) fn start(config: &Config) -> Self {
        let calls = config.requests.map(|request| {
            request.calls.map(|call| if call.is_some() { Progress::Ready } else { Progress::Ended })
        });
        let shards = config.capacity.map(|unsold| Shard { unsold, ..Shard::default() });
        let mut state = Self {
            shards,
            bookings: [Booking::default(); BOOKINGS],
            payments: [[Payment::Unheard; PAYMENTS]; BOOKINGS],
            event_cancelled: false,
            event_finished: false,
            redis: None,
            holds: [Hold::None; BOOKINGS],
            losses: 0,
            reserved: [false; BOOKINGS],
            calls,
            returners: [Returner::Idle; RETURNERS],
            loader: None,
            janitor: Janitor::default(),
            judge: Judge::Seen(0),
            lied: false,
            overruled: false,
        };
        state.load(config, shards);
        state
    }

    /// The epoch, if Redis is loaded.
    pub(super) fn epoch(&self) -> Option<u8> {
        self.redis.map(|_| self.losses)
    }

    /// Whether a call for that reservation is under way.
    pub(super) fn is_called(&self, booking: usize) -> bool {
        self.calls[booking].iter().any(|call| matches!(call, Progress::Begun | Progress::Committed))
    }

    /// Calls that are under way, and inner functions whose transaction is done, a bit each: those of the latter are the last. An epoch
    /// may have been seen long before.
    pub(super) fn under_way(&self) -> Mask {
        let calls = self.calls.iter().flatten();
        let calls = calls.map(|call| matches!(call, Progress::Begun | Progress::Committed));
        let has_returned = |at: &Returner| matches!(at, Returner::Unseen(_) | Returner::Committed(..));
        let returners = self.returners.iter().map(has_returned);
        calls.chain(returners).fold(0, |bits, is_under_way| bits << 1 | Mask::from(is_under_way))
    }

    /// States that differ only in what nobody asks for any more become one: what ended is waited for no longer, and the inner
    /// functions, which are alike, have an order.
    pub(super) fn normalise(&mut self, config: &Config) {
        let under_way = self.under_way();
        let mut differs: Vec<&mut Differs> = match &mut self.redis {
            Some(redis) => redis.shards.iter_mut().filter_map(|shard| shard.differs.as_mut()).collect(),
            None => Vec::new(),
        };
        differs.iter_mut().for_each(|differs| differs.waits_for &= under_way);
        let [first, second] = &mut self.returners;
        if config.returners == RETURNERS && first > second {
            std::mem::swap(first, second);
            for differs in differs {
                let waits_for = differs.waits_for;
                differs.waits_for = waits_for & !RETURNING | waits_for >> 1 & 1 | (waits_for & 1) << 1;
            }
        }
    }
}
