//! The rush: people confirm what they hold, in virtual time. A confirm is one transaction on the booking, the drawn
//! shards and the user's count of seats; one that is cancelled is tried again by the product's own rule
//! ([`stores::dynamodb::Retries`]).

use std::{cmp::Reverse, collections::BinaryHeap, f64::consts::TAU, time::Duration};

use fastrand::Rng;
use stores::dynamodb::Retries;

use crate::{
    assumptions::{Assumptions, WAY, WINDOW_SPREAD},
    box_office::Held,
    dynamodb::{DynamoDb, Item},
};

/// One confirm and what became of it.
#[derive(Clone, Debug, Default)]
pub struct Confirm {
    /// When it began.
    pub began: Duration,
    /// When it was answered; `None` if it was given up.
    pub confirmed: Option<Duration>,
    /// Seats in it.
    pub seats: u32,
    /// Tries that it took.
    pub tries: u32,
    retries: Retries,
    prepared: Vec<Item>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Prepare,
    Commit,
    LetGo,
}

/// What happens next, to which confirm, the earliest first.
type Agenda = BinaryHeap<Reverse<(Duration, usize, Step)>>;

/// Lets `people` confirm, so many a second, independently of each other (a Poisson process, which does not slow down when
/// answers do). They confirm what was `held`, from its beginning again if they are more.
pub fn rush(held: &[Held], people: usize, per_second: f64, assumed: Assumptions, seed: u64) -> Vec<Confirm> {
    // The product's pauses are drawn from here.
    fastrand::seed(seed);
    let mut rng = Rng::with_seed(!seed);
    let mut dynamodb = DynamoDb::new(assumed.partitions, seed);
    let mut agenda = Agenda::new();
    let mut confirms: Vec<Confirm> = Vec::with_capacity(people);
    let mut now = Duration::ZERO;
    for (index, held) in held.iter().cycle().take(people).enumerate() {
        now += Duration::from_secs_f64(-(1.0 - rng.f64()).ln() / per_second);
        confirms.push(Confirm { began: now, seats: held.seats(), ..Confirm::default() });
        agenda.push(Reverse((now + WAY, index, Step::Prepare)));
    }
    while let Some(Reverse((now, index, step))) = agenda.pop() {
        let confirm = &mut confirms[index];
        match step {
            Step::Prepare => {
                confirm.tries += 1;
                let items = items(index, &held[index % held.len()]);
                let (prepared, cancelled) = dynamodb.prepare(&items, now);
                confirm.prepared = prepared;
                let then = if cancelled.is_none() { Step::Commit } else { Step::LetGo };
                agenda.push(Reverse((now + window(assumed.window, &mut rng), index, then)));
            }
            Step::Commit => {
                dynamodb.commit(&confirm.prepared, now);
                confirm.confirmed = Some(now + WAY);
            }
            Step::LetGo => {
                dynamodb.let_go(&confirm.prepared);
                let heard = now + WAY;
                if let Some(pause) = confirm.retries.pause_after(heard - confirm.began) {
                    agenda.push(Reverse((heard + pause + WAY, index, Step::Prepare)));
                }
            }
        }
    }
    confirms
}

fn items(person: usize, held: &Held) -> Vec<Item> {
    let person = u32::try_from(person).unwrap_or(u32::MAX);
    let own = [Item::Booking(person), Item::IndexEntry(person), Item::SeatsOfUser(person)];
    own.into_iter().chain(held.draws.iter().map(|draw| Item::Shard(draw.shard))).collect()
}

/// A log-normal time, by Box and Muller.
fn window(median: Duration, rng: &mut Rng) -> Duration {
    let normal = (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (TAU * rng.f64()).cos();
    median.mul_f64((WINDOW_SPREAD * normal).exp())
}
