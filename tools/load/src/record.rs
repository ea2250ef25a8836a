//! What was answered and how fast: of each kind of request, and second by second.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Instant,
};

use hdrhistogram::Histogram;
use kit::Failure;
use serde::Serialize;

const US_MAX: u64 = 60_000_000;
/// A histogram is exact to so many digits.
const DIGITS: u8 = 3;
/// There is one for each second.
const DIGITS_OF_A_SECOND: u8 = 2;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// `GET /events`.
    List,
    /// `GET /events?q=`.
    Search,
    /// `GET /events/popular`.
    Popular,
    /// `GET /events/{id}`.
    Event,
    /// `POST /events/{id}/book`.
    Book,
    /// `POST /reservations/{id}/confirm`.
    Confirm,
    /// `POST /bookings/{id}/cancel`.
    Cancel,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused for a good reason: 409 sold out, for example.
    Refused,
    /// 429: too many.
    Limited,
    /// The service failed, or did not answer; or the request was wrong.
    Failed,
}

impl Outcome {
    /// What a status says.
    pub fn of(status: u16) -> Self {
        match status {
            200..=399 => Self::Done,
            409 | 410 => Self::Refused,
            429 => Self::Limited,
            _ => Self::Failed,
        }
    }
}

/// Answers of one kind, or of one second.
#[derive(Debug)]
pub struct Answers {
    /// How long they took, µs, as those who waited for them saw it.
    pub latency_us: Histogram<u64>,
    /// What came of the requests.
    pub outcomes: BTreeMap<Outcome, u64>,
}

impl Answers {
    fn none(digits: u8) -> Result<Self, Failure> {
        Ok(Self { latency_us: histogram(digits)?, outcomes: BTreeMap::new() })
    }

    fn add(&mut self, us: u64, outcome: Outcome) {
        self.latency_us.saturating_record(us);
        *self.outcomes.entry(outcome).or_default() += 1;
    }
}

/// What was seen so far.
#[derive(Debug)]
pub struct Record {
    /// When it counts from.
    from: Instant,
    /// By kind of request.
    pub steps: BTreeMap<Step, Answers>,
    /// Second by second.
    pub seconds: Vec<Answers>,
    /// The reasons of failures, each with how often it was met.
    pub failures: BTreeMap<String, u64>,
}

impl Record {
    /// Nothing was seen yet; what is asked before `from` is the warm-up.
    pub fn new(from: Instant) -> Self {
        Self { from, steps: BTreeMap::new(), seconds: Vec::new(), failures: BTreeMap::new() }
    }

    /// A request that was to be sent at `due` was answered now.
    ///
    /// # Errors
    /// When no histogram can be made.
    pub fn note(&mut self, step: Step, due: Instant, outcome: Outcome) -> Result<(), Failure> {
        if due < self.from {
            return Ok(());
        }
        let now = Instant::now();
        let us = u64::try_from((now - due).as_micros())?.clamp(1, US_MAX);
        let of_step = match self.steps.entry(step) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Answers::none(DIGITS)?),
        };
        of_step.add(us, outcome);
        let second = usize::try_from((now - self.from).as_secs())?;
        while self.seconds.len() <= second {
            self.seconds.push(Answers::none(DIGITS_OF_A_SECOND)?);
        }
        self.seconds[second].add(us, outcome);
        Ok(())
    }

    /// Why a request failed.
    pub fn note_failure(&mut self, reason: String) {
        *self.failures.entry(reason).or_default() += 1;
    }

    /// How many requests had that outcome.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.steps.values().filter_map(|of_step| of_step.outcomes.get(&outcome)).sum()
    }

    /// Corrects the times for what a closed loop does not see: who waits for an answer sends nothing meanwhile, and those
    /// requests would have waited, too. Each kind of request is taken to be sent as often as it is usually answered.
    pub fn correct_for_coordinated_omission(&mut self) {
        for of_step in self.steps.values_mut() {
            let usual_us = of_step.latency_us.value_at_quantile(0.5);
            of_step.latency_us = of_step.latency_us.clone_correct(usual_us);
        }
    }
}

/// An empty histogram of µs.
///
/// # Errors
/// Never: the bounds are good ones.
pub fn histogram(digits: u8) -> Result<Histogram<u64>, Failure> {
    Ok(Histogram::new_with_bounds(1, US_MAX, digits)?)
}
