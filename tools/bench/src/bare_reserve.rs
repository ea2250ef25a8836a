//! The script that holds seats, called by a bare client as the service calls it.

use std::time::{Duration, Instant};

use domain::id::{EventId, ReservationId, UserId};
use jiff::Timestamp;
use kit::Failure;
use stores::redis::keys::Keys;

use crate::{bare_redis::BareRedis, rate::every_connection};

const SCRIPT: &str = concat!(
    include_str!("../../../shared/stores/lua/lib/state.lua"),
    include_str!("../../../shared/stores/lua/lib/rows.lua"),
    include_str!("../../../shared/stores/lua/lib/seats.lua"),
    include_str!("../../../shared/stores/lua/lib/draw.lua"),
    include_str!("../../../shared/stores/lua/lib/pick.lua"),
    include_str!("../../../shared/stores/lua/lib/charge.lua"),
    include_str!("../../../shared/stores/lua/reserve.lua")
);
/// The service gives up sooner. Here one failure would lose every row.
const TRIES_MAX: usize = 20;

/// The script, and the event whose seats it holds.
pub(crate) struct BareReserve {
    redis: String,
    sha: String,
    event: EventId,
    keys: Keys,
}

impl BareReserve {
    pub(crate) async fn new(redis: &str, event: EventId, key_prefix: &str) -> Result<Self, Failure> {
        let sha = BareRedis::new(redis)?.ask(&["SCRIPT", "LOAD", SCRIPT]).await?;
        Ok(Self { redis: redis.to_owned(), sha, event, keys: Keys::new(key_prefix) })
    }

    /// Holds seats over all connections for so long; answers with how many a second.
    pub(crate) async fn per_second(&self, time: Duration) -> Result<f64, Failure> {
        let connect = || BareRedis::new(&self.redis);
        let started = Instant::now();
        let hold = async |connection: &mut Result<BareRedis, Failure>| {
            let connection = connection.as_mut().map_err(|error| error.to_string())?;
            self.hold(connection, || ReservationId::new(self.event, Timestamp::now())).await
        };
        let held = every_connection(time, connect, &hold).await?;
        Ok(held as f64 / started.elapsed().as_secs_f64())
    }

    /// Holds a seat under a new id. Of thousands in a second two ids are the same now and then: like the service, it tries
    /// again with another.
    async fn hold(
        &self,
        connection: &mut BareRedis,
        mut new_id: impl FnMut() -> ReservationId,
    ) -> Result<(), Failure> {
        for _ in 0..TRIES_MAX {
            match self.reserve(connection, new_id()).await?.as_str() {
                "HELD" => return Ok(()),
                "ID_TAKEN" => {}
                other => return Err(format!("the script answered {other}").into()),
            }
        }
        Err(format!("{TRIES_MAX} new ids in a row were taken").into())
    }

    /// Runs the script for a new user; tells the word that it answers with.
    async fn reserve(&self, connection: &mut BareRedis, id: ReservationId) -> Result<String, Failure> {
        let (event, user, id) = (self.event, UserId::new(), id.to_string());
        let key = format!("{:032x}", fastrand::u128(..));
        let (state, deadlines, holds) =
            (self.keys.state(event), self.keys.deadlines(event), self.keys.holds(event));
        let (idempotency, ended) = (self.keys.idempotency(event, user, &key), self.keys.ended_holds(event));
        let (user, start) = (user.to_string(), fastrand::u16(..).to_string());
        let command = [
            "EVALSHA",
            &self.sha,
            "5",
            &state,
            &deadlines,
            &holds,
            &idempotency,
            &ended,
            &id,
            &user,
            "1",
            "600000",
            "86400000",
            &start,
            "1800000",
            "3600000",
        ];
        connection.ask(&command).await
    }
}

#[cfg(test)]
mod tests {
    use local::{
        embedded_store::{EmbeddedStore, Location},
        redis_server::{RedisOptions, RedisServer},
    };
    use stores::dynamodb;

    use super::*;
    use crate::world::{Service, app};

    #[tokio::test]
    async fn an_id_that_is_taken_is_tried_again_with_another() {
        let redis = RedisServer::start(RedisOptions::default()).await.unwrap();
        let dynamodb = EmbeddedStore::start(Location::Memory, None).await.unwrap();
        let client = dynamodb::client_for_endpoint(dynamodb.endpoint());
        let service = Service::new(app(redis.url(), "bare", client, |_| {}).await.unwrap()).unwrap();
        let event = service.event(1, 100).await.unwrap();
        let known = service.app.store.event(event).await.unwrap().unwrap();
        catalogue::load(&service.app.catalogue, &known, 0).await.unwrap();

        let bare = BareReserve::new(redis.url(), event, "bare:").await.unwrap();
        let mut connection = BareRedis::new(redis.url()).unwrap();
        let id = || ReservationId::new(event, Timestamp::now());
        let (taken, other) = (id(), id());
        bare.hold(&mut connection, || taken).await.unwrap();
        let mut ids = [taken, taken, other].into_iter();
        bare.hold(&mut connection, || ids.next().unwrap()).await.unwrap();
        assert_eq!(ids.next(), None, "all three were tried");
        let refusal = bare.hold(&mut connection, || other).await.unwrap_err().to_string();
        assert!(refusal.contains("were taken"), "{refusal}");
        assert_eq!(service.app.redis.free_seats(&[event]).await.unwrap(), [Some(98)]);
    }
}
