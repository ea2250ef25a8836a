//! Metrics in CloudWatch's embedded metric format: JSON lines on standard output that CloudWatch reads numbers from.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::{
    io::{self, Write, stdout},
    sync::OnceLock,
};

use metrics_cloudwatch_embedded::{Builder, Collector};

use super::names;

const NAMESPACE: &str = "Evently";
const DIMENSION: &str = "FunctionName";

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();

/// Collects all metrics of this process from now on, for [`flush_metrics`], under the function's name. Later calls
/// change nothing.
pub fn collect(function: &str) {
    let collector =
        Builder::new().cloudwatch_namespace(NAMESPACE).with_dimension(DIMENSION, function.to_owned()).init();
    match collector {
        // Nobody else sets it: only one recorder can be installed.
        Ok(collector) => _ = COLLECTOR.set(collector),
        Err(error) => return tracing::debug!(%error, "metrics are collected already"),
    }
    names::describe();
}

/// Writes what was measured since the last time to standard output, as one line. Called at the end of every request
/// and every run of a job, because Lambda may freeze the process then. Does nothing where nothing is collected.
pub fn flush_metrics() {
    if COLLECTOR.get().is_none() {
        return;
    }
    let mut line = Vec::new();
    // In one piece, so that no other line comes in between.
    if let Err(error) = write_metrics(&mut line).and_then(|()| stdout().write_all(&line)) {
        tracing::warn!(%error, "metrics could not be written");
    }
}

/// Writes what was measured since the last time; nothing if nothing was, or if nothing is collected.
///
/// # Errors
/// When `out` does not take it.
pub fn write_metrics(out: impl Write) -> io::Result<()> {
    COLLECTOR.get().map_or(Ok(()), |collector| collector.flush(out))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    // One test, as there is one recorder a process.
    #[test]
    fn what_was_measured_is_written_once_in_the_embedded_metric_format() {
        collect("janitor");
        metrics::counter!(names::REQUESTS).increment(2);
        metrics::counter!(names::REQUESTS).increment(1);
        metrics::histogram!(names::OLDEST_OVERDUE_MS).record(250.0);
        metrics::histogram!(names::SEATS_DRIFT).record(0.0);
        let mut line = Vec::new();
        write_metrics(&mut line).unwrap();
        assert!(line.ends_with(b"}\n") && line.iter().filter(|byte| **byte == b'\n').count() == 1);

        let line: Value = serde_json::from_slice(&line).unwrap();
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        assert!(line["_aws"]["Timestamp"].as_i64() > Some(1_700_000_000_000), "in ms");
        assert_eq!(metrics["Namespace"], "Evently");
        assert_eq!(metrics["Dimensions"], json!([["FunctionName"]]));
        assert_eq!(line["FunctionName"], "janitor");
        let mut units: Vec<_> = metrics["Metrics"].as_array().unwrap().clone();
        units.sort_by_key(|metric| metric["Name"].to_string());
        let expected = json!([
            { "Name": "OldestOverdueMs", "Unit": "Milliseconds" },
            { "Name": "Requests", "Unit": "Count" },
            { "Name": "SeatsDrift", "Unit": "Count" },
        ]);
        assert_eq!(json!(units), expected);
        assert_eq!(line["Requests"], 3);
        assert_eq!(line["OldestOverdueMs"], json!([250.0]));
        assert_eq!(line["SeatsDrift"], json!([0.0]), "that all is well is said, too");

        let mut nothing = Vec::new();
        write_metrics(&mut nothing).unwrap();
        assert_eq!(nothing, b"", "what was written is not written again");
    }
}
