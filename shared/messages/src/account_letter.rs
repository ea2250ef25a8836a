//! What a mail about an account says, and the token that its link carries.

use accounts::{
    mailed_tokens::{MailedClaims, Purpose},
    tokens::Tokens,
};
use domain::{delivery::Delivery, error::Error, message::Kind, user::Person};
use jiff::Timestamp;

use crate::letter::{Letter, greeting};

/// The letter of a delivery, or why there is nothing to say any more.
///
/// # Errors
/// When its token can't be signed.
pub(crate) fn of(
    delivery: &Delivery,
    person: &Person,
    public_url: &str,
    tokens: &Tokens,
) -> Result<Result<Letter, &'static str>, Error> {
    let lasts = match delivery.kind {
        Kind::AccountVerify => Purpose::Verify.lasts(),
        _ => Purpose::Reset.lasts(),
    };
    if Timestamp::now().duration_since(delivery.happened_at) >= lasts {
        return Ok(Err("its link would do nothing any more"));
    }
    let link = |purpose, path| {
        let version = delivery.password_version.unwrap_or_default();
        let claims =
            MailedClaims::new(purpose, person.id, person.email.clone(), version, delivery.happened_at);
        tokens.seal_mailed(purpose, &claims).map(|token| format!("{public_url}{path}?token={token}"))
    };
    let (subject, said, more, link) = match delivery.kind {
        Kind::AccountVerify => (
            "Welcome to Evently: verify your address",
            "Someone, probably you, made an account for this address. Follow the link to verify that it is yours.",
            "The link works for 24 hours. If it was not you, ignore this mail: without the link nothing proves that the address \
             is theirs.",
            ("Verify this address", link(Purpose::Verify, "/verify-email")?),
        ),
        Kind::AccountReset => (
            "Evently: set another password",
            "Someone, probably you, has forgotten the password of your account. The link lets you set another one.",
            "The link works once, for 30 minutes. If it was not you, ignore this mail: your password stays as it is.",
            ("Set another password", link(Purpose::Reset, "/password/reset")?),
        ),
        Kind::AccountFinish => (
            "Evently: finish your account",
            "Someone, probably you, began an account for this address more than once, with different passwords. None of them counts: \
             follow the link to set yours, which verifies the address, too.",
            "The link works once, for 30 minutes; after that, say at the sign-in that you have forgotten your password. If it was \
             not you, ignore this mail.",
            ("Set your password", link(Purpose::Reset, "/password/reset")?),
        ),
        Kind::AccountExists => (
            "Evently: you have an account already",
            "Someone, probably you, tried to make an account for this address. It has one: sign in.",
            "If you have forgotten its password, say so there, and a mail lets you set another one. If it was not you, ignore \
             this mail.",
            ("Sign in", format!("{public_url}/shop/sign-in")),
        ),
        _ => return Ok(Err("it is not about an account")),
    };
    Ok(Ok(Letter {
        subject: subject.to_owned(),
        // Not by the name: a stranger may have chosen it, to have us send their words.
        greeting: greeting(None),
        said: said.to_owned(),
        facts: vec![("Account", person.email.to_string())],
        more: more.to_owned(),
        link,
        calendar: None,
    }))
}
