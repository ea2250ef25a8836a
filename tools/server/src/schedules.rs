//! The jobs, on the template's schedules.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use http_api::App;
use jiff::Timestamp;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use crate::template::Schedule;

/// Runs each job on its schedule for as long as the set lives, the first time at once.
pub fn start(app: &Arc<App>, schedules: &[Schedule]) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    for schedule in schedules {
        jobs.spawn(run_every(Arc::clone(app), schedule.function.clone(), schedule.every));
    }
    jobs
}

async fn run_every(app: Arc<App>, function: String, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A run that panics ends like one that fails: the next one is none the worse for it.
        let run = AssertUnwindSafe(run_once(&app, &function)).catch_unwind();
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

async fn run_once(app: &App, function: &str) -> Result<(), domain::error::Error> {
    match function {
        "janitor" => janitor::run(app, Timestamp::now()).await.map(|_| ()),
        "pricing" => price(app).await,
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
