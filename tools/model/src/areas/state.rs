//! All there is at one moment.

use super::{AREAS, Config, REQUESTS};

/// Where a request stands, as its user knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Asked {
    /// It is being answered: both slots are asked.
    #[default]
    UnderWay,
    /// The places are held.
    Held,
    /// Too few places are free.
    SoldOut,
    /// The key is another request's.
    KeyReused,
    /// The user would have too many, said the commit.
    OverLimit,
    /// It is a booking.
    Confirmed,
    /// Nobody goes on with it.
    Gone,
}

/// What one of the two slots said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sees {
    #[default]
    NotAsked,
    Yes,
    No,
}

/// How far a confirm or a cancel has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Step {
    #[default]
    None,
    Begun,
    Committed,
    /// The cancel is committed, and Redis has not heard of it.
    Cancelled,
}

/// One request, and what becomes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Request {
    pub asked: Asked,
    /// What the area's slot said of the hold.
    pub hold: Sees,
    /// What the user's slot said of the key.
    pub key: Sees,
    /// How often the user's slot was lost when the key was claimed.
    pub claimed_at: u8,
    pub step: Step,
    /// Whether the user was told that places are held.
    pub told: bool,
    /// Before a cancel: how often the area's slot was lost, unless it was just lost.
    pub seen: Option<u8>,
}

/// What became of a booking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Booked {
    #[default]
    Absent,
    Confirmed,
    Cancelled,
}

/// A hold in Redis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HoldAt {
    #[default]
    None,
    Held,
    Confirming,
}

/// An area in Redis, while its slot has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AreaRedis {
    /// Below zero for a moment, after a loss.
    pub free: i8,
    pub holds: [HoldAt; REQUESTS],
}

/// Everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// In DynamoDB, by area.
    pub unsold: [u8; AREAS],
    /// In DynamoDB: the user's places over all areas.
    pub counted: u8,
    pub bookings: [Booked; REQUESTS],
    pub redis: [Option<AreaRedis>; AREAS],
    /// Whether an area's slot was lost, or somebody died between the stores, and no janitor has been there since.
    pub upset: [bool; AREAS],
    /// In the user's slot, by key: what it is tied to.
    pub claims: [Option<u8>; REQUESTS],
    pub requests: [Request; REQUESTS],
    pub area_losses: [u8; AREAS],
    pub user_losses: u8,
}

impl State {
    pub(super) fn start(config: &Config) -> Self {
        let mut requests = [Request::default(); REQUESTS];
        for (request, wanted) in requests.iter_mut().zip(config.wants) {
            if wanted.is_none() {
                request.asked = Asked::Gone;
            }
        }
        let fresh = |capacity: u8| Some(AreaRedis { free: capacity as i8, ..AreaRedis::default() });
        Self {
            unsold: config.capacity,
            counted: 0,
            bookings: [Booked::Absent; REQUESTS],
            redis: config.capacity.map(fresh),
            upset: [false; AREAS],
            claims: [None; REQUESTS],
            requests,
            area_losses: [0; AREAS],
            user_losses: 0,
        }
    }

    /// Places of all requests that are so.
    fn places(config: &Config, is_so: impl Fn(usize, usize) -> bool) -> u8 {
        let wants = config.wants.iter().enumerate();
        let wanted =
            wants.filter_map(|(request, wanted)| wanted.map(|(_, area, seats)| (request, area, seats)));
        wanted.filter(|(request, area, _)| is_so(*request, *area)).map(|(.., seats)| seats).sum()
    }

    pub(super) fn seats_of_user(&self, config: &Config) -> u8 {
        Self::places(config, |request, _| self.bookings[request] == Booked::Confirmed)
    }

    pub(super) fn sold_in(&self, config: &Config, of: usize) -> u8 {
        Self::places(config, |request, area| area == of && self.bookings[request] == Booked::Confirmed)
    }

    pub(super) fn held_in(&self, config: &Config, of: usize) -> u8 {
        let Some(redis) = self.redis[of] else { return 0 };
        Self::places(config, |request, area| area == of && redis.holds[request] != HoldAt::None)
    }

    /// Whether somebody is about to do something to an area's places.
    pub(super) fn is_busy(&self, config: &Config, of: usize) -> bool {
        Self::places(config, |request, area| area == of && self.requests[request].step != Step::None) > 0
    }

    pub(super) fn keys_are_used_once(&self, config: &Config) -> bool {
        let told = |request: usize| {
            let (key, ..) = config.wants[request]?;
            self.requests[request].told.then_some((key, self.requests[request].claimed_at))
        };
        let told: Vec<_> = (0..REQUESTS).filter_map(told).collect();
        told.iter().enumerate().all(|(index, one)| !told[index + 1..].contains(one))
    }

    pub(super) fn is_exact_at_rest(&self, config: &Config) -> bool {
        (0..AREAS).filter(|area| !self.upset[*area] && !self.is_busy(config, *area)).all(|area| {
            let held = self.held_in(config, area) as i8;
            self.redis[area].is_none_or(|redis| redis.free + held == self.unsold[area] as i8)
        })
    }

    pub(super) fn refused_hold_nothing(&self, config: &Config) -> bool {
        config.wants.iter().enumerate().all(|(request, wanted)| {
            let Some((_, area, _)) = wanted else { return true };
            let holds = self.redis[*area].is_some_and(|redis| redis.holds[request] != HoldAt::None);
            self.requests[request].asked != Asked::KeyReused || !holds
        })
    }
}
