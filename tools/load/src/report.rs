//! What came of a run: for people as a table and two plots, for machines as JSON.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use kit::{
    Failure,
    plot::{self, Line, Plot},
};
use serde::Serialize;

use crate::{
    Settings, UsedCpu,
    ledger::{AreaSeats, Check, Inventory, Seats},
    mails::Mails,
    record::{Outcome, Record, Step},
};

/// The generator must not be what is measured.
const GENERATOR_SHARE_MAX: f64 = 0.8;
const REASONS_SHOWN_MAX: usize = 5;

/// What came of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    scenario: String,
    /// Visitors a second; 0 in a closed loop.
    rate: u64,
    seconds: u64,
    connections: usize,
    requests_per_second: f64,
    cpu: UsedCpu,
    steps: BTreeMap<Step, StepReport>,
    timeline: Vec<SecondReport>,
    failures: BTreeMap<String, u64>,
    /// Whether every seat is where it should be.
    pub check: Check,
    /// What people were told by mail, if that was looked at.
    pub mails: Option<Mails>,
}

#[derive(Debug, Serialize)]
struct StepReport {
    outcomes: BTreeMap<Outcome, u64>,
    p50_us: u64,
    p90_us: u64,
    p99_us: u64,
    p999_us: u64,
    max_us: u64,
}

#[derive(Debug, Serialize)]
struct SecondReport {
    outcomes: BTreeMap<Outcome, u64>,
    p50_us: u64,
    p99_us: u64,
}

impl Report {
    pub(crate) fn new(
        settings: &Settings,
        record: &Record,
        cpu: UsedCpu,
        check: Check,
        mails: Option<Mails>,
    ) -> Self {
        let steps = record.steps.iter().map(|(step, of_step)| {
            let at = |quantile| of_step.latency_us.value_at_quantile(quantile);
            let step_report = StepReport {
                outcomes: of_step.outcomes.clone(),
                p50_us: at(0.5),
                p90_us: at(0.9),
                p99_us: at(0.99),
                p999_us: at(0.999),
                max_us: of_step.latency_us.max(),
            };
            (*step, step_report)
        });
        let seconds = settings.time.as_secs();
        // What is answered after the end is not a whole second's.
        let whole = record.seconds.iter().take(usize::try_from(seconds).unwrap_or(usize::MAX));
        let timeline = whole.map(|second| SecondReport {
            outcomes: second.outcomes.clone(),
            p50_us: second.latency_us.value_at_quantile(0.5),
            p99_us: second.latency_us.value_at_quantile(0.99),
        });
        let all: u64 = record.steps.values().flat_map(|step| step.outcomes.values()).sum();
        Self {
            scenario: settings.scenario.name(),
            rate: settings.rate,
            seconds,
            connections: settings.connections,
            requests_per_second: all as f64 / settings.time.as_secs_f64(),
            cpu,
            steps: steps.collect(),
            timeline: timeline.collect(),
            failures: record.failures.clone(),
            check,
            mails,
        }
    }

    /// Writes `<scenario>.json` and `<scenario>.svg` into the folder; answers with their paths.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn write(&self, folder: &Path) -> Result<[PathBuf; 2], Failure> {
        let unwritten = |error| format!("OUT: {} can't be written: {error}", folder.display());
        fs::create_dir_all(folder).map_err(unwritten)?;
        let [json, svg] = ["json", "svg"].map(|kind| folder.join(format!("{}.{kind}", self.scenario)));
        fs::write(&json, serde_json::to_string_pretty(self)? + "\n").map_err(unwritten)?;
        plot::write(&svg, &self.plots())?;
        Ok([json, svg])
    }

    fn plots(&self) -> [Plot; 2] {
        let line = |name: &str, of: &dyn Fn(&SecondReport) -> f64| Line {
            name: name.to_owned(),
            points: (1..)
                .zip(&self.timeline)
                .map(|(second, report)| (f64::from(second), of(report)))
                .collect(),
        };
        let count = |outcome| move |second: &SecondReport| of(&second.outcomes, outcome) as f64;
        let mut answers = vec![
            line("done", &count(Outcome::Done)),
            line("refused", &count(Outcome::Refused)),
            line("failed", &count(Outcome::Failed)),
        ];
        answers.retain(|line| line.points.iter().any(|(_, count)| *count > 0.0));
        let ms = |us: u64| us as f64 / 1_000.0;
        let times = vec![
            line("median", &|second| ms(second.p50_us)),
            line("99 % are faster", &|second| ms(second.p99_us)),
        ];
        [
            Plot {
                title: format!("{}: answers a second", self.scenario),
                x: "second".to_owned(),
                y: "answers".to_owned(),
                is_log: false,
                lines: answers,
            },
            Plot {
                title: format!("{}: time of an answer", self.scenario),
                x: "second".to_owned(),
                y: "ms".to_owned(),
                is_log: false,
                lines: times,
            },
        ]
    }
}

