//! What a mail about an account says, and the token that its link carries.

use accounts::{
    mailed_tokens::{MailedClaims, Purpose},
    tokens::Tokens,
};
use domain::{
    delivery::Delivery,
    email::Email,
    error::Error,
    message::Kind,
    user::{Person, PreviousEmail},
};
use jiff::Timestamp;
use stores::dynamodb::OtherAddresses;

use crate::letter::{Letter, greeting};

const ENDED: &str = "its link would do nothing any more";

/// Where the letter of a delivery goes: to the account's address; or where it is to move, or whence it moved, by that very delivery.
/// `Err` says why it goes nowhere.
pub(crate) fn goes_to(
    delivery: &Delivery,
    person: &Person,
    others: OtherAddresses,
) -> Result<Email, &'static str> {
    let then = delivery.happened_at;
    match delivery.kind {
        Kind::AccountMove => {
            let wanted = others.wanted_email.filter(|wanted| wanted.at == then);
            wanted.map(|wanted| wanted.email).ok_or(ENDED)
        }
        Kind::AccountMoved => {
            let is_it = |left: &PreviousEmail| left.until == then + Purpose::Undo.lasts();
            others.previous_emails.into_iter().find(is_it).map(|left| left.email).ok_or(ENDED)
        }
        _ => Ok(person.email.clone()),
    }
}

/// The letter of a delivery to that address, or why there is nothing to say any more.
///
/// # Errors
/// When its token can't be signed.
pub(crate) fn of(
    delivery: &Delivery,
    person: &Person,
    to: &Email,
    public_url: &str,
    tokens: &Tokens,
) -> Result<Result<Letter, &'static str>, Error> {
    let lasts = match delivery.kind {
        Kind::AccountVerify => Purpose::Verify.lasts(),
        Kind::AccountMove => Purpose::Move.lasts(),
        Kind::AccountMoved => Purpose::Undo.lasts(),
        _ => Purpose::Reset.lasts(),
    };
    if Timestamp::now().duration_since(delivery.happened_at) >= lasts {
        return Ok(Err(ENDED));
    }
    let link = |purpose, path| {
        let version = delivery.password_version.unwrap_or_default();
        let claims = MailedClaims::new(purpose, person.id, to.clone(), version, delivery.happened_at);
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
        Kind::AccountBack => (
            "Evently: your account is back, set a password",
            "Someone followed the link that brings your account back to this address. Nobody is signed in to it any more, and no \
             password counts: set one.",
            "The link works once, for 30 minutes; after that, say at the sign-in that you have forgotten your password.",
            ("Set your password", link(Purpose::Reset, "/password/reset")?),
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
            "Someone, probably you, tried to make an account for this address, or to move one here. It has one: sign in.",
            "If you have forgotten its password, say so there, and a mail lets you set another one. If it was not you, ignore \
             this mail.",
            ("Sign in", format!("{public_url}/shop/sign-in")),
        ),
        Kind::AccountMove => (
            "Evently: move your account to this address",
            "Someone, probably you, wants to have their account at this address from now on. Follow the link to move it here.",
            "The link works once, for 24 hours. If it was not you, ignore this mail: without the link nothing moves.",
            ("Move the account here", link(Purpose::Move, "/verify-email")?),
        ),
        Kind::AccountMoved => (
            "Evently: your account has moved to another address",
            "Someone, probably you, moved the account that this address had to another one. If it was you, all is done.",
            "If it was not you, somebody knows your password: follow the link within 7 days. It brings the account back to this \
             address, signs everybody out and makes the password useless; then a mail lets you set another one. For so long \
             nobody else can use this address here.",
            ("Bring the account back", link(Purpose::Undo, "/verify-email")?),
        ),
        _ => return Ok(Err("it is not about an account")),
    };
    Ok(Ok(Letter {
        subject: subject.to_owned(),
        // Not by the name: a stranger may have chosen it, to have us send their words.
        greeting: greeting(None),
        said: said.to_owned(),
        // A new address may be mistyped: whoever has it learns no other one.
        facts: vec![(
            if delivery.kind == Kind::AccountMove { "New address" } else { "Account" },
            to.to_string(),
        )],
        more: more.to_owned(),
        link,
        calendar: None,
    }))
}

#[cfg(test)]
mod tests {
    use domain::{id::UserId, user::WantedEmail};
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_letter_of_a_move_goes_where_that_move_is_from_or_to() {
        let email = |text: &str| Email::parse(text).unwrap();
        let then = Timestamp::from_second(1_900_000_000).unwrap();
        let person = Person { id: UserId::new(), email: email("ada@example.com"), name: None };
        let (first, second) =
            (PreviousEmail::left(email("first@example.com"), then), email("second@example.com"));
        let later = then + SignedDuration::from_secs(1);
        let others = OtherAddresses {
            wanted_email: Some(WantedEmail { email: email("next@example.com"), at: later }),
            previous_emails: vec![first.clone(), PreviousEmail::left(second.clone(), later)],
        };
        let goes = |kind, at| goes_to(&Delivery::of_account(kind, person.id, 1, at), &person, others.clone());
        assert_eq!(goes(Kind::AccountReset, then), Ok(person.email.clone()));
        assert_eq!(goes(Kind::AccountMove, later), Ok(email("next@example.com")));
        assert_eq!(goes(Kind::AccountMove, then), Err(ENDED), "another address is wanted since");
        assert_eq!(goes(Kind::AccountMoved, then), Ok(first.email));
        assert_eq!(goes(Kind::AccountMoved, later), Ok(second));
        assert_eq!(goes(Kind::AccountMoved, later + SignedDuration::from_secs(1)), Err(ENDED));
    }
}
