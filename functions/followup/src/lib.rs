//! Follow-up: what a change of a booking asks for, done right after it and inside of Redis' network, where seats may move.
//!
//! The outside writes on a pending booking what it knows of it; here that is brought to its end. Whatever gets lost on the way, or
//! comes twice or late, the janitor's run of the next minute finds by the index of what is due.

use std::time::Duration;

use domain::{
    booking::Booking,
    error::{Error, GaveUp},
};
use http_api::App;
use jiff::Timestamp;
use jobs::{Budget, Records};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use stores::dynamodb::{AskedTable, Change};

/// Of a batch of records nothing is begun after this time: what is left comes again.
pub const BATCH_TIME_MAX: Duration = Duration::from_secs(12);

/// Runs the function.
///
/// # Errors
/// When a setting is missing or malformed.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    telemetry::init(telemetry::SHOWN)?;
    let app = App::from_env(|_| Ok(())).await?;
    app.open_connections(AskedTable::Events).await;
    let handle = |event: LambdaEvent<Value>| async {
        let answer = handle(&app, event.payload).await;
        telemetry::flush_metrics();
        Ok::<_, lambda_runtime::Error>(answer?)
    };
    lambda_runtime::run(service_fn(handle)).await
}

/// One invocation, with records of the bookings' stream: answers which have to come again.
///
/// # Errors
/// When it has no records.
pub async fn handle(app: &App, event: Value) -> Result<Value, Error> {
    let (records, budget) = (Records::read(event)?, Budget::of(BATCH_TIME_MAX));
    let one = async |change, _| match budget.is_over() {
        true => Err(Error::GaveUp(GaveUp::Answering)),
        false => follow(app, &change).await,
    };
    Ok(records.each(&app.store, one).await)
}

/// Does what a change asks for. Doing it again does nothing.
///
/// # Errors
/// When a store fails.
pub async fn follow(app: &App, change: &Change) -> Result<(), Error> {
    match change {
        Change::Booking { after, .. } if is_answered(after) => {
            booking::decide(&app.protocol, after.user_id, after.id, Timestamp::now()).await.map(|_| ())
        }
        _ => Ok(()),
    }
}

/// Whether the outside has said what is needed to decide it.
fn is_answered(booking: &Booking) -> bool {
    booking.status.is_undecided() && booking.outside.is_some()
}
