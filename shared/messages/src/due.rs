//! Trying what is due.

use std::time::Duration;

use domain::{delivery::Delivery, error::Error};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use jobs::{Budget, Job};

use stores::dynamodb::Queue;

use crate::{Report, Teller, Told, measure, outcomes::Outcomes};

/// Deliveries under way at a time: no recipient holds up more than itself.
const TRIES_AT_ONCE: usize = 16;
const READ_AT_ONCE: usize = 200;
/// The index follows the truth: what was tried a moment ago may still be in it.
const PAUSE: Duration = Duration::from_millis(250);

/// What is due.
pub(crate) struct Due<'a> {
    pub(crate) teller: &'a Teller,
}

impl Job<Report> for Due<'_> {
    const NAME: &'static str = "due";

    /// Mails and endpoints beside each other: neither waits for the other.
    async fn run(&self, now: Timestamp, budget: Budget, report: &mut Report) -> Result<(), Error> {
        let endpoints = async {
            match &self.teller.webhooks {
                // Boxed, or the compiler gives up on how deep it all is.
                Some(webhooks) => Box::pin(webhooks.try_due(budget)).await,
                None => Ok(Outcomes::default()),
            }
        };
        let (mails, endpoints) =
            futures::join!(Box::pin(self.mails(now, budget, &mut report.mails)), endpoints);
        report.webhooks.add_all(endpoints?);
        mails
    }
}

impl Due<'_> {
    /// Until nothing is due any more, or soon again, or the budget is over.
    async fn mails(&self, now: Timestamp, budget: Budget, report: &mut Outcomes) -> Result<(), Error> {
        if !self.teller.has_mail() {
            return Ok(());
        }
        let mut is_first = true;
        let mut due_again: Option<Timestamp> = None;
        while !budget.is_over() {
            let due = self.teller.store.due_deliveries(Queue::Mails, Timestamp::now(), READ_AT_ONCE).await?;
            if std::mem::take(&mut is_first) {
                measure::oldest_due(due.first().and_then(|first| first.due_at), now);
            }
            if due.is_empty() {
                // What has just failed is tried once more, if there is time for it.
                let Some(again) = due_again.take() else { return Ok(()) };
                let wait = Duration::try_from(again.duration_since(Timestamp::now())).unwrap_or_default();
                if budget.leaving(wait).is_over() {
                    return Ok(());
                }
                tokio::time::sleep(wait).await;
                continue;
            }
            let tries: Vec<_> = due.into_iter().map(|due| self.one(due, budget)).collect();
            let mut tried = stream::iter(tries).buffer_unordered(TRIES_AT_ONCE);
            let mut gained = false;
            while let Some(outcome) = tried.next().await {
                match outcome {
                    Ok(None) => {}
                    Ok(Some(told)) => {
                        gained = true;
                        if let Told::Tried(delivery) = &told {
                            due_again = [due_again, delivery.due_at].into_iter().flatten().min();
                            report.add(delivery.status);
                        }
                    }
                    Err(error) => {
                        report.failed += 1;
                        tracing::error!(%error, "a delivery could not be tried");
                    }
                }
            }
            if !gained {
                if report.failed > 0 {
                    return Ok(());
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Tries one; `None` if somebody else does.
    async fn one(&self, due: Delivery, budget: Budget) -> Result<Option<Told>, Error> {
        if budget.is_over() {
            return Ok(None);
        }
        self.teller.try_due(&due, budget).await
    }
}
