//! One person's visit: the requests that it sends over a connection that others used before.

use std::{cell::RefCell, time::Instant};

use hyper::Method;
use kit::{
    Failure,
    http::{Answer, Call, Connection},
};

use crate::{
    ledger::Ledger,
    people::Buyers,
    record::{Outcome, Record, Step},
    scenario::Stage,
};

/// What a visit needs.
pub(crate) struct Visit<'a> {
    /// Counts the visits.
    pub(crate) number: u64,
    /// When the visitor came. Its first request is late from then on, though all connections may be busy: this is what
    /// keeps an open loop free of coordinated omission.
    pub(crate) came: Option<Instant>,
    pub(crate) connection: &'a mut Connection,
    pub(crate) record: &'a RefCell<Record>,
    pub(crate) ledger: &'a Ledger,
    pub(crate) buyers: &'a Buyers,
    pub(crate) stage: &'a Stage,
}

impl Visit<'_> {
    /// Sends a request and notes what comes of it. `None` if no answer came.
    pub(crate) async fn ask(
        &mut self,
        step: Step,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        key: Option<&str>,
        body: Option<String>,
    ) -> Result<Option<Answer>, Failure> {
        let due = self.came.take().unwrap_or_else(Instant::now);
        let answer = self.connection.send(&Call { method, path, bearer, key, body }).await;
        let mut record = self.record.borrow_mut();
        let outcome = answer.as_ref().map_or(Outcome::Failed, |answer| Outcome::of(answer.status));
        record.note(step, due, outcome)?;
        if outcome == Outcome::Failed {
            let why = match &answer {
                Ok(answer) => format!("{step:?}: status {}", answer.status),
                Err(error) => format!("{step:?}: {error}"),
            };
            record.note_failure(why);
        }
        Ok(answer.ok())
    }

    /// An idempotency key that was never used.
    pub(crate) fn unique_key(&self) -> String {
        format!("load-{}-{:016x}", self.number, fastrand::u64(..))
    }
}
