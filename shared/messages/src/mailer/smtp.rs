//! By SMTP.

use std::time::Duration;

use domain::delivery::Outcome;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    transport::smtp::{Error, PoolConfig, extension::ClientId, response::Severity},
};
use secrecy::{ExposeSecret, SecretString};
use settings::ConfigError;

use super::SENDING_TIME_MAX;

/// A server that takes longer for a step has a bad day: the mail goes later.
const STEP_TIME_MAX: Duration = Duration::from_secs(15);
/// Connections at a time: few enough for any provider.
pub(crate) const CONNECTIONS_MAX: u32 = 8;
/// A function may sleep between two runs, and find its connections dead.
const IDLE_MAX: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Smtp {
    pub(super) fn new(url: &SecretString, domain: &str) -> Result<Self, ConfigError> {
        let url = with_tls(url.expose_secret());
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&url)
            // The error may have the URL in it, and the URL a password.
            .map_err(|_| ConfigError::new("MAIL_URL", "can't be used: see docs/settings.md for its forms"))?
            .timeout(Some(STEP_TIME_MAX))
            .hello_name(ClientId::Domain(domain.to_owned()))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS_MAX).idle_timeout(IDLE_MAX))
            .build();
        Ok(Self { transport })
    }

    /// A sending that takes too long is waited for no longer, and not broken off: in the middle of its conversation, a connection
    /// would be left with answers that belong to nobody.
    pub(super) async fn send(&self, message: Message) -> Outcome {
        let transport = self.transport.clone();
        let sending = tokio::spawn(async move { transport.send(message).await });
        match tokio::time::timeout(SENDING_TIME_MAX, sending).await {
            Err(_) => Outcome::Failed(format!("no answer within {} s", SENDING_TIME_MAX.as_secs())),
            Ok(Err(error)) => Outcome::Failed(error.to_string()),
            Ok(Ok(Err(error))) if is_of_recipient(&error) => Outcome::Refused(error.to_string()),
            Ok(Ok(Err(error))) => Outcome::Failed(error.to_string()),
            Ok(Ok(Ok(answer))) => {
                let said = format!("{} {}", answer.code(), answer.message().collect::<Vec<_>>().join(" "));
                let is_taken = answer.code().severity == Severity::PositiveCompletion;
                if is_taken { Outcome::Delivered(said) } else { Outcome::Failed(said) }
            }
        }
    }
}

/// Without encryption only where it was asked for: STARTTLS is insisted on, also by servers that may offer none.
fn with_tls(url: &str) -> String {
    let (server, query) = url.split_once('?').unwrap_or((url, ""));
    let (tls, others): (Vec<_>, Vec<_>) =
        query.split('&').filter(|part| !part.is_empty()).partition(|part| part.starts_with("tls="));
    let tls = match tls.first() {
        _ if server.starts_with("smtps://") => None,
        None => Some("tls=required"),
        Some(&"tls=none") => None,
        Some(said) => Some(*said),
    };
    let query: Vec<_> = others.into_iter().chain(tls).collect();
    if query.is_empty() { server.to_owned() } else { format!("{server}?{}", query.join("&")) }
}

/// Whether the server refused for good, and not because of who we are: 530 to 535 ask for a password, or for another one.
fn is_of_recipient(error: &Error) -> bool {
    error.is_permanent()
        && error
            .status()
            .is_some_and(|code| !(530..=538).contains(&code.to_string().parse::<u16>().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_sent_in_the_clear_unless_that_is_said() {
        for (url, used) in [
            ("smtp://mail.example.com", "smtp://mail.example.com?tls=required"),
            ("smtp://u:p@mail.example.com:587", "smtp://u:p@mail.example.com:587?tls=required"),
            ("smtp://mail.example.com?tls=opportunistic", "smtp://mail.example.com?tls=opportunistic"),
            ("smtp://127.0.0.1:1025?tls=none", "smtp://127.0.0.1:1025"),
            ("smtps://u:p@mail.example.com", "smtps://u:p@mail.example.com"),
            ("smtp://u:xtls=y@mail.example.com", "smtp://u:xtls=y@mail.example.com?tls=required"),
        ] {
            assert_eq!(with_tls(url), used);
            assert!(Smtp::new(&url.to_owned().into(), "example.com").is_ok(), "{url}");
        }
        let said = Smtp::new(&"smtp://u:s3cret@".to_owned().into(), "example.com").unwrap_err().to_string();
        assert!(said.starts_with("MAIL_URL can't be used") && !said.contains("s3cret"), "{said}");
    }
}
