//! The settings of the server itself. Those of the service are [`settings::Config`]'s, as a Lambda function has
//! them; nothing is filled in.

use clap::{ArgAction, Args, Parser, Subcommand};
use kit::settings::whole;
use telemetry::LogFormat;

use crate::forwarded::TrustedProxies;

/// What was asked for.
#[derive(Debug, Parser)]
#[command(
    name = "server",
    disable_help_subcommand = true,
    about = "Evently in one process, on stores that are there already",
    after_help = "The settings of the service itself come from the environment alone, such as USERS_TABLE, REDIS_URL and\n\
                  JWT_SECRET: docs/settings.md tells of each."
)]
pub struct Arguments {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub settings: Settings,
}

/// What the program does instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Asks the server that runs at PORT whether it lives
    Healthcheck,
}

/// How the server is reached, and what it does beside answering.
#[derive(Args, Debug)]
pub struct Settings {
    /// Where the API listens, on all addresses of the machine
    #[arg(long, env = "PORT", default_value_t = 8080, value_parser = whole::<u16>(1..=65_535))]
    pub port: u16,
    /// Networks of your load balancers, whose X-Forwarded-For is believed, like 10.0.0.0/8,fd00::/8
    #[arg(long, env = "TRUSTED_PROXIES", value_name = "NETWORKS", value_parser = networks)]
    pub trusted_proxies: Option<TrustedProxies>,
    /// Whether this process runs the janitor and pricing, too. Any number may, at once; one must
    #[arg(long, env = "RUN_SCHEDULES", value_name = "true|false", default_value_t = true,
        action = ArgAction::Set, value_parser = switch)]
    pub run_schedules: bool,
    /// How the log is written: text or json; the image sets json
    #[arg(long, env = "LOG_FORMAT", value_name = "FORMAT", default_value = "text", value_parser = log_format)]
    pub log_format: LogFormat,
    /// Whether to write metrics to standard output, for CloudWatch to find in the log
    #[arg(long, env = "EMBEDDED_METRICS", value_name = "true|false", default_value_t = false,
        action = ArgAction::Set, value_parser = switch)]
    pub embedded_metrics: bool,
}

fn networks(text: &str) -> Result<TrustedProxies, String> {
    TrustedProxies::parse(text)
        .map_err(|part| format!("must be networks like 10.0.0.0/8, with commas between; {part} is none"))
}

fn switch(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "must be true or false")
}

fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be text or json"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings_with(argument: &str) -> Result<Settings, String> {
        kit::settings::read_from::<Arguments>(["server", argument]).map(|arguments| arguments.settings)
    }

    #[test]
    fn none_has_to_be_set() {
        let settings = kit::settings::read_from::<Arguments>(["server"]).unwrap().settings;
        assert_eq!((settings.port, settings.log_format), (8080, LogFormat::Text));
        assert!(settings.run_schedules && !settings.embedded_metrics && settings.trusted_proxies.is_none());
        assert_eq!(settings_with("--port=10000").unwrap().port, 10_000);
        assert_eq!(settings_with("--log-format=json").unwrap().log_format, LogFormat::Json);
        assert!(!settings_with("--run-schedules=false").unwrap().run_schedules);
        assert!(settings_with("--embedded-metrics=true").unwrap().embedded_metrics);
    }

    #[test]
    fn a_bad_setting_is_named() {
        for (name, value) in [
            ("PORT", "0"),
            ("PORT", "many"),
            ("PORT", "65536"),
            ("TRUSTED_PROXIES", "2"),
            ("TRUSTED_PROXIES", "10.0.0.0/8 10.1.0.0/16"),
            ("RUN_SCHEDULES", "yes"),
            ("LOG_FORMAT", "JSON"),
            ("EMBEDDED_METRICS", "1"),
        ] {
            let argument = format!("--{}={value}", name.to_lowercase().replace('_', "-"));
            let said = settings_with(&argument).unwrap_err();
            assert!(said.starts_with(&format!("setting {name} must be ")), "{argument}: {said}");
        }
    }
}
