//! What the Lua scripts answer in the cases that the journeys do not meet, asked directly.

use domain::{
    error::Error,
    event::{Event, NotOnSale},
    id::{EventId, ReservationId, UserId},
    inventory::{Draw, Refused},
    rate::{ALL_AT_FIRST, WantedRates},
    reservation::{BEST_SEATS, BegunHold},
    row::SeatSet,
};
use jiff::Timestamp;
use serde_json::json;
use stores::redis::scripts::{Begin, Look, Redraw, Release, Reserve, ReserveRequest, Withdraw};

use crate::common::{TestApp, in_hours};

const GRACE_MS: u64 = 30_000;

struct Scene {
    evently: TestApp,
    id: EventId,
    event: Event,
    user: UserId,
}

/// An event of 4 seats on 2 shards, not loaded yet.
async fn scene() -> Scene {
    scene_with(json!({ "capacity": 4 })).await
}

async fn scene_with(changes: serde_json::Value) -> Scene {
    let evently = TestApp::with(|config| config.seats_per_shard = 2).await;
    let id: EventId = evently.event_with(changes).await.parse().unwrap();
    let event = evently.app.store.event(id).await.unwrap().unwrap();
    Scene { evently, id, event, user: UserId::new() }
}

impl Scene {
    async fn load(&self) {
        catalogue::load(&self.evently.app.catalogue, &self.event, 0).await.unwrap();
    }

    async fn reserve(&self, id: ReservationId, quantity: u32, key: &str) -> Result<Reserve, Error> {
        self.reserve_at(&ALL_AT_FIRST, id, quantity, key).await
    }

    async fn reserve_at(
        &self,
        rates: &WantedRates,
        id: ReservationId,
        quantity: u32,
        key: &str,
    ) -> Result<Reserve, Error> {
        let request = ReserveRequest {
            id,
            user: self.user,
            area: None,
            quantity,
            rates,
            seats: &BEST_SEATS,
            idempotency_key: key,
            hold_ttl_ms: 60_000,
            unbought_max_ms: 0,
        };
        self.evently.app.redis.reserve(&request).await
    }

    async fn held(&self, quantity: u32) -> ReservationId {
        let id = self.new_id();
        assert!(matches!(self.reserve(id, quantity, &id.to_string()).await, Ok(Reserve::Held { .. })));
        id
    }

    async fn begun(&self, quantity: u32) -> BegunHold {
        self.begin(self.held(quantity).await).await
    }

    async fn begin(&self, id: ReservationId) -> BegunHold {
        match self.evently.app.redis.begin(id, self.user, GRACE_MS).await.unwrap() {
            Begin::Begun(hold) => hold,
            Begin::NoHold => panic!("no hold"),
        }
    }

    /// The janitor thinks that its confirm died, and gives its seats back.
    async fn taken_back(&self, id: ReservationId) {
        let deadline = Timestamp::now().as_millisecond() + 60_000;
        let key = self.evently.keys().deadlines(self.id);
        let due = redis::cmd("ZADD").arg(key).arg(deadline).arg(id.to_string()).clone();
        self.evently.redis_command(&due).await;
        assert!(self.evently.app.redis.settle(id, deadline).await.unwrap());
    }

    async fn redraw(&self, hold: &BegunHold, refused: &[Refused]) -> Result<Redraw, Error> {
        self.evently.app.redis.redraw(hold, self.user, refused, GRACE_MS).await
    }

    async fn free(&self) -> Option<u32> {
        self.evently.app.redis.free_seats(&[self.id]).await.unwrap()[0]
    }

    fn new_id(&self) -> ReservationId {
        ReservationId::new(self.id, Timestamp::now())
    }
}

#[tokio::test]
async fn nothing_works_before_the_state_is_loaded() {
    let scene = scene().await;
    let redis = &scene.evently.app.redis;
    let id = scene.new_id();
    assert!(matches!(scene.reserve(id, 1, "key").await, Ok(Reserve::NotLoaded)));
    assert!(matches!(redis.begin(id, scene.user, GRACE_MS).await, Ok(Begin::NoHold)));
    assert!(matches!(redis.look(id, scene.user).await, Ok(Look::NoHold)));
    assert_eq!(redis.release(id, scene.user).await.unwrap(), Release::NoHold);
    assert!(matches!(redis.withdraw(id, 1, 90, GRACE_MS).await, Ok(Withdraw::NotLoaded)));
    assert!(redis.expire(scene.id).await.unwrap().is_none());
    assert!(!redis.refresh(&scene.event, 0).await.unwrap());
    assert!(!redis.settle(id, 0).await.unwrap());
    assert!(!redis.finish(id, Some(&[Draw::places(0, 1)]), None).await.unwrap());
    assert!(redis.state_seen(scene.id).await.unwrap().is_none());
    assert_eq!(scene.free().await, None);
}

