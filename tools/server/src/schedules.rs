//! The jobs, on the template's schedules.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use http_api::App;
use jiff::Timestamp;
use messages::Teller;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use crate::template::Schedule;

/// Runs each job on its schedule for as long as the set lives, the first time at once. Without a teller nobody is told anything.
pub fn start(app: &Arc<App>, schedules: &[Schedule], teller: Option<&Arc<Teller>>) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    for schedule in schedules {
        if schedule.function == "notifications" && teller.is_none() {
            continue;
        }
        let does =
            Does { app: Arc::clone(app), teller: teller.cloned(), function: schedule.function.clone() };
        jobs.spawn(run_every(does, schedule.every));
    }
    jobs
}

/// A job, and what it takes.
struct Does {
    app: Arc<App>,
    teller: Option<Arc<Teller>>,
    function: String,
}

async fn run_every(does: Does, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A run that panics ends like one that fails: the next one is none the worse for it.
        let function = &does.function;
        let run = AssertUnwindSafe(run_once(&does)).catch_unwind();
        match run.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(function, %error, "a scheduled job failed; it runs again at its next time");
            }
            Err(_) => tracing::error!(function, "a scheduled job panicked; it runs again at its next time"),
        }
        telemetry::flush_metrics();
    }
}

async fn run_once(Does { app, teller, function }: &Does) -> Result<(), domain::error::Error> {
    match (function.as_str(), teller) {
        ("janitor", _) => janitor::run(app, Timestamp::now()).await.map(|_| ()),
        ("pricing", _) => price(app).await,
        ("notifications", Some(teller)) => messages::run(teller, Timestamp::now()).await.map(|_| ()),
        _ => Err(domain::error::Error::Internal(format!("no job is named {function}").into())),
    }
}

/// As Lambda does it: a run that leaves events unpriced is repeated twice.
async fn price(app: &App) -> Result<(), domain::error::Error> {
    let mut left = None;
    for _ in 0..3 {
        match pricing::run(app, Timestamp::now()).await?.finished() {
            Ok(_) => return Ok(()),
            Err(unfinished) => left = Some(unfinished),
        }
    }
    left.map_or(Ok(()), |unfinished| Err(domain::error::Error::Internal(unfinished.into())))
}
