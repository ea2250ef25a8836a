//! The settings of mail: only what tells people reads them.

use std::path::PathBuf;

use domain::email::Email;
use secrecy::SecretString;

use super::{ConfigError, Settings, error};

/// Messages a second, all processes together, unless it is set: what Amazon SES begins with once it lets one write to anybody.
pub const MAIL_PER_SECOND_DEFAULT: u64 = 14;
/// More than any provider takes.
pub const MAIL_PER_SECOND_MAX: u64 = 10_000;

/// How mail goes out.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// `MAIL_URL`: where it goes.
    pub route: MailRoute,
    /// `MAIL_FROM`: the sender's address.
    pub from: Email,
    /// `MAIL_FROM`: how the sender is called.
    pub from_name: Option<String>,
    /// `MAIL_PER_SECOND`: how many may go out in a second, all processes together; `None` for any number.
    pub per_second: Option<u32>,
    /// `PUBLIC_URL`: where people find the pages, without a slash at the end. Mails link there.
    pub public_url: String,
}

/// Where mail goes.
#[derive(Clone, Debug)]
pub enum MailRoute {
    /// To a server that speaks SMTP. The URL may carry a password.
    Smtp(SecretString),
    /// To Amazon SES, with the credentials that the process has.
    Ses,
    /// Into a folder, a file each.
    Folder(PathBuf),
}

impl MailConfig {
    /// Reads the settings from the process's environment; `None` if no mail is wanted.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads the settings through `lookup`, as [`Config::from_lookup`](crate::Config::from_lookup) does.
    pub fn from_lookup(lookup: impl Fn(&'static str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        let settings = Settings(lookup);
        let Some(url) = settings.optional("MAIL_URL") else { return Ok(None) };
        let (from_name, from) = sender(&settings.required("MAIL_FROM")?)?;
        let per_second = settings.number("MAIL_PER_SECOND", MAIL_PER_SECOND_DEFAULT)?;
        if per_second > MAIL_PER_SECOND_MAX {
            return Err(error("MAIL_PER_SECOND", format!("must be 0 to {MAIL_PER_SECOND_MAX}")));
        }
        // Whoever tells must know what was told.
        settings.required("DELIVERIES_TABLE")?;
        let public_url = settings.required("PUBLIC_URL")?.trim_end_matches('/').to_owned();
        if !is_web_address(&public_url) {
            return Err(error("PUBLIC_URL", "must be an address like https://tickets.example.com"));
        }
        Ok(Some(Self {
            route: route(url)?,
            from,
            from_name,
            per_second: u32::try_from(per_second).ok().filter(|most| *most > 0),
            public_url,
        }))
    }
}

fn route(url: String) -> Result<MailRoute, ConfigError> {
    if url == "ses:" {
        return Ok(MailRoute::Ses);
    }
    if let Some(folder) = url.strip_prefix("file:").filter(|folder| !folder.is_empty()) {
        return Ok(MailRoute::Folder(PathBuf::from(folder.strip_prefix("//").unwrap_or(folder))));
    }
    let server = url.strip_prefix("smtp://").or_else(|| url.strip_prefix("smtps://"));
    match server.filter(|server| !server.is_empty()) {
        Some(_) => Ok(MailRoute::Smtp(url.into())),
        // What it is instead may be a password.
        None => {
            Err(error("MAIL_URL", "must be smtp://…, smtps://…, ses: or file: with the path of a folder"))
        }
    }
}

/// `Evently <tickets@example.com>`, or the address alone.
fn sender(text: &str) -> Result<(Option<String>, Email), ConfigError> {
    let wrong =
        || error("MAIL_FROM", "must be an address like tickets@example.com or Evently <tickets@example.com>");
    let (name, address) = match text.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) => (name.trim().trim_matches('"'), address),
        None => ("", text.trim()),
    };
    if name.chars().any(char::is_control) {
        return Err(wrong());
    }
    let email = Email::parse(address).map_err(|_| wrong())?;
    Ok(((!name.is_empty()).then(|| name.to_owned()), email))
}

