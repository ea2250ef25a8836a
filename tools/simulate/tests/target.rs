//! What the rule of shards must reach, and that the simulation can be believed.

use std::{collections::BTreeSet, time::Duration};

use domain::inventory::{InventoryShard, SEATS_PER_SHARD, new_shards, place_of_shard};
use simulate::{
    Assumptions, BoxOffice, Hall, Outcome, RUSH_PER_SECOND, Sale, rush, rush_for_hall, shards_of,
    shards_of_areas, steady,
};

const LARGE: u32 = 50_000;
const RETRIED_MAX: f64 = 0.2;
const BOOKINGS_PER_SECOND_MIN: f64 = 0.98 * RUSH_PER_SECOND;

async fn sell(shards: &[InventoryShard], people: u32, seed: u64) -> Sale {
    let sold = async { BoxOffice::open().await?.sell(shards, people, seed).await };
    sold.await.unwrap_or_else(|error| panic!("{error}"))
}

async fn outcome(shards: &[InventoryShard]) -> Outcome {
    let sale = sell(shards, 4_000, 3).await;
    steady(&sale.held, RUSH_PER_SECOND, Assumptions::default(), 3)
}

#[tokio::test]
async fn a_large_event_confirms_5000_bookings_a_second_with_few_retries() {
    let outcome = outcome(&new_shards(0, LARGE, SEATS_PER_SHARD)).await;
    assert!(outcome.bookings_per_second >= BOOKINGS_PER_SECOND_MIN, "{outcome:?}");
    assert!(outcome.retried < RETRIED_MAX && outcome.given_up == 0.0, "{outcome:?}");
}

#[tokio::test]
async fn half_its_shards_would_not_do() {
    let shards = new_shards(0, LARGE, SEATS_PER_SHARD).len() / 2;
    let outcome = outcome(&shards_of(LARGE, shards.try_into().unwrap())).await;
    assert!(outcome.retried > RETRIED_MAX, "{outcome:?}");
}

#[tokio::test]
async fn a_sale_to_the_last_seat_accounts_for_all_of_them() {
    let shards = new_shards(0, 501, SEATS_PER_SHARD);
    let sale = sell(&shards, 501, 5).await;
    let about_to_be_sold: u32 = sale.held.iter().map(|held| held.seats()).sum();
    assert_eq!((sale.free, sale.held_seats), (0, 501));
    assert_eq!(about_to_be_sold + sale.never_confirmed, 501);
    for shard in &shards {
        let draws = sale.held.iter().flat_map(|held| &held.draws);
        let drawn: u32 = draws.filter(|draw| draw.shard == shard.shard).map(|draw| draw.seats).sum();
        assert!(drawn <= shard.capacity, "{shard:?}: {drawn}");
    }
}

#[tokio::test]
async fn a_sale_of_several_areas_accounts_for_all_their_seats_and_stands_the_same_rush() {
    let shards = shards_of_areas(502, 3);
    let sale = sell(&shards, 600, 5).await;
    let about_to_be_sold: u32 = sale.held.iter().map(|held| held.seats()).sum();
    assert_eq!(about_to_be_sold + sale.never_confirmed + sale.free, 501);
    assert_eq!(sale.held_seats + sale.free, 501);
    for held in &sale.held {
        let areas: BTreeSet<_> = held.draws.iter().map(|draw| place_of_shard(draw.shard).0).collect();
        assert_eq!(areas.len(), 1, "{held:?}");
    }
    let outcome = outcome(&shards_of_areas(LARGE, 10)).await;
    assert!(outcome.bookings_per_second >= BOOKINGS_PER_SECOND_MIN, "{outcome:?}");
    assert!(outcome.retried < RETRIED_MAX && outcome.given_up == 0.0, "{outcome:?}");
}

/// Why those who come together are not spread over more rows than the best ones: who thinks at all is spread by that.
#[tokio::test]
async fn a_hall_stands_the_rush_though_everybody_gets_the_best_seats_that_are_free() {
    let office = BoxOffice::open().await.unwrap_or_else(|error| panic!("{error}"));
    let outcome = async |think| {
        let hall =
            Hall { rows: 150, of_row: 40, think: Duration::from_secs(think), per_second: RUSH_PER_SECOND };
        rush_for_hall(&office, hall, 3).await.unwrap_or_else(|error| panic!("{error}"))
    };
    let (at_once, thoughtful) = (outcome(0).await, outcome(2).await);
    assert_eq!((at_once.given_up, thoughtful.given_up), (0.0, 0.0));
    assert!(thoughtful.retried < RETRIED_MAX && RETRIED_MAX < at_once.retried, "{thoughtful:?} {at_once:?}");
}

#[tokio::test]
async fn the_same_seed_tells_the_same_numbers() {
    let shards = shards_of(LARGE, 32);
    let confirmed = async |seed| {
        let sale = sell(&shards, 500, seed).await;
        let confirms = rush(&sale.held, 2_000, 1_000.0, Assumptions::default(), seed);
        (sale.held, Outcome::whole(&confirms))
    };
    let first = confirmed(8).await;
    assert_eq!(first, confirmed(8).await);
    assert_ne!(first.0, confirmed(9).await.0);
}
