//! The settings of the server itself. Those of the service are [`settings::Config`]'s, as a Lambda function has
//! them; nothing is filled in.

use telemetry::LogFormat;

use crate::forwarded::TrustedProxies;

const PORT_DEFAULT: u16 = 8080;

/// How the server is reached, and what it does beside answering.
#[derive(Debug)]
pub struct Settings {
    /// `PORT`: where the API listens, on all addresses of the machine.
    pub port: u16,
    /// `TRUSTED_PROXIES`: whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// `RUN_SCHEDULES`: whether this process runs the janitor and pricing, too. Any number may, at once; one must.
    pub run_schedules: bool,
    /// `LOG_FORMAT`: `text` or `json`.
    pub log_format: LogFormat,
    /// `EMBEDDED_METRICS`: whether to write metrics to standard output, for CloudWatch to find in the log.
    pub embedded_metrics: bool,
}

/// A setting is malformed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("setting {name} must be {expected}")]
pub struct SettingsError {
    name: &'static str,
    expected: String,
}

impl Settings {
    /// Reads the settings from the process's environment.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads the settings through `lookup`. An empty value is the same as none.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn from_lookup(lookup: impl Fn(&'static str) -> Option<String>) -> Result<Self, SettingsError> {
        let setting = |name| lookup(name).filter(|value| !value.is_empty());
        let switch = |name, default| match setting(name).as_deref() {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(_) => Err(error(name, "true or false")),
        };
        Ok(Self {
            port: port(setting("PORT"))?,
            trusted_proxies: TrustedProxies::parse(&setting("TRUSTED_PROXIES").unwrap_or_default()).map_err(
                |part| {
                    let expected = format!("networks like 10.0.0.0/8, with commas between: {part} is none");
                    error("TRUSTED_PROXIES", expected)
                },
            )?,
            run_schedules: switch("RUN_SCHEDULES", true)?,
            log_format: match setting("LOG_FORMAT").as_deref() {
                None | Some("text") => LogFormat::Text,
                Some("json") => LogFormat::Json,
                Some(_) => return Err(error("LOG_FORMAT", "text or json")),
            },
            embedded_metrics: switch("EMBEDDED_METRICS", false)?,
        })
    }
}

/// The port that `PORT` names, which the health check needs alone.
///
/// # Errors
/// When it is no port.
pub fn port(setting: Option<String>) -> Result<u16, SettingsError> {
    match setting.filter(|port| !port.is_empty()) {
        None => Ok(PORT_DEFAULT),
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| error("PORT", "a number from 1 to 65535")),
    }
}

fn error(name: &'static str, expected: impl Into<String>) -> SettingsError {
    SettingsError { name, expected: expected.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings_with(name: &'static str, value: &str) -> Result<Settings, SettingsError> {
        Settings::from_lookup(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn none_has_to_be_set() {
        let settings = settings_with("PORT", "").unwrap();
        assert_eq!((settings.port, settings.log_format), (8080, LogFormat::Text));
        assert!(settings.run_schedules && !settings.embedded_metrics);
        assert_eq!(settings_with("PORT", "10000").unwrap().port, 10_000);
        assert_eq!(settings_with("LOG_FORMAT", "json").unwrap().log_format, LogFormat::Json);
        assert!(!settings_with("RUN_SCHEDULES", "false").unwrap().run_schedules);
        assert!(settings_with("EMBEDDED_METRICS", "true").unwrap().embedded_metrics);
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
            let said = settings_with(name, value).unwrap_err().to_string();
            assert!(said.starts_with(&format!("setting {name} must be ")), "{name}={value}: {said}");
        }
    }
}
