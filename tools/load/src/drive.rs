//! Lets people come: open loop, so many a second whatever becomes of those before; or closed loop, the next when one leaves.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use kit::{Failure, http::Connection};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    ledger::Ledger,
    people::Buyers,
    record::Record,
    scenario::{Scenario, Stage},
    visit::Visit,
};

/// Everything that the connections share, all on one thread.
pub(crate) struct Crowd {
    pub(crate) scenario: Scenario,
    pub(crate) address: SocketAddr,
    pub(crate) buyers: Buyers,
    pub(crate) stage: Stage,
    pub(crate) record: RefCell<Record>,
    pub(crate) ledger: Ledger,
    /// Visits that have begun.
    pub(crate) visits: Cell<u64>,
}

impl Crowd {
    /// One visit, over that connection.
    async fn visit(
        &self,
        connection: &mut Connection,
        number: u64,
        came: Option<Instant>,
    ) -> Result<(), Failure> {
        let mut visit = self.visit_by(connection, number, came);
        self.scenario.visit(&mut visit).await
    }

    /// Brings the events into the state in which people find them.
    pub(crate) async fn prepare(&self) -> Result<(), Failure> {
        let mut connection = Connection::new(self.address);
        self.scenario.prepare(&mut self.visit_by(&mut connection, 0, None)).await
    }

    fn visit_by<'a>(
        &'a self,
        connection: &'a mut Connection,
        number: u64,
        came: Option<Instant>,
    ) -> Visit<'a> {
        Visit {
            number,
            came,
            connection,
            record: &self.record,
            ledger: &self.ledger,
            buyers: &self.buyers,
            stage: &self.stage,
        }
    }

    fn next_number(&self) -> u64 {
        self.visits.replace(self.visits.get() + 1)
    }
}

/// `rate` people come a second, from `start` until `end`; each waits for one of the connections.
///
/// # Errors
/// When the generator itself fails.
pub(crate) async fn open_loop(
    crowd: &Rc<Crowd>,
    connections: usize,
    rate: u64,
    start: Instant,
    end: Instant,
) -> Result<(), Failure> {
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let crowd = Rc::clone(crowd);
        workers.spawn_local(async move {
            let mut connection = Connection::new(crowd.address);
            loop {
                let number = crowd.next_number();
                let due = start + Duration::from_secs(number) / u32::try_from(rate)?;
                if due >= end {
                    return Ok(());
                }
                let early = due.saturating_duration_since(Instant::now());
                let came = if early.is_zero() {
                    due
                } else {
                    // The timer is up to a millisecond late, which is not the service's fault.
                    sleep(early).await;
                    Instant::now()
                };
                crowd.visit(&mut connection, number, Some(came)).await?;
            }
        });
    }
    all(workers).await
}

/// Over each connection one visit follows the other until `end`.
///
/// # Errors
/// When the generator itself fails.
pub(crate) async fn closed_loop(crowd: &Rc<Crowd>, connections: usize, end: Instant) -> Result<(), Failure> {
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let crowd = Rc::clone(crowd);
        workers.spawn_local(async move {
            let mut connection = Connection::new(crowd.address);
            while Instant::now() < end {
                crowd.visit(&mut connection, crowd.next_number(), None).await?;
            }
            Ok(())
        });
    }
    all(workers).await
}

async fn all(mut workers: JoinSet<Result<(), Failure>>) -> Result<(), Failure> {
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(())
}