#[tokio::test]
async fn a_live_state_is_not_loaded_over() {
    let scene = scene().await;
    scene.load().await;
    let seen = scene.evently.app.redis.state_seen(scene.id).await.unwrap();
    scene.held(3).await;
    scene.load().await;
    assert_eq!(scene.free().await, Some(1));
    assert_eq!(scene.evently.app.redis.state_seen(scene.id).await.unwrap(), seen);
}

#[tokio::test]
async fn older_facts_do_not_replace_newer_ones() {
    let scene = scene().await;
    scene.load().await;
    let newer = Event { version: 2, price: 900, ..scene.event.clone() };
    assert!(scene.evently.app.redis.refresh(&newer, 0).await.unwrap());
    assert!(!scene.evently.app.redis.refresh(&scene.event, 0).await.unwrap());
    let Ok(Reserve::Held { reservation: held, .. }) = scene.reserve(scene.new_id(), 1, "key").await else {
        panic!()
    };
    assert_eq!(held.unit_price, Some(900));
}

#[tokio::test]
async fn a_taken_id_is_not_given_to_a_second_hold() {
    let scene = scene().await;
    scene.load().await;
    let id = scene.held(1).await;
    assert!(matches!(scene.reserve(id, 1, "another-key").await, Ok(Reserve::IdTaken)));
    assert_eq!(scene.free().await, Some(3));
}

#[tokio::test]
async fn reserve_says_when_and_how_many() {
    let scene =
        scene_with(json!({ "capacity": 4, "sales_open_at": in_hours(1), "max_per_booking": 3 })).await;
    scene.load().await;
    let early = scene.reserve(scene.new_id(), 1, "key").await;
    assert!(matches!(early, Err(Error::NotOnSale(NotOnSale::OpensAt(_)))));
    let open = Event { version: 2, ..scene.event.clone() };
    let mut details = open.details.clone();
    details.sales_open_at = None;
    scene.evently.app.redis.refresh(&Event { details: details.clone(), ..open.clone() }, 0).await.unwrap();
    let Err(Error::Invalid(errors)) = scene.reserve(scene.new_id(), 4, "key").await else { panic!() };
    assert_eq!(errors[0].field, "quantity");
    details.sales_close_at = Some(Timestamp::now());
    scene.evently.app.redis.refresh(&Event { details, version: 3, ..open }, 0).await.unwrap();
    let late = scene.reserve(scene.new_id(), 1, "key").await;
    assert!(matches!(late, Err(Error::NotOnSale(NotOnSale::ClosedAt(_)))));
}

#[tokio::test]
async fn finishing_twice_counts_once() {
    let scene = scene().await;
    scene.load().await;
    let BegunHold { id, draws, .. } = scene.begun(2).await;
    assert!(scene.evently.app.redis.finish(id, Some(&draws), None).await.unwrap());
    assert!(!scene.evently.app.redis.finish(id, Some(&draws), None).await.unwrap());
    assert_eq!(scene.free().await, Some(2));
}

#[tokio::test]
async fn a_hold_with_other_draws_than_were_committed_gives_its_seats_back() {
    let scene = scene().await;
    scene.load().await;
    let id = scene.begun(1).await.id;
    assert!(!scene.evently.app.redis.finish(id, Some(&[Draw::places(7, 1)]), None).await.unwrap());
    assert_eq!(scene.free().await, Some(4));
}

#[tokio::test]
async fn a_begun_hold_is_not_released_and_its_event_not_unloaded() {
    let scene = scene().await;
    scene.load().await;
    let id = scene.begun(1).await.id;
    let redis = &scene.evently.app.redis;
    assert_eq!(redis.release(id, scene.user).await.unwrap(), Release::Confirming);
    assert!(matches!(redis.release(id, UserId::new()).await, Err(Error::ReservationNotFound)));
    assert!(!redis.unload(scene.id).await.unwrap());
}

/// A refusal by a shard that DynamoDB sold `unsold` seats of without telling Redis.
fn refusal(shard: u32, unsold: u32) -> Refused {
    Refused { shard, unsold, version: 2, taken: SeatSet::default() }
}

