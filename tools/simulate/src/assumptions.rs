//! What the simulation takes DynamoDB to be. What comes from elsewhere names its source.

use std::time::Duration;

/// What one partition writes in a second. AWS: "Best practices for designing and using partition keys effectively in
/// DynamoDB": 1,000 write units for a partition.
pub(crate) const PARTITION_UNITS_PER_SECOND: u64 = 1_000;

/// Units that an idle partition saves. DynamoDB may save up to 300 s ("Burst capacity"), but promises none of it, so
/// next to nothing is counted on: a tenth of a second.
pub(crate) const PARTITION_UNITS_SAVED_MAX: u64 = 100;

/// From the caller to the items, and back; each. With [`Assumptions::window`] it makes the 25 ms that a
/// `TransactWriteItems` of 5 items takes as a whole in the median, whether it succeeds or is cancelled (measured by A.
/// DeBrie, "DynamoDB Transactions Performance Testing", 2020: p50 25.3 ms, p95 36.4 ms, p99 92.5 ms).
pub(crate) const WAY: Duration = Duration::from_micros(7_500);

/// How far windows spread: the standard deviation of their logarithm. The 99th percentile is 3.2 times the median.
pub(crate) const WINDOW_SPREAD: f64 = 0.5;

/// What is not known, and so is varied.
#[derive(Clone, Copy, Debug)]
pub struct Assumptions {
    /// How long a transaction is at its items, in the median: from their prepare to their commit, or until they are let
    /// go. Meanwhile any other transaction on them is cancelled. AWS does not say; of the 25 ms as a whole, 5 to 8 go to
    /// the way and a plain write takes 7.5 (DeBrie), and two such phases follow each other ("Distributed Transactions at
    /// Scale in Amazon DynamoDB", USENIX ATC 2023).
    pub window: Duration,
    /// Partitions of each table and of the index.
    pub partitions: Partitions,
}

/// How the items lie on partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partitions {
    /// So many, by the hash of the key. A new table on demand has 4: it takes 4,000 units a second (AWS, "DynamoDB
    /// warm throughput"). One that was warmed for more has more.
    Of(u64),
    /// As many as there are items: where heat has split partitions for long enough ("Isolate frequently accessed
    /// items").
    OneForEachItem,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self { window: Duration::from_millis(10), partitions: Partitions::Of(40) }
    }
}
