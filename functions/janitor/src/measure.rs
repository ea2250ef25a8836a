//! What a run did, as metrics: a janitor that runs and does nothing is seen.

use std::time::Duration;

use telemetry::names;

use crate::Report;

pub(crate) fn record(report: &Report, took: Duration) {
    let done = &report.done;
    let seats = &done.seats;
    let measured = [
        (names::EVENTS_SWEPT, f64::from(report.events_swept)),
        (names::EVENTS_FAILED, f64::from(report.events_failed)),
        (names::RUN_COMPLETE, f64::from(u8::from(report.complete))),
        (names::RUN_MS, took.as_secs_f64() * 1_000.0),
        (names::HOLDS_EXPIRED, f64::from(done.holds_expired)),
        (names::CONFIRMS_FINISHED, f64::from(done.confirms_finished)),
        (names::CONFIRMS_UNDONE, f64::from(done.confirms_undone)),
        (names::CONFIRMS_FAILED, f64::from(done.confirms_failed)),
        (names::OLDEST_OVERDUE_MS, done.oldest_overdue_ms as f64),
        (names::OLDEST_DUE_BOOKING_MS, done.oldest_due_booking_ms as f64),
        (names::SHARDS_REPAIRED, f64::from(done.shards_repaired)),
        (names::SHARDS_WAITING, f64::from(done.shards_waiting)),
        (names::SEATS_TOO_MANY, f64::from(done.seats_too_many)),
        (names::SEATS_TOO_FEW, f64::from(done.seats_too_few)),
        (names::EVENTS_BEING_CANCELLED, f64::from(done.events_being_cancelled)),
        (names::RANKS_CORRECTED, f64::from(done.ranks_corrected)),
        (names::EVENTS_REFRESHED, f64::from(done.events_refreshed)),
        (names::EVENTS_UNLOADED, f64::from(done.events_unloaded)),
        (names::SEATS_CAPACITY, seats.capacity as f64),
        (names::SEATS_SOLD, seats.sold as f64),
        (names::SEATS_PENDING, seats.pending as f64),
        (names::SEATS_HELD, seats.held as f64),
        (names::SEATS_IN_FLIGHT, seats.in_flight as f64),
        (names::SEATS_FREE, seats.free as f64),
        (names::SEATS_DRIFT, seats.drift() as f64),
    ];
    for (name, value) in measured {
        metrics::histogram!(name).record(value);
    }
}
