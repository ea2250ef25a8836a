//! What a function tells of itself: logs on standard error, and metrics, in Lambda, on standard output.
//!
//! A metric is one line anywhere in the code, `metrics::counter!(names::REQUESTS).increment(1)`, and costs no call to
//! a service: CloudWatch finds it in the log. Outside of Lambda it goes nowhere. All names are in [`names`].

mod embedded;
mod logs;
pub mod names;

pub use embedded::{collect, flush_metrics, write_metrics};

/// Starts logging to standard error, showing `shown` unless `RUST_LOG` says otherwise; and collecting metrics, in a
/// Lambda function. Later calls change nothing.
pub fn init(shown: &str) {
    logs::init(shown);
    // Lambda sets it: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    if let Ok(function) = std::env::var("AWS_LAMBDA_FUNCTION_NAME") {
        collect(&function);
    }
}