fn is_web_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_plain = |c: char| c.is_ascii_graphic() && !"\"'<>?#@\\".contains(c);
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[(&'static str, &str)]) -> Result<Option<MailConfig>, String> {
        let usual = [
            ("MAIL_FROM", "Evently <tickets@example.com>"),
            ("DELIVERIES_TABLE", "deliveries"),
            ("PUBLIC_URL", "https://tickets.example.com"),
        ];
        let value = |name: &str| {
            given.iter().chain(&usual).find(|(other, _)| *other == name).map(|(_, value)| *value)
        };
        MailConfig::from_lookup(|name| value(name).map(str::to_owned)).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_url_there_is_no_mail() {
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&[("MAIL_URL", ""), ("MAIL_FROM", "nobody")]).unwrap().is_none());
    }

    #[test]
    fn each_route_is_known_by_its_url() {
        let route = |url| read(&[("MAIL_URL", url)]).unwrap().unwrap().route;
        assert!(matches!(route("ses:"), MailRoute::Ses));
        for folder in ["file:/var/mail", "file:///var/mail"] {
            assert!(
                matches!(route(folder), MailRoute::Folder(path) if path.as_os_str() == "/var/mail"),
                "{folder}"
            );
        }
        for url in ["smtp://localhost:1025", "smtps://user:secret@mail.example.com"] {
            assert!(matches!(route(url), MailRoute::Smtp(_)));
        }
        for url in ["smtp://", "file:", "ses:eu", "https://mail.example.com", "mail.example.com:s3cret"] {
            let said = read(&[("MAIL_URL", url)]).unwrap_err();
            assert!(said.starts_with("MAIL_URL must be ") && !said.contains("s3cret"), "{url}: {said}");
        }
    }

    #[test]
    fn the_sender_may_have_a_name() {
        for (text, name, address) in [
            ("tickets@example.com", None, "tickets@example.com"),
            (" Evently <Tickets@Example.com> ", Some("Evently"), "tickets@example.com"),
            ("\"Evently, Inc.\" <tickets@example.com>", Some("Evently, Inc."), "tickets@example.com"),
        ] {
            let config = read(&[("MAIL_URL", "ses:"), ("MAIL_FROM", text)]).unwrap().unwrap();
            assert_eq!((config.from_name.as_deref(), config.from.as_str()), (name, address));
        }
        for text in
            ["Evently", "<tickets>", "a@example.com\nBcc: b@example.com", "Ev\u{7}ently <a@example.com>"]
        {
            let said = read(&[("MAIL_URL", "ses:"), ("MAIL_FROM", text)]).unwrap_err();
            assert!(said.starts_with("MAIL_FROM must be "), "{text}: {said}");
        }
    }

    #[test]
    fn numbers_and_addresses_have_bounds() {
        let config = |name, value| read(&[("MAIL_URL", "ses:"), (name, value)]);
        assert_eq!(read(&[("MAIL_URL", "ses:")]).unwrap().unwrap().per_second, Some(14));
        assert_eq!(config("MAIL_PER_SECOND", "0").unwrap().unwrap().per_second, None);
        assert!(config("MAIL_PER_SECOND", "10001").unwrap_err().starts_with("MAIL_PER_SECOND "));
        assert!(config("MAIL_PER_SECOND", "many").unwrap_err().starts_with("MAIL_PER_SECOND "));
        let url = config("PUBLIC_URL", "https://tickets.example.com/").unwrap().unwrap().public_url;
        assert_eq!(url, "https://tickets.example.com");
        assert_eq!(config("PUBLIC_URL", "").unwrap_err(), "PUBLIC_URL is not set");
        for url in [
            "tickets.example.com",
            "ftp://x",
            "https://",
            "https://a b",
            "https://a/?x",
            "javascript:alert(1)",
        ] {
            assert!(config("PUBLIC_URL", url).unwrap_err().starts_with("PUBLIC_URL must be "), "{url}");
        }
        assert_eq!(config("DELIVERIES_TABLE", "").unwrap_err(), "DELIVERIES_TABLE is not set");
    }
}
