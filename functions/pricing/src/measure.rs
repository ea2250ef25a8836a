//! What a run did, as metrics: a run that changes nothing is seen, too.

use std::time::Duration;

use telemetry::names;

use crate::Report;

pub(crate) fn record(report: &Report, took: Duration) {
    let measured = [
        (names::PRICES_RAISED, f64::from(report.prices_raised)),
        (names::PRICES_LOWERED, f64::from(report.prices_lowered)),
        (names::PRICES_KEPT, f64::from(report.prices_kept)),
        (names::PRICES_SKIPPED, f64::from(report.prices_skipped)),
        (names::EVENTS_FAILED, f64::from(report.events_failed)),
        (names::RUN_COMPLETE, f64::from(u8::from(report.complete))),
        (names::RUN_MS, took.as_secs_f64() * 1_000.0),
    ];
    for (name, value) in measured {
        metrics::histogram!(name).record(value);
    }
}
