//! What is measured while a test runs, on the test's own thread: there runs all that a test does, the service too.

use ::metrics::LocalRecorderGuard;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// Metrics measured on this thread for as long as it lives.
pub(crate) struct Measured {
    _guard: LocalRecorderGuard<'static>,
    seen: Snapshotter,
}

impl Measured {
    pub(crate) fn start() -> Self {
        // It must outlive the guard; a test process does not mind.
        let recorder: &'static DebuggingRecorder = Box::leak(Box::default());
        Self { _guard: ::metrics::set_default_local_recorder(recorder), seen: recorder.snapshotter() }
    }

    /// All that was measured since the last call: name and the sum of its values, in the order of names.
    pub(crate) fn take(&self) -> Vec<(String, f64)> {
        let mut sums: Vec<_> = self
            .seen
            .snapshot()
            .into_vec()
            .into_iter()
            .map(|(key, _, _, value)| {
                let sum = match value {
                    DebugValue::Counter(count) => count as f64,
                    DebugValue::Gauge(value) => value.into_inner(),
                    DebugValue::Histogram(values) => values.into_iter().map(|value| value.into_inner()).sum(),
                };
                (key.key().name().to_owned(), sum)
            })
            .collect();
        sums.sort_by(|one, other| one.0.cmp(&other.0));
        sums
    }
}
