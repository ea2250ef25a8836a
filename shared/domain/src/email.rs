//! Email addresses.

use std::fmt;

use email_address::{EmailAddress, Options};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};

use super::{
    field_error::Wrong,
    text::{folded, in_one_piece},
};

/// The longest address that mail can be sent to (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const EMAIL_CHARS_MAX: usize = 254;

/// A valid email address in its normalised form, which is an account's key: no white space around it, the part before the `@`
/// [folded], the domain as IDNA reads it (UTS 46), in Unicode. The same address therefore always gives the same
/// account. Its debug form, which may come into a log, tells the domain only.
///
/// Releases before wrote in lower case what was typed, and no more. Accounts of then keep their keys, see [`Address`].
///
/// [folded]: crate::text::folded
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Parses and normalises an address.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let typed = text.trim();
        if is_plain(typed) {
            return Self::valid(typed.to_ascii_lowercase());
        }
        let (local, domain) = typed.rsplit_once('@').ok_or(Wrong::NoEmail)?;
        let domain = in_unicode(domain).ok_or(Wrong::NoEmail)?;
        Self::valid(format!("{}@{domain}", folded(local)))
    }

    fn valid(normalised: String) -> Result<Self, Wrong> {
        if normalised.len() > EMAIL_CHARS_MAX {
            return Err(Wrong::Length { min: 0, max: Some(EMAIL_CHARS_MAX) });
        }
        let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
        match EmailAddress::parse_with_options(&normalised, options) {
            Ok(_) => Ok(Self(normalised)),
            Err(_) => Err(Wrong::NoEmail),
        }
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same for the keys that one address had in this release and before.
    pub fn of_all_releases(&self) -> Self {
        if is_plain(&self.0) { self.clone() } else { Self::parse(&self.0).unwrap_or_else(|_| self.clone()) }
    }

    /// Whether what stands before the `@` is in quotes, as in `"a b"@example.com`: next to no server of mail takes it.
    pub fn is_quoted(&self) -> bool {
        self.0.starts_with('"')
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

/// An address as somebody typed it, with every key that an account of it may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The key of a new account.
    pub email: Email,
    /// This one and those that releases before would have given it, in the order in which they count. Just what was typed comes
    /// first: two accounts of before may have one key now, and each goes on with its own. Nobody can register a key of
    /// before, so nobody comes between.
    pub keys: Vec<Email>,
}

impl Address {
    /// Parses an address.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let email = Email::parse(text)?;
        let keys = if is_plain(text.trim()) { vec![email.clone()] } else { keys(text, &email) };
        Ok(Self { email, keys })
    }

    /// The same for an account that may exist: one of before may have an address that is none any more.
    ///
    /// # Errors
    /// When it never was one.
    pub fn of_account(text: &str) -> Result<Self, Wrong> {
        Self::parse(text).or_else(|wrong| {
            let email = Email::valid(text.trim().to_lowercase()).map_err(|_| wrong)?;
            Ok(Self { keys: vec![email.clone()], email })
        })
    }

    /// The keys that only an account of before can have.
    pub fn former(&self) -> impl Iterator<Item = &Email> {
        self.keys.iter().filter(|key| **key != self.email)
    }
}

/// Whether it is written in ASCII and means just that, so that lower case is all that it takes.
fn is_plain(address: &str) -> bool {
    let is_encoded =
        |domain: &str| domain.to_ascii_lowercase().split('.').any(|label| label.starts_with("xn--"));
    address.is_ascii() && !address.rsplit_once('@').is_some_and(|(_, domain)| is_encoded(domain))
}

fn in_unicode(domain: &str) -> Option<String> {
    let (unicode, valid) = Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Allow);
    valid.is_ok().then(|| unicode.into_owned())
}

/// What releases make of an address: those before of just what was typed, in pieces or not, this one, and those before of
/// the same with its domain in ASCII and in Unicode.
fn keys(text: &str, email: &Email) -> Vec<Email> {
    let typed = text.trim().to_lowercase();
    let whole = in_one_piece(&typed);
    let mut spellings = vec![typed, whole.clone(), email.0.clone()];
    if let (Some((local, _)), Some((_, domain))) = (whole.rsplit_once('@'), email.0.rsplit_once('@')) {
        let ascii =
            Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Allow, DnsLength::Ignore);
        spellings.push(format!("{local}@{domain}"));
        spellings.extend(ascii.map(|ascii| format!("{local}@{ascii}")));
    }
    let mut keys: Vec<Email> = Vec::new();
    for key in spellings.into_iter().filter_map(|spelling| Email::valid(spelling).ok()) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
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

    fn keys(text: &str) -> Vec<String> {
        Address::parse(text).unwrap().keys.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_address_is_one_key_however_it_is_spelled() {
        for (key, spellings) in [
            (
                "ada@bücher.example",
                vec![
                    "ADA@BÜCHER.example",
                    "ada@bu\u{308}cher.example",
                    "ada@xn--bcher-kva.example",
                    "Ada@XN--BCHER-KVA.example",
                    "ada@bücher。example",
                    "ａｄａ@bücher.example",
                ],
            ),
            (
                "strasse@example.com",
                vec![
                    "straße@example.com",
                    "STRASSE@example.com",
                    "STRAẞE@EXAMPLE.com",
                    "stra\u{200b}sse@example.com",
                ],
            ),
            ("zoé@example.com", vec!["Zoe\u{301}@example.com", "ZOÉ@example.com"]),
            ("ada@straße.example", vec!["ada@straße.example", "ada@STRAẞE.example"]),
        ] {
            for spelling in spellings {
                assert_eq!(Email::parse(spelling).unwrap().as_str(), key, "{spelling}");
            }
        }
    }

    #[test]
    fn an_address_in_ascii_has_the_key_that_it_always_had() {
        for text in [
            "ada@example.com",
            " Ada.Lovelace+show@Mail.Example.COM ",
            "o'hara@my-host.example",
            "=cmd@example.com",
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.email.as_str(), text.trim().to_lowercase());
            assert_eq!(address.former().count(), 0);
        }
    }

    #[test]
    fn the_keys_of_before_are_known_too() {
        assert_eq!(keys("Straße@example.com"), ["straße@example.com", "strasse@example.com"]);
        assert_eq!(keys("ada@bücher.example"), ["ada@bücher.example", "ada@xn--bcher-kva.example"]);
        assert_eq!(keys("ada@xn--bcher-kva.example"), ["ada@xn--bcher-kva.example", "ada@bücher.example"]);
        let apart = keys("Ada@bu\u{308}cher.example");
        assert_eq!(apart, ["ada@bücher.example", "ada@xn--bcher-kva.example"], "marks were refused");
        assert_eq!(keys("Gro\u{308}ße@example.com"), ["größe@example.com", "grösse@example.com"]);
    }

    #[test]
    fn what_is_no_address_any_more_may_be_an_accounts() {
        // It says that it is encoded, and is not.
        let odd = "ada@xn--0.example";
        assert!(Email::parse(odd).is_err());
        assert_eq!(Address::of_account(odd).unwrap().email.as_str(), odd);
        assert!(Address::of_account("no address").is_err());
    }

    #[test]
    fn the_keys_of_all_releases_are_one() {
        for text in [
            "Straße@example.com",
            "ada@xn--bcher-kva.example",
            "Ada@bu\u{308}cher.example",
            "ada@example.com",
        ] {
            let address = Address::parse(text).unwrap();
            for key in &address.keys {
                assert_eq!(key.of_all_releases(), address.email, "{key}");
            }
        }
    }
}
