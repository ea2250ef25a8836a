//! Write transactions: all or nothing, tried again while DynamoDB is merely busy.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, TransactWriteItem},
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Retries, Store, failed, out_of_reach};
use domain::error::Error;
use telemetry::names;

/// Shards written with their event at most: a transaction takes 100 items, the event, its price, an idempotency key, the
/// note of surplus shards and the entry of the audit trail among them. Releases before the audit trail wrote 96 with it, so one
/// of them that clears away a broken creation of this release leaves a shard of it, which belongs to no event.
pub(super) const SHARDS_WITH_EVENT: usize = 95;

/// How a transaction ended.
pub(super) enum Transacted {
    /// It is committed, all of it.
    Committed,
    /// Nothing was written: a condition failed. The reasons stand in the order of the items.
    Refused(Vec<CancellationReason>),
}

impl Store {
    /// Commits `items` together. Conflicts with other transactions and throttling are tried again with the
    /// same `ClientRequestToken`, so that a try whose reply was lost is not done twice. `OutOfReach` means
    /// that the outcome is unknown.
    pub(super) async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<Transacted, Error> {
        let token = Uuid::now_v7().to_string();
        let began = Instant::now();
        let mut retries = Retries::default();
        loop {
            let sent = self
                .client
                .transact_write_items()
                .set_transact_items(Some(items.clone()))
                .client_request_token(&token)
                .send()
                .await;
            let error = match sent {
                Ok(_) => return Ok(Transacted::Committed),
                Err(error) => error,
            };
            if let Some(reasons) = failed_conditions(&error) {
                return Ok(Transacted::Refused(reasons));
            }
            metrics::counter!(names::TRANSACTION_CONFLICTS).increment(u64::from(met_another(&error)));
            if !is_worth_another_try(&error) {
                return Err(failed(error));
            }
            let Some(pause) = retries.pause_after(began.elapsed()) else {
                return Err(out_of_reach(error));
            };
            tracing::debug!(?retries, code = error.code(), "transaction tried again");
            metrics::counter!(names::TRANSACTION_RETRIES).increment(1);
            tokio::time::sleep(pause).await;
        }
    }
}

/// The reasons, if a condition failed and nothing else. Beside a conflict a failed condition says little: the
/// other transaction may be half applied, and this item may be the half.
fn failed_conditions<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<Vec<CancellationReason>> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            let reasons = cancelled.cancellation_reasons();
            (!met_another(error) && reasons.iter().any(condition_failed)).then(|| reasons.to_vec())
        }
        _ => None,
    }
}

/// Whether another transaction was under way on one of the items.
fn met_another<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some("TransactionConflict"))
        }
        _ => false,
    }
}

/// Whether this item's condition was the reason.
pub(super) fn condition_failed(reason: &CancellationReason) -> bool {
    reason.code() == Some("ConditionalCheckFailed")
}

fn is_worth_another_try<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    const BUSY: &[&str] =
        &["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"];
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled
            .cancellation_reasons()
            .iter()
            .filter_map(CancellationReason::code)
            .any(|code| BUSY.contains(&code)),
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => true,
        Some(other) => {
            matches!(
                other.code(),
                Some(
                    "ThrottlingException" | "ProvisionedThroughputExceededException" | "RequestLimitExceeded"
                )
            ) || matches!(other, TransactWriteItemsError::InternalServerError(_))
        }
        // No reply, or none in time: the same token makes another try safe.
        None => !matches!(error, SdkError::ConstructionFailure(_)),
    }
}
