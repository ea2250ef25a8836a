//! Which passwords are good enough: long ones that nobody would guess first (NIST SP 800-63B, section 3.1.1.2). No rules
//! about digits or signs.

use domain::{
    email::Email,
    field_error::Wrong,
    text::{folded, is_visible},
};
use secrecy::{ExposeSecret, SecretString};

use crate::password::prepared;

/// Characters of a password at least.
const PASSWORD_CHARS_MIN: usize = 8;
/// Characters of the admin's password at least: who has it can do everything.
const ADMINS_CHARS_MIN: usize = 12;
/// Characters of a password at most, so that hashing it is no burden.
const PASSWORD_CHARS_MAX: usize = 128;

/// What is guessed first, one a line, in lower case.
/// They are looked through, not put into a set: that would take longer than all else at the start of a function.
const COMMON: &str = include_str!("common_passwords.txt");

/// Looks for it as a whole line: to take the lines apart would be most of what a function does at its start.
fn is_common(password: &str) -> bool {
    let line = format!("\n{password}\n");
    !password.contains('\n') && (COMMON.starts_with(&line[1..]) || COMMON.contains(&line))
}

/// Whether the password may be an account's; the error says what is wrong with it. Without an address only the
/// password itself is looked at.
pub(crate) fn check(password: &SecretString, email: Option<&Email>) -> Result<(), Wrong> {
    let chars = |password: &str| password.chars().count();
    let length = Wrong::Length { min: PASSWORD_CHARS_MIN, max: Some(PASSWORD_CHARS_MAX) };
    // Not even prepared, if it is far too long.
    if !(PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&chars(password.expose_secret())) {
        return Err(length);
    }
    let prepared = prepared(password).ok_or(Wrong::NoPassword)?;
    let prepared = prepared.expose_secret();
    if !(PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&chars(prepared)) {
        return Err(length);
    }
    check_words(prepared, email)
}

/// Whether the password may be that of the admin of the settings.
pub(crate) fn check_admins(password: &SecretString, email: &Email) -> Result<(), Wrong> {
    let password = password.expose_secret();
    if password.chars().count() < ADMINS_CHARS_MIN {
        return Err(Wrong::Length { min: ADMINS_CHARS_MIN, max: None });
    }
    check_words(password, Some(email))
}

/// Whether nobody would guess it first, whatever its length.
fn check_words(password: &str, email: Option<&Email>) -> Result<(), Wrong> {
    if !is_visible(password) {
        return Err(Wrong::Invisible);
    }
    let password = folded(password);
    if is_common(&password) {
        return Err(Wrong::CommonPassword);
    }
    if email.is_some_and(|email| is_made_of(&password, email)) {
        return Err(Wrong::PasswordOfEmail);
    }
    Ok(())
}

/// Whether the password is the address, or its local part, with nothing but digits and signs around it.
fn is_made_of(password: &str, email: &Email) -> bool {
    let core = |text: &str| text.trim_matches(|c: char| !c.is_alphabetic()).to_owned();
    let password = core(password);
    [email.as_str(), email.local_part()].map(core).contains(&password) && !password.is_empty()
        || password == email.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_good(password: &str, email: &str) -> bool {
        check(&password.into(), Some(&Email::parse(email).unwrap())).is_ok()
    }

    #[test]
    fn common_passwords_are_refused_in_any_case() {
        for password in
            ["password", "Password1", "QWERTYUIOP", "12345678", "iloveyou", "1q2w3e4r", "letmein1"]
        {
            assert!(!is_good(password, "ada@example.com"), "{password}");
        }
    }

    #[test]
    fn spaces_alone_are_no_password() {
        for password in ["        ", " \u{a0}\u{2003}     ", "\t\t\t\t\t\t\t\t"] {
            assert!(!is_good(password, "ada@example.com"), "{password:?}");
        }
        assert!(is_good("       x", "ada@example.com"));
    }

    #[test]
    fn control_characters_and_what_is_not_assigned_are_refused() {
        for password in [
            "\0\0\0\0\0\0\0\0\0\0\0\0",
            "correct\thorse",
            "correct\u{7f}horse",
            "correct\u{e000}horse",
            "correct\u{378}horse",
        ] {
            let wrong = check(&password.into(), None).unwrap_err();
            assert_eq!(wrong, Wrong::NoPassword, "{password:?}");
        }
    }

    #[test]
    fn a_common_password_is_common_in_any_letters() {
        for password in ["ｐａｓｓｗｏｒｄ", "PASSWORD", "Pa\u{17f}\u{17f}word"] {
            assert!(!is_good(password, "ada@example.com"), "{password}");
        }
    }

    #[test]
    fn the_admins_password_is_longer() {
        let is_admins = |password: &str| {
            check_admins(&password.into(), &Email::parse("administrator@example.com").unwrap()).is_ok()
        };
        for password in
            ["a", "evently-adm", "password1234", "            ", "Administrator", "administrator@example.com"]
        {
            assert!(!is_admins(password), "{password}");
        }
        for password in ["evently-admin", "the admin's password", &"long ".repeat(50)] {
            assert!(is_admins(password), "{password}");
        }
    }

    #[test]
    fn the_address_is_no_password() {
        for password in ["ada@example.com", "Ada@Example.com!", "ada12345", "2024-ada-", "ADA!!!!!"] {
            assert!(!is_good(password, "ada@example.com"), "{password}");
        }
        assert!(!is_good("ada.lovelace", "ada.lovelace@example.com"));
    }

    #[test]
    fn other_passwords_are_good() {
        for password in ["correct horse battery", "correct horse", "ßßßßßßßß", "adaptable", "93 62 11 07 44"]
        {
            assert!(is_good(password, "ada@example.com"), "{password}");
        }
        assert!(is_good("93 62 11 07 44", "1234@example.com"));
    }

    #[test]
    fn the_list_has_only_what_can_be_met() {
        assert!(COMMON.lines().count() >= 3_000, "as ASVS asks for");
        for password in COMMON.lines() {
            assert!(password.chars().count() >= PASSWORD_CHARS_MIN, "{password}");
            assert_eq!(password, password.to_lowercase());
        }
    }
}
