//! What a process tells of itself: logs on standard error, and metrics, where they are collected, on standard output.
//!
//! A metric is one line anywhere in the code, `metrics::counter!(names::REQUESTS).increment(1)`, and costs no call to
//! a service: CloudWatch finds it in the log. Where nobody collects it, it goes nowhere. All names are in [`names`].

mod causes;
mod embedded;
mod logs;
pub mod names;

pub use causes::CauseChain;
pub use embedded::{collect, flush_metrics, write_metrics};
pub use logs::{LogFormat, SHOWN, init_logs};

/// [`init_logs`], as JSON in Lambda and for people elsewhere; and starts collecting metrics, in a Lambda function.
///
/// # Errors
/// As [`init_logs`].
pub fn init(shown: &str) -> Result<(), String> {
    let in_lambda = std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some();
    init_logs(shown, if in_lambda { LogFormat::Json } else { LogFormat::Text })?;
    // Lambda sets it: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    if let Ok(function) = std::env::var("AWS_LAMBDA_FUNCTION_NAME") {
        collect(&function);
    }
    Ok(())
}
