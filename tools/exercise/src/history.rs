//! What every buyer asked and was told, for the checks at the end and for the trace of a violation.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use domain::id::{EventId, UserId};
use parking_lot::Mutex;
use serde_json::Value;

use crate::progress::Progress;

const SHOWN_AT_ONCE_MAX: usize = 5;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    Book,
    Confirm,
    Release,
    Cancel,
    CancelEvent,
    Read,
    Replace,
}

/// How a request ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// An answer: status and body.
    Answered(u16, Value),
    /// None: the connection broke, or the client gave up.
    Unknown(&'static str),
}

impl Outcome {
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Answered(status, _) => *status,
            Self::Unknown(_) => 0,
        }
    }

    /// A member of the answer, by its JSON pointer; null if there is none.
    pub(crate) fn member(&self, pointer: &str) -> &Value {
        match self {
            Self::Answered(_, body) => body.pointer(pointer).unwrap_or(&Value::Null),
            Self::Unknown(_) => &Value::Null,
        }
    }

    /// The problem's code; empty for a success.
    pub(crate) fn code(&self) -> &str {
        self.member("/code").as_str().unwrap_or_default()
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status())
    }

    /// Whether the client must ask again to know what became of its request.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.status(), 0 | 503)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(status, _) if self.code().is_empty() => write!(f, "{status}"),
            Self::Answered(status, _) => write!(f, "{status} {}", self.code()),
            Self::Unknown(why) => f.write_str(why),
        }
    }
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) act: Act,
    /// The reservation that it is about; for a book, the one that was answered.
    pub(crate) reservation: Option<String>,
    pub(crate) server: usize,
    /// Since the run began.
    pub(crate) from: Duration,
    pub(crate) until: Duration,
    /// [`crate::faults::Faults::redis_losses`] before and after.
    pub(crate) losses: (u64, u64),
    pub(crate) outcome: Outcome,
}

/// Which seats somebody wants where they have names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// These; if there is none, the best.
    pub(crate) seats: Vec<String>,
    /// Whether the best may stand apart.
    pub(crate) apart: bool,
}

/// One wish of a buyer: an idempotency key and all that was done with it.
#[derive(Clone, Debug)]
pub(crate) struct Purchase {
    pub(crate) user: UserId,
    pub(crate) event: EventId,
    /// Of which area, where the event has several.
    pub(crate) area: Option<&'static str>,
    pub(crate) wish: Wish,
    pub(crate) key: String,
    pub(crate) quantity: u32,
    pub(crate) steps: Vec<Step>,
}

impl Purchase {
    /// The steps of one kind, of one reservation.
    pub(crate) fn steps_of<'a>(&'a self, act: Act, id: &'a str) -> impl Iterator<Item = &'a Step> {
        self.steps.iter().filter(move |step| step.act == act && step.reservation.as_deref() == Some(id))
    }

    /// The reservations that it was told of, in their order.
    pub(crate) fn reservations(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = Vec::new();
        for step in self.steps.iter().filter(|step| step.act == Act::Book) {
            if let Some(id) = step.reservation.as_deref().filter(|id| !ids.contains(id)) {
                ids.push(id);
            }
        }
        ids
    }
}

impl fmt::Display for Purchase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, event, key, quantity, wish, .. } = self;
        writeln!(
            f,
            "      user {user} event {event} {} key {key} × {quantity} {}{}",
            self.area.unwrap_or_default(),
            wish.seats.join(" "),
            if wish.apart { "apart" } else { "" }
        )?;
        for step in &self.steps {
            let Step { act, server, from, until, losses, outcome, .. } = step;
            let (from, until) = (from.as_secs_f64(), until.as_secs_f64());
            let act = format!("{act:?}");
            write!(f, "      {from:>8.3}–{until:<8.3} s  server {server}  {act:<8} {outcome}")?;
            if losses.0 != losses.1 {
                write!(f, "  (Redis forgot)")?;
            }
            writeln!(f, "  {}", step.reservation.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }
}

/// All that was asked and told.
#[derive(Debug)]
pub(crate) struct History {
    progress: Arc<Progress>,
    purchases: Mutex<Vec<Purchase>>,
    answers: Mutex<BTreeMap<(Act, String), u64>>,
    violations: Mutex<Vec<String>>,
}

impl History {
    pub(crate) fn new(progress: Arc<Progress>) -> Self {
        Self {
            progress,
            purchases: Mutex::default(),
            answers: Mutex::default(),
            violations: Mutex::default(),
        }
    }

    /// Since the run began.
    pub(crate) fn now(&self) -> Duration {
        self.progress.now()
    }

    pub(crate) fn keep(&self, purchase: Purchase) {
        self.purchases.lock().push(purchase);
    }

    pub(crate) fn count(&self, act: Act, outcome: &Outcome) {
        *self.answers.lock().entry((act, outcome.to_string())).or_default() += 1;
    }

    /// What must never be. The first ones are shown at once; the same thing goes wrong again and again.
    pub(crate) fn violation(&self, what: String) {
        let mut violations = self.violations.lock();
        if violations.len() < SHOWN_AT_ONCE_MAX {
            self.progress.say(&format!("VIOLATION: {}", what.lines().next().unwrap_or_default()));
        }
        violations.push(what);
    }

    pub(crate) fn violation_count(&self) -> usize {
        self.violations.lock().len()
    }

    pub(crate) fn purchases(&self) -> Vec<Purchase> {
        self.purchases.lock().clone()
    }

    pub(crate) fn answers(&self) -> BTreeMap<(Act, String), u64> {
        self.answers.lock().clone()
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.lock().clone()
    }
}