fn of(outcomes: &BTreeMap<Outcome, u64>, outcome: Outcome) -> u64 {
    outcomes.get(&outcome).copied().unwrap_or(0)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<9}{:>9}{:>9}{:>9}{:>9}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "", "done", "refused", "limited", "failed", "median", "90 %", "99 %", "99.9 %", "max"
        )?;
        for (step, report) in &self.steps {
            write!(f, "{:<9}", format!("{step:?}").to_lowercase())?;
            for outcome in [Outcome::Done, Outcome::Refused, Outcome::Limited, Outcome::Failed] {
                write!(f, "{:>9}", of(&report.outcomes, outcome))?;
            }
            for us in [report.p50_us, report.p90_us, report.p99_us, report.p999_us, report.max_us] {
                write!(f, "{:>7.2} ms", us as f64 / 1_000.0)?;
            }
            writeln!(f)?;
        }
        let how = match self.rate {
            0 => format!("closed loop over {} connections", self.connections),
            rate => format!("open loop, {rate} visitors/s, {} connections at most", self.connections),
        };
        writeln!(f, "{:.0} requests/s for {} s; {how}", self.requests_per_second, self.seconds)?;
        let share =
            |share: Option<f64>| share.map_or("?".to_owned(), |share| format!("{:.0} %", share * 100.0));
        let (generator, service) = (share(self.cpu.generator), share(self.cpu.service));
        writeln!(f, "of one CPU the generator took {generator}, the service {service}")?;
        if self.cpu.generator.is_some_and(|share| share > GENERATOR_SHARE_MAX) {
            writeln!(
                f,
                "That is too much: these are the generator's limits, not the service's. Lower RATE."
            )?;
        }
        for (reason, times) in self.failures.iter().take(REASONS_SHOWN_MAX) {
            writeln!(f, "{times} times {reason}")?;
        }
        let Inventory { all: seats, by_area } = &self.check.inventory;
        writeln!(
            f,
            "seats: {} sold + {} held + {} in flight + {} free = {} of {}, drift {}; buyers were told of {} sold",
            seats.sold,
            seats.held,
            seats.in_flight,
            seats.free,
            seats.sold + seats.held + seats.in_flight + seats.free,
            seats.capacity,
            seats.drift,
            self.check.told_sold
        )?;
        for AreaSeats { area, seats } in by_area.iter().filter(|_| by_area.len() > 1) {
            let Seats { capacity, sold, held, in_flight, free, drift } = seats;
            writeln!(
                f,
                "  {area}: {sold} sold + {held} held + {in_flight} in flight + {free} free of {capacity}, drift {drift}"
            )?;
        }
        if let Some(Mails { told, again, seconds_after }) = self.mails {
            writeln!(
                f,
                "mails: {told} bookings told, {again} of them again, the last {seconds_after:.1} s after the last answer"
            )?;
        }
        match self.check.violations.is_empty() {
            true => write!(f, "Not oversold, and no seat lost."),
            false => write!(f, "WRONG: {}", self.check.violations.join("; ")),
        }
    }
}
