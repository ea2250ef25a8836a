//! Where every story starts.

use crate::{
    config::Config,
    state::{
        ATTEMPTS, Attempt, Booking, CANCELS, Dynamo, Follow, Janitor, LOWERS, Loader, Lower, Made,
        RESERVATIONS, Redis, RedisShard, Reservation, SHARDS, Shard, State, Status, Upset, WORKERS,
    },
};

impl State {
    /// The start: a fresh event, some of its seats perhaps booked.
    pub fn start(config: &Config) -> Self {
        let mut dynamo = Dynamo { event_shards: config.shards() as u8, ..Dynamo::default() };
        for (shard, capacity) in dynamo.shards.iter_mut().zip(config.capacity) {
            *shard = Shard { capacity, sold: 0, version: u8::from(capacity > 0) };
        }
        let mut reservations = [Reservation::default(); RESERVATIONS];
        for (index, request) in config.requests.iter().enumerate().take(config.booked) {
            let mut draws = [0; SHARDS];
            draws[0] = request.seats;
            dynamo.shards[0].sold += request.seats;
            dynamo.bookings[index] = Booking { status: Status::Confirmed, draws, price: 0, puts: 1 };
            reservations[index].made = Made::Held;
        }
        let redis = config.loaded.then(|| {
            let mut redis = Redis { epoch: 1, count: dynamo.event_shards, ..Redis::default() };
            for (copy, shard) in redis.shards.iter_mut().zip(dynamo.shards) {
                *copy = RedisShard { free: shard.unsold(), applied: shard.version, remembered: None };
            }
            redis
        });
        let epochs = u8::from(config.loaded);
        Self {
            dynamo,
            redis,
            answered: 0,
            replica: None,
            reservations,
            attempts: [[Attempt::default(); ATTEMPTS]; RESERVATIONS],
            cancels: [Follow::default(); CANCELS],
            raise: Follow::default(),
            lowers: [Lower::default(); LOWERS],
            withdrawals: [0; LOWERS],
            loaders: [Loader::Idle; WORKERS],
            janitors: [Janitor::Idle; WORKERS],
            upset: Upset::No,
            epochs,
            losses: 0,
            failovers: 0,
            lost_replies: 0,
            duplicates: 0,
            lates: 0,
        }
    }
}
