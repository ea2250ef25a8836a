//! Email addresses.

use std::fmt;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};

/// The longest address that mail can be sent to (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const EMAIL_CHARS_MAX: usize = 254;

/// A valid email address in its normalised form: no white space around it, all in lower case. The same
/// address therefore always gives the same account. Its debug form, which may come into a log, tells the domain only.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Parses and normalises an address; the error says what is wrong, for people.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let normalised = text.trim().to_lowercase();
        if normalised.len() > EMAIL_CHARS_MAX {
            return Err("must have at most 254 characters");
        }
        let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
        match EmailAddress::parse_with_options(&normalised, options) {
            Ok(_) => Ok(Self(normalised)),
            Err(_) => Err("must be an email address, like ada@example.com"),
        }
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = self.0.rsplit_once('@').map_or("", |(_, domain)| domain);
        write!(f, "Email(…@{domain})")
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_address_is_always_written_the_same_way() {
        assert_eq!(Email::parse("  Ada@Example.COM "), Email::parse("ada@example.com"));
    }

    #[test]
    fn its_debug_form_does_not_tell_whose_it_is() {
        assert_eq!(format!("{:?}", Email::parse("ada@example.com").unwrap()), "Email(…@example.com)");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "ada", "ada@", "@example.com", "ada@localhost", "Ada <ada@example.com>", "a b@example.com"]
        {
            assert!(Email::parse(text).is_err(), "{text}");
        }
        assert!(Email::parse(&format!("{}@example.com", "a".repeat(250))).is_err());
    }
}