#[tokio::test]
async fn redraw_takes_no_more_of_a_refused_shard_than_it_has() {
    let scene = scene().await;
    scene.load().await;
    let mut hold = scene.begun(2).await;
    assert_eq!(hold.draws.len(), 1, "one shard has enough");
    let refused = [refusal(hold.draws[0].shard, 1)];
    let other = BegunHold { draws: vec![Draw::places(9, 2)], ..hold.clone() };
    assert!(matches!(scene.redraw(&other, &refused).await, Ok(Redraw::Changed)));
    let Ok(Redraw::Redrawn(redrawn)) = scene.redraw(&hold, &refused).await else { panic!() };
    assert_eq!(redrawn.iter().map(|draw| draw.seats).sum::<u32>(), 2);
    assert_eq!(scene.free().await, Some(1), "of four seats one does not exist and two are held");
    // Nothing is left anywhere.
    let refused: Vec<_> = redrawn.iter().map(|draw| refusal(draw.shard, 0)).collect();
    hold.draws = redrawn;
    let gone = scene.redraw(&hold, &refused).await;
    assert!(matches!(gone, Err(Error::AllHeld { available: 1, .. } | Error::SoldOut { .. })), "{gone:?}");
    // Another attempt may still commit what the hold has, so it stays, until the janitor settles it.
    assert!(matches!(
        scene.evently.app.redis.begin(hold.id, scene.user, GRACE_MS).await,
        Ok(Begin::Begun(_))
    ));
    assert_eq!(scene.free().await, Some(1));
}

#[tokio::test]
async fn redraw_takes_no_seat_away_that_the_janitor_has_taken_already() {
    let scene = scene().await;
    scene.load().await;
    let hold = scene.begun(2).await;
    // Redis knows of every commit: what is free is right, be it below zero.
    let refused = [Refused { version: 1, ..refusal(hold.draws[0].shard, 0) }];
    assert!(matches!(scene.redraw(&hold, &refused).await, Ok(Redraw::Redrawn(_))));
    assert_eq!(scene.free().await, Some(2));
}

#[tokio::test]
async fn redraw_waits_for_holds_of_others() {
    let scene = scene().await;
    scene.load().await;
    let hold = scene.begun(2).await;
    scene.held(2).await;
    let waits = scene.redraw(&hold, &[refusal(hold.draws[0].shard, 0)]).await;
    assert!(matches!(waits, Err(Error::AllHeld { available: 0, .. })), "{waits:?}");
}

#[tokio::test]
async fn a_confirm_whose_hold_was_taken_back_meanwhile_gets_other_seats_at_the_price_quoted() {
    let scene = scene().await;
    scene.load().await;
    let redis = &scene.evently.app.redis;
    let hold = scene.begun(2).await;
    // Somebody else buys its seats.
    scene.taken_back(hold.id).await;
    assert_eq!(scene.free().await, Some(4));
    scene.held(2).await;
    let refused = [refusal(hold.draws[0].shard, 0)];
    let dearer = Event { version: 2, price: 9_900, ..scene.event.clone() };
    redis.refresh(&dearer, 0).await.unwrap();
    assert!(matches!(scene.redraw(&hold, &refused).await, Ok(Redraw::Redrawn(_))));
    assert_eq!(scene.free().await, Some(0));
    let again = scene.begin(hold.id).await;
    assert_eq!((again.quantity, again.unit_price), (2, Some(2_500)));
    // Taken back once more, with no seat left for it: it has expired.
    scene.taken_back(hold.id).await;
    scene.held(2).await;
    assert!(matches!(scene.redraw(&again, &refused).await, Err(Error::ReservationExpired)));
}

#[tokio::test]
async fn a_hold_that_is_made_anew_has_the_rates_of_before() {
    let rate = |id: &str, percent: u32| json!({ "id": id, "name": id, "percent": percent });
    let scene = scene_with(json!({ "capacity": 4, "rates": [rate("full", 100), rate("child", 50)] })).await;
    scene.load().await;
    let id = scene.new_id();
    let held = scene.reserve_at(&WantedRates::from([("child".to_owned(), 1)]), id, 2, "key").await;
    assert!(matches!(held, Ok(Reserve::Held { .. })), "{held:?}");
    let hold = scene.begin(id).await;
    let charged = |hold: &BegunHold| {
        let lines: Vec<_> =
            hold.lines.iter().map(|line| (&*line.rate, line.quantity, line.unit_price)).collect();
        assert_eq!((hold.unit_price, &*lines), (None, &[("full", 1, 2_500), ("child", 1, 1_250)][..]));
    };
    charged(&hold);
    let refused = [refusal(hold.draws[0].shard, 0)];
    assert!(matches!(scene.redraw(&hold, &refused).await, Ok(Redraw::Redrawn(_))), "it is still there");
    charged(&scene.begin(id).await);
    scene.taken_back(id).await;
    assert!(matches!(scene.redraw(&hold, &refused).await, Ok(Redraw::Redrawn(_))), "it is made anew");
    charged(&scene.begin(id).await);
}

