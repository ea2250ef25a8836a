//! What became of tries, counted.

use domain::delivery::DeliveryStatus;
use serde::Serialize;

/// What became of tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Taken on.
    pub sent: u32,
    /// Not this time: they will be tried again.
    pub failed: u32,
    /// Given up.
    pub dead: u32,
    /// Nobody needs them any more.
    pub dropped: u32,
}

impl Outcomes {
    pub(crate) fn add(&mut self, status: DeliveryStatus) {
        *match status {
            DeliveryStatus::Delivered => &mut self.sent,
            DeliveryStatus::Dead => &mut self.dead,
            DeliveryStatus::Dropped => &mut self.dropped,
            DeliveryStatus::Failed | DeliveryStatus::Pending => &mut self.failed,
        } += 1;
    }

    pub(crate) fn add_all(&mut self, others: Self) {
        self.sent += others.sent;
        self.failed += others.failed;
        self.dead += others.dead;
        self.dropped += others.dropped;
    }
}
