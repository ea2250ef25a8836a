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
    let mut rush = Rush::new(assumed, seed);
    let mut now = Duration::ZERO;
    for held in held.iter().cycle().take(people) {
        now = rush.next_comes(now, per_second);
        rush.confirm(held, now);
    }
    while rush.step().is_some() {}
    rush.confirms
}

/// Confirms that are under way.
pub(crate) struct Rush {
    assumed: Assumptions,
    rng: Rng,
    dynamodb: DynamoDb,
    agenda: Agenda,
    /// Their items, in the order of `confirms`.
    items: Vec<Vec<Item>>,
    /// All that began.
    pub(crate) confirms: Vec<Confirm>,
}

impl Rush {
    pub(crate) fn new(assumed: Assumptions, seed: u64) -> Self {
        // The product's pauses are drawn from here.
        fastrand::seed(seed);
        Self {
            assumed,
            rng: Rng::with_seed(!seed),
            dynamodb: DynamoDb::new(assumed.partitions, seed),
            agenda: Agenda::new(),
            items: Vec::new(),
            confirms: Vec::new(),
        }
    }

    /// When the next one comes after that time, if so many come a second.
    pub(crate) fn next_comes(&mut self, now: Duration, per_second: f64) -> Duration {
        now + Duration::from_secs_f64(-(1.0 - self.rng.f64()).ln() / per_second)
    }

    /// How long somebody takes who takes that long in the median.
    pub(crate) fn around(&mut self, median: Duration) -> Duration {
        log_normal(median, &mut self.rng)
    }

    /// Somebody begins to confirm then.
    pub(crate) fn confirm(&mut self, held: &Held, began: Duration) {
        let index = self.confirms.len();
        self.items.push(items(index, held));
        self.confirms.push(Confirm { began, seats: held.seats(), ..Confirm::default() });
        self.agenda.push(Reverse((began + WAY, index, Step::Prepare)));
    }

    /// When something happens next.
    pub(crate) fn next_at(&self) -> Option<Duration> {
        self.agenda.peek().map(|Reverse((at, ..))| *at)
    }

    /// The next that happens: to which confirm. `None` at the end.
    pub(crate) fn step(&mut self) -> Option<usize> {
        let Reverse((now, index, step)) = self.agenda.pop()?;
        let confirm = &mut self.confirms[index];
        match step {
            Step::Prepare => {
                confirm.tries += 1;
                let (prepared, cancelled) = self.dynamodb.prepare(&self.items[index], now);
                confirm.prepared = prepared;
                let then = if cancelled.is_none() { Step::Commit } else { Step::LetGo };
                let window = log_normal(self.assumed.window, &mut self.rng);
                self.agenda.push(Reverse((now + window, index, then)));
            }
            Step::Commit => {
                self.dynamodb.commit(&confirm.prepared, now);
                confirm.confirmed = Some(now + WAY);
            }
            Step::LetGo => {
                self.dynamodb.let_go(&confirm.prepared);
                let heard = now + WAY;
                if let Some(pause) = confirm.retries.pause_after(heard - confirm.began) {
                    self.agenda.push(Reverse((heard + pause + WAY, index, Step::Prepare)));
                }
            }
        }
        Some(index)
    }
}

fn items(person: usize, held: &Held) -> Vec<Item> {
    let person = u32::try_from(person).unwrap_or(u32::MAX);
    let own = [Item::Booking(person), Item::IndexEntry(person), Item::SeatsOfUser(person)];
    own.into_iter().chain(held.draws.iter().map(|draw| Item::Shard(draw.shard))).collect()
}

/// A log-normal time, by Box and Muller.
fn log_normal(median: Duration, rng: &mut Rng) -> Duration {
    let normal = (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (TAU * rng.f64()).cos();
    median.mul_f64((WINDOW_SPREAD * normal).exp())
}