#[tokio::test]
async fn restock_is_fenced_by_the_epoch_and_counts_once() {
    let scene = scene().await;
    scene.load().await;
    let redis = &scene.evently.app.redis;
    let epoch = redis.state_seen(scene.id).await.unwrap().unwrap().epoch;
    let draws = [Draw::places(1, 2), Draw::places(2, 5)];
    assert!(!redis.restock(scene.id, "a change", "another epoch", &draws, None).await.unwrap());
    assert_eq!(scene.free().await, Some(4));
    for _ in 0..2 {
        assert!(redis.restock(scene.id, "a change", &epoch, &draws, None).await.unwrap());
        assert_eq!(scene.free().await, Some(11), "a change counts once, however often it is told");
    }
    scene.held(9).await;
}

#[tokio::test]
async fn a_withdrawal_takes_about_the_same_from_each_shard_and_settles_back() {
    let scene = scene_with(json!({ "capacity": 20 })).await;
    scene.load().await;
    let redis = &scene.evently.app.redis;
    assert!(matches!(redis.withdraw(scene.new_id(), 21, 90, GRACE_MS).await, Ok(Withdraw::TooFew(20))));
    let id = scene.new_id();
    let Ok(Withdraw::Withdrawn { draws, deadline_ms }) = redis.withdraw(id, 11, 90, GRACE_MS).await else {
        panic!()
    };
    assert_eq!(draws.iter().map(|draw| draw.seats).sum::<u32>(), 11);
    assert!(draws.iter().all(|draw| (1..=2).contains(&draw.seats)), "{draws:?}");
    assert_eq!(scene.free().await, Some(9));
    let few = redis.withdraw(scene.new_id(), 9, 3, GRACE_MS).await;
    let Ok(Withdraw::Withdrawn { draws: few, .. }) = few else { panic!() };
    assert_eq!(few.len(), 3, "from so many shards at most");
    assert!(!redis.settle(id, deadline_ms + 1).await.unwrap(), "another deadline is another try");
    assert!(redis.settle(id, deadline_ms).await.unwrap());
    assert!(scene.free().await.unwrap() >= 11);
}

#[tokio::test]
async fn a_withdrawal_asked_for_twice_is_made_once() {
    let scene = scene_with(json!({ "capacity": 20 })).await;
    scene.load().await;
    let id = scene.new_id();
    for _ in 0..2 {
        let made = scene.evently.app.redis.withdraw(id, 5, 90, GRACE_MS).await;
        assert!(matches!(made, Ok(Withdraw::Withdrawn { .. })), "{made:?}");
        assert_eq!(scene.free().await, Some(15));
    }
    assert!(scene.evently.app.redis.finish(id, None, None).await.unwrap());
    assert_eq!(scene.free().await, Some(15));
}

#[tokio::test]
async fn a_key_lost_alone_is_noticed_and_everything_loaded_anew() {
    for lost in ["state", "deadlines", "holds"] {
        let scene = scene().await;
        scene.load().await;
        let id = scene.held(1).await;
        let keys = scene.evently.keys();
        let key = match lost {
            "state" => keys.state(scene.id),
            "deadlines" => keys.deadlines(scene.id),
            _ => keys.holds(scene.id),
        };
        scene.evently.redis_command(redis::cmd("DEL").arg(key)).await;

        // The hold's owner must not bring the state back by halves.
        let _ = scene.evently.app.redis.release(id, scene.user).await.unwrap();
        let _ = scene.evently.app.redis.look(id, scene.user).await.unwrap();
        janitor::run(&scene.evently.app, Timestamp::now()).await.unwrap();
        let event = scene.id.to_string();
        scene.evently.user().buy(&event, 4).await;
        assert_eq!(scene.evently.sold(&event).await, 4, "{lost}");
    }
}

#[tokio::test]
async fn many_overdue_holds_expire_over_several_calls() {
    let scene = scene_with(json!({ "capacity": 1_200 })).await;
    scene.load().await;
    for n in 0..1_200_u32 {
        let key = n.to_string();
        let request = ReserveRequest {
            id: scene.new_id(),
            user: scene.user,
            area: None,
            quantity: 1,
            rates: &ALL_AT_FIRST,
            seats: &BEST_SEATS,
            idempotency_key: &key,
            hold_ttl_ms: 1,
            unbought_max_ms: 0,
        };
        let reserved = scene.evently.app.redis.reserve(&request).await;
        assert!(matches!(reserved, Ok(Reserve::Held { .. } | Reserve::IdTaken)), "{reserved:?}");
    }
    let first = scene.evently.app.redis.expire(scene.id).await.unwrap().unwrap();
    assert!(first.more && first.expired >= 500, "{first:?}");
    let report = janitor::run(&scene.evently.app, Timestamp::now()).await.unwrap();
    assert!(report.done.holds_expired >= 600, "{report:?}");
    assert_eq!(scene.free().await, Some(1_200));
}
