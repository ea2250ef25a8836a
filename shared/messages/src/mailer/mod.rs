//! Sending a letter: by SMTP, by Amazon SES, or into a folder.

mod folder;
mod ses;
mod smtp;

use std::time::Duration;

use domain::{delivery::Outcome, email::Email};
use jiff::Timestamp;
use lettre::{
    Address, Message,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use settings::{
    ConfigError,
    mail::{MailConfig, MailRoute},
};

use crate::letter::{Letter, line};

/// A sending takes no longer, all its steps together: then it goes later.
pub const SENDING_TIME_MAX: Duration = Duration::from_secs(20);

/// Sends mails.
#[derive(Debug)]
pub(crate) struct Mailer {
    route: Route,
    from: Mailbox,
}

#[derive(Debug)]
enum Route {
    Smtp(smtp::Smtp),
    Ses(ses::Ses),
    Folder(folder::Folder),
}

/// Why nobody can be told anything.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// A setting can't be used.
    #[error("setting {0}")]
    Config(#[from] ConfigError),
    /// Endpoints can't be called.
    #[error("webhooks can't be sent: {0}")]
    Tls(String),
    /// The folder can't be made.
    #[error("the folder of mails {folder} can't be made: {cause}")]
    Folder {
        /// Which.
        folder: String,
        /// Why.
        cause: std::io::Error,
    },
}

/// A mail that is ready to go.
struct Mail {
    message: Message,
    /// What a file of it may be called.
    file_name: String,
}

/// Who a mail is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recipient<'a> {
    pub(crate) email: &'a Email,
    pub(crate) name: Option<&'a str>,
}

impl Mailer {
    /// A mailer as the settings want it. Connects to nothing yet.
    ///
    /// # Errors
    /// When a setting can't be used.
    pub(crate) async fn open(config: &MailConfig) -> Result<Self, MailerError> {
        let address = address(&config.from);
        let address =
            address.map_err(|problem| ConfigError::new("MAIL_FROM", format!("can't be used: {problem}")))?;
        let route = match &config.route {
            MailRoute::Smtp(url) => Route::Smtp(smtp::Smtp::new(url, address.domain())?),
            MailRoute::Ses => Route::Ses(ses::Ses::from_env().await),
            MailRoute::Folder(folder) => Route::Folder(folder::Folder::open(folder).await?),
        };
        let name = config.from_name.as_deref().map(line);
        Ok(Self { route, from: Mailbox::new(name, address) })
    }

    /// The address that mails are from.
    pub(crate) fn sender(&self) -> &Address {
        &self.from.email
    }

    /// Sends a letter. `id` is the same however often it is sent.
    pub(crate) async fn send(&self, letter: &Letter, to: Recipient<'_>, id: &str, now: Timestamp) -> Outcome {
        let mail = match self.mail(letter, to, id, now) {
            Ok(mail) => mail,
            Err(problem) => return Outcome::Impossible(problem),
        };
        match &self.route {
            Route::Smtp(smtp) => smtp.send(mail.message).await,
            Route::Ses(ses) => ses.send(&mail.message).await,
            Route::Folder(folder) => folder.write(&mail).await,
        }
    }

    fn mail(&self, letter: &Letter, to: Recipient<'_>, id: &str, now: Timestamp) -> Result<Mail, String> {
        let to_address = address(to.email)?;
        let name = to.name.map(line).filter(|name| !name.is_empty());
        let body = MultiPart::alternative()
            .singlepart(SinglePart::plain(letter.text()))
            .singlepart(SinglePart::html(letter.html()));
        let body = match &letter.calendar {
            None => body,
            Some(entry) => {
                let kind = ContentType::parse("text/calendar; charset=utf-8; method=PUBLISH");
                let kind = kind.map_err(|error| error.to_string())?;
                let file = Attachment::new("booking.ics".to_owned()).body(entry.file(), kind);
                MultiPart::mixed().multipart(body).singlepart(file)
            }
        };
        // Nobody's holiday should answer this (RFC 3834).
        let automatic =
            HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(name, to_address))
            // It must not be taken for an encoding of something else.
            .subject(letter.subject.replace("=?", "= ?"))
            .date(now.into())
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .raw_header(automatic)
            .multipart(body)
            .map_err(|error| error.to_string())?;
        let file_name = format!("{}-{id}.eml", now.strftime("%Y%m%dT%H%M%S%.3fZ"));
        Ok(Mail { message, file_name })
    }
}

/// An address as mail has it: its domain in ASCII, which every server understands.
fn address(email: &Email) -> Result<Address, String> {
    let (local, domain) = email.as_str().rsplit_once('@').unwrap_or_default();
    let domain = idna::domain_to_ascii(domain).map_err(|_| "its domain is none".to_owned())?;
    Address::new(local, domain).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_so_that_every_server_understands_its_domain() {
        for (email, written) in [
            ("ada@example.com", "ada@example.com"),
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
            ("jörg@example.com", "jörg@example.com"),
            ("a.b+c@example.com", "a.b+c@example.com"),
        ] {
            assert_eq!(address(&Email::parse(email).unwrap()).unwrap().to_string(), written);
        }
    }
}
