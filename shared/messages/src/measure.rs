//! What telling does, as metrics.

use domain::{
    delivery::{Delivery, DeliveryStatus},
    id::WebhookId,
    webhook::DisabledBecause,
};
use jiff::Timestamp;
use telemetry::names;

/// A try that ended so.
pub(crate) fn tried(delivery: &Delivery) {
    let name = match delivery.status {
        DeliveryStatus::Delivered => names::MAILS_SENT,
        DeliveryStatus::Failed => names::MAILS_FAILED,
        DeliveryStatus::Dead => names::MAILS_DEAD,
        DeliveryStatus::Dropped | DeliveryStatus::Pending => names::MAILS_DROPPED,
    };
    metrics::counter!(name).increment(1);
    log(delivery);
    if delivery.status == DeliveryStatus::Dead {
        tracing::error!(message_id = delivery.message_id, answer = delivery.answer, "a mail is given up");
    }
}

/// A try to tell an endpoint that ended so.
pub(crate) fn told_endpoint(delivery: &Delivery) {
    match delivery.status {
        DeliveryStatus::Delivered => metrics::counter!(names::WEBHOOKS_DELIVERED).increment(1),
        DeliveryStatus::Failed => metrics::counter!(names::WEBHOOKS_FAILED).increment(1),
        DeliveryStatus::Dead => metrics::counter!(names::WEBHOOKS_DEAD).increment(1),
        DeliveryStatus::Dropped | DeliveryStatus::Pending => {}
    }
    log(delivery);
}

fn log(delivery: &Delivery) {
    tracing::info!(
        message_id = delivery.message_id,
        recipient = delivery.recipient,
        status = ?delivery.status,
        tries = delivery.tries,
        answer = delivery.answer,
        "told"
    );
}

/// An endpoint that is told nothing any more.
pub(crate) fn disabled_endpoint(endpoint: WebhookId, because: DisabledBecause) {
    metrics::counter!(names::WEBHOOKS_DISABLED).increment(1);
    tracing::error!(%endpoint, ?because, "an endpoint of webhooks is disabled");
}

/// What is due the longest, or nothing.
pub(crate) fn oldest_due(due_at: Option<Timestamp>, now: Timestamp) {
    let late = due_at.map_or(0, |due_at| now.duration_since(due_at).as_millis().max(0));
    metrics::histogram!(names::OLDEST_DUE_MS)
        .record(i32::try_from(late).map_or(f64::from(i32::MAX), f64::from));
}

/// A message that no stream told, found by looking.
pub(crate) fn found_by_looking() {
    metrics::counter!(names::MESSAGES_MISSED).increment(1);
}
