//! A load generator for Evently's API: people who browse and buy, how they fared, and where every seat is.
//!
#![doc = include_str!("../README.md")]

mod drive;
pub mod ledger;
pub mod mails;
pub mod people;
mod progress;
pub mod record;
pub mod report;
pub mod scenario;
pub mod server;
pub mod settings;
mod visit;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Instant,
};

use drive::Crowd;
use kit::{Failure, usage::cpu_of};
use ledger::Ledger;
use mails::Mails;
use people::Buyers;
use record::Record;
use report::Report;
use scenario::Stage;
use server::OwnServer;
pub use settings::{Settings, Target};
use tokio::task::{JoinSet, LocalSet};

/// Runs the scenario, against a service of its own unless the settings name one. Answers with what to report.
///
/// # Errors
/// When the generator itself fails, or the service is not there or does not let anybody in.
pub async fn run(settings: &Settings) -> Result<Report, Failure> {
    let own = match settings.target {
        Some(_) => None,
        None if settings.mails => Some(OwnServer::telling().await?),
        None => Some(OwnServer::start().await?),
    };
    let buyers = match (&settings.target, &own) {
        (Some(Target { jwt_secret: Some(secret), .. }), _) => Buyers::signed(secret),
        (Some(target), _) => Buyers::register(target).await?,
        (None, Some(own)) if settings.mails => Buyers::verified(own.address, server::JWT_SECRET).await?,
        (None, _) => Buyers::signed(server::JWT_SECRET),
    };
    let address = match (&settings.target, &own) {
        (Some(target), _) => target.address,
        (None, Some(own)) => own.address,
        (None, None) => return Err("there is no service".into()),
    };
    println!("{} at http://{address}, {}", settings.scenario.name(), buyers.described());
    let admin = match &own {
        Some(_) => people::admin(&Buyers::signed(server::JWT_SECRET), None).await?,
        None => people::admin(&buyers, settings.target.as_ref()).await?,
    };
    let stage = settings.scenario.set(address, &admin, settings.seats, settings.events).await?;
    let crowd = Rc::new(Crowd {
        scenario: settings.scenario,
        address,
        buyers,
        stage,
        record: RefCell::new(Record::new(Instant::now())),
        ledger: Ledger::default(),
        visits: Cell::new(0),
    });
    crowd.prepare().await?;
    let used_cpu = LocalSet::new().run_until(let_people_come(settings, &crowd, own.as_ref())).await?;
    if let Some(said) = own.as_ref().and_then(OwnServer::has_died) {
        return Err(format!("the service died; it last said: {said}").into());
    }
    let Stage { sold, areas, .. } = &crowd.stage;
    let mut check = crowd.ledger.check(address, &admin, sold, areas).await?;
    let mails = match own.as_ref().filter(|_| settings.mails) {
        Some(own) => {
            let bookings = u64::try_from(check.told_sold)?;
            let mails = Mails::of(&own.mail_folder(), bookings).await?;
            check.violations.extend(mails.violations(bookings));
            Some(mails)
        }
        None => None,
    };
    let crowd = Rc::into_inner(crowd).ok_or("somebody is still there")?;
    let mut record = crowd.record.into_inner();
    if settings.rate == 0 {
        record.correct_for_coordinated_omission();
    }
    Ok(Report::new(settings, &record, used_cpu, check, mails))
}

/// CPU time used while people came, as a share of one CPU: the generator's, and the service's where it is our own.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct UsedCpu {
    /// The generator's.
    pub generator: Option<f64>,
    /// The service's.
    pub service: Option<f64>,
}

async fn let_people_come(
    settings: &Settings,
    crowd: &Rc<Crowd>,
    own: Option<&OwnServer>,
) -> Result<UsedCpu, Failure> {
    let start = Instant::now();
    let (from, end) = (start + settings.warmup, start + settings.warmup + settings.time);
    *crowd.record.borrow_mut() = Record::new(from);
    let pids = [Some(std::process::id()), own.map(OwnServer::pid)];
    let cpu = || pids.map(|pid| pid.and_then(cpu_of));
    let before = cpu();
    let mut shown = JoinSet::new();
    shown.spawn_local(progress::show(Rc::clone(crowd), start, settings.warmup, settings.time));
    let came = match settings.rate {
        0 => drive::closed_loop(crowd, settings.connections, end).await,
        rate => drive::open_loop(crowd, settings.connections, rate, start, end).await,
    };
    shown.shutdown().await;
    came?;
    let (passed, after) = (start.elapsed().as_secs_f64(), cpu());
    let share = |which: usize| Some((after[which]?.saturating_sub(before[which]?)).as_secs_f64() / passed);
    Ok(UsedCpu { generator: share(0), service: share(1) })
}
