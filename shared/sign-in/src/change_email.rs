//! Changing the address.
//!
//! The account stays where it is until a link is used that is mailed to the new address: so nobody moves to an address where they
//! get no mail. Then the old address is sent a link that takes the account back, for seven days, in which nobody else can have that
//! address: whoever learned the password, and moved the account away from its owner, gains nothing by it.
//!
//! Nobody learns by asking whether the new address has an account. The answer, the work and what is kept are the same: an earlier
//! wish ends either way, and one mail is written down. If the address has an account, that one's owner is told that somebody
//! tried. Only who has the mailed link, and so the address, may hear that somebody else took it meanwhile.
//!
//! An account asks for three moves an hour, whatever the addresses: else one account would have us write to many strangers. And an
//! address is asked three times an hour, whoever asks.

use accounts::mailed_tokens::{MailedClaims, Purpose};
use domain::{
    delivery::Delivery,
    email::{Address, Email},
    error::{Error, GaveUp},
    field_error::Wrong,
    id::UserId,
    message::Kind,
    time::to_whole_ms,
    user::{User, WantedEmail},
};
use http_api::{
    App, Caller, ClientAddress,
    fields::{Fields, Read, text},
};
use jiff::Timestamp;
use secrecy::SecretString;
use stores::dynamodb::{KeptUser, Moved};
use utoipa::ToSchema;

use crate::{
    account::account, admin::is_admins, password, proof::prove, register::of_new_account,
    security_event::SecurityEvent,
};

/// How often a move is tried while the account is changed by others.
const TRIES: usize = 3;

/// Another address.
#[derive(ToSchema)]
pub struct EmailChange {
    /// Where the account is to go: another address than now.
    #[schema(value_type = String, example = "ada@example.org", format = "email", max_length = 254)]
    email: Address,
    /// The account's password.
    #[schema(value_type = String, example = "correct horse battery")]
    password: SecretString,
}

impl Read for EmailChange {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email", |value| of_new_account(&text(value)?));
        let password = fields.required("password", password::secret);
        Some(Self { email: email?, password: password? })
    }
}

/// Sends a link to the address where the caller's account is to go.
///
/// # Errors
/// `PasswordIsASetting`, `NoMail`, `InvalidCredentials`, `TooManyAttempts`, `RateLimited`, a field that can't be accepted, or as the
/// stores have it.
pub async fn change_email(
    app: &App,
    caller: &Caller,
    change: EmailChange,
    from: ClientAddress,
) -> Result<(), Error> {
    if is_admins(app, &caller.email) {
        return Err(Error::PasswordIsASetting);
    }
    if !app.config.sends_mail {
        return Err(Error::NoMail);
    }
    let (address, now) = (change.email, to_whole_ms(Timestamp::now()));
    let user = account(app, caller).await?;
    let user = prove(app, caller, user, &change.password, from).await?;
    if is_of(&address, &user.email) {
        return Err(Error::invalid_field("email", Wrong::Unchanged));
    }
    if let Some(then) = user.moves_again_at(now) {
        return Err(Error::RateLimited { retry_after: then.duration_since(now).unsigned_abs() });
    }
    app.count_account_mail(Kind::AccountMoved, &user.email).await?;
    app.count_account_mail(Kind::AccountMove, &address.email).await?;
    let wanted = WantedEmail { email: address.email.clone(), at: now };
    let told = told(app, &user, &address, now).await?;
    if !app.store.want_email(&user, &wanted, &told).await? {
        // The password was changed meanwhile, so this was the wrong one.
        return Err(Error::InvalidCredentials);
    }
    SecurityEvent::EmailChangeAsked.tell(Some(user.id));
    Ok(())
}

/// Whether it is an address in any of its spellings.
fn is_of(address: &Address, email: &Email) -> bool {
    address.keys.contains(email) || email.of_all_releases() == address.email
}

/// The mail that the wish is answered by: the link; or to whoever has the address already, that somebody tried; or none, to nobody.
async fn told(app: &App, user: &User, address: &Address, now: Timestamp) -> Result<Delivery, Error> {
    let of = |kind, user: UserId, version| Delivery::of_account(kind, user, version, now);
    let link = of(Kind::AccountMove, user.id, user.password_version);
    if let Some(owner) = app.store.account_of(address).await? {
        let told = of(Kind::AccountExists, owner.id, owner.password_version);
        return Ok(if is_admins(app, &owner.email) { told.for_nobody() } else { told });
    }
    // What somebody else left is kept for them, which whoever follows the link is told.
    Ok(if is_admins(app, &address.email) { link.for_nobody() } else { link })
}

/// Moves the account to the address that the token went to. One that it left is where it is taken back to, as by the link that the
/// address got then: else whoever moved it away could have its owner bring it back, and keep the password.
///
/// # Errors
/// `MailedTokenEnded`, `EmailTaken`, `NoMail`, or as the stores have it.
pub(crate) async fn move_there(app: &App, claims: &MailedClaims, now: Timestamp) -> Result<Verified, Error> {
    let now = to_whole_ms(now);
    for _ in 0..TRIES {
        let kept = kept(app, claims.sub).await?;
        if !is_wanted(&kept.user, claims, now) || is_admins(app, &claims.email) {
            return Err(Error::MailedTokenEnded);
        }
        if let Some(place) = kept.user.place_of(&claims.email, now) {
            match bring_back(app, &kept, place, now).await? {
                Moved::Done => return Ok(Verified::Undone(claims.email.clone())),
                Moved::Taken => return Err(taken(app, claims).await?),
                Moved::Changed => continue,
            }
        }
        let moved = kept.user.moved_to(&claims.email, now);
        let told = Delivery::of_account(Kind::AccountMoved, moved.id, moved.password_version, now);
        match accounts::move_account(&app.accounts, &kept, &moved, &told, now).await? {
            Moved::Done => {
                SecurityEvent::EmailChanged.tell(Some(claims.sub));
                return Ok(Verified::Moved(claims.email.clone()));
            }
            Moved::Taken => return Err(taken(app, claims).await?),
            Moved::Changed => {}
        }
    }
    Err(Error::GaveUp(GaveUp::ChangingAccount))
}

/// Somebody has the address: who does not matter to whoever used the same link at the same moment.
async fn taken(app: &App, claims: &MailedClaims) -> Result<Error, Error> {
    let is_theirs = app.store.is_or_was_at(&claims.email, claims.sub).await?;
    Ok(if is_theirs { Error::MailedTokenEnded } else { Error::EmailTaken })
}

/// Another password ends the wish, and so does another wish.
fn is_wanted(user: &User, claims: &MailedClaims, now: Timestamp) -> bool {
    let wanted = user.wanted_email.as_ref().filter(|wanted| !wanted.is_over(now));
    wanted.is_some_and(|wanted| wanted.email == claims.email)
        && user.password_version == claims.password_version
}

/// Takes the account back to the address that the token went to.
///
/// # Errors
/// `MailedTokenEnded`, `NoMail`, or as the stores have it.
pub(crate) async fn take_back(app: &App, claims: &MailedClaims, now: Timestamp) -> Result<Verified, Error> {
    let now = to_whole_ms(now);
    for _ in 0..TRIES {
        let kept = kept(app, claims.sub).await?;
        let place = kept.user.place_of_left(&claims.email, claims.exp, now).ok_or(Error::MailedTokenEnded)?;
        match bring_back(app, &kept, place, now).await? {
            Moved::Done => return Ok(Verified::Undone(claims.email.clone())),
            // It was kept for the account.
            Moved::Taken => return Err(taken(app, claims).await?),
            Moved::Changed => {}
        }
    }
    Err(Error::GaveUp(GaveUp::ChangingAccount))
}

/// Takes the account back to an address that it left. Whoever moved it away knew its password: that counts no more, and a mail to the
/// address sets another one.
async fn bring_back(app: &App, kept: &KeptUser, place: usize, now: Timestamp) -> Result<Moved, Error> {
    let nobodys = password::nobodys(app.tokens.fingerprint("nobody's password", &UserId::new().to_string()));
    let back = kept.user.taken_back(place, nobodys, now).ok_or(Error::MailedTokenEnded)?;
    let told = Delivery::of_account(Kind::AccountBack, back.id, back.password_version, now);
    let moved = accounts::take_back(&app.accounts, kept, &back, &told, now).await?;
    if moved == Moved::Done {
        SecurityEvent::EmailChangeUndone.tell(Some(back.id));
    }
    Ok(moved)
}

/// The account that a link is about. It does not change where nobody could be told.
async fn kept(app: &App, user: UserId) -> Result<KeptUser, Error> {
    if !app.config.sends_mail {
        return Err(Error::NoMail);
    }
    app.store.kept_user(user).await?.ok_or(Error::MailedTokenEnded)
}

/// What the link in a mail to that address does, as far as it can be told without doing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkTo {
    /// Verify the address.
    Verify(Email),
    /// Move an account there.
    Move(Email),
    /// Take an account back there, which left it.
    Undo(Email),
}

/// What came of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// The account's owner gets mail at its address.
    Address,
    /// The account moved to this address.
    Moved(Email),
    /// The account was taken back to this address.
    Undone(Email),
}

/// What a token does that came to the page of addresses.
///
/// # Errors
/// `MailedTokenEnded`, when it is none of these, or too old; or as the store has it.
pub async fn link_of(app: &App, token: &str, now: Timestamp) -> Result<LinkTo, Error> {
    let (purpose, claims) = opened(app, token, now)?;
    Ok(match purpose {
        Purpose::Move if has_left(app, &claims, now).await? => LinkTo::Undo(claims.email),
        Purpose::Move => LinkTo::Move(claims.email),
        Purpose::Undo => LinkTo::Undo(claims.email),
        Purpose::Verify | Purpose::Reset => LinkTo::Verify(claims.email),
    })
}

/// Whether the account left the address that it is to move to.
async fn has_left(app: &App, claims: &MailedClaims, now: Timestamp) -> Result<bool, Error> {
    let kept = app.store.kept_user(claims.sub).await?;
    Ok(kept.is_some_and(|kept| kept.user.place_of(&claims.email, now).is_some()))
}

/// A token of one of the links that lead to the page of addresses, with what it is for.
pub(crate) fn opened(app: &App, token: &str, now: Timestamp) -> Result<(Purpose, MailedClaims), Error> {
    let purposes = [Purpose::Verify, Purpose::Move, Purpose::Undo];
    let opened = |purpose| app.tokens.open_mailed(purpose, token, now).ok().map(|claims| (purpose, claims));
    purposes.into_iter().find_map(opened).ok_or(Error::MailedTokenEnded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn every_spelling_of_the_address_is_the_one_of_now() {
        let (plain, before) =
            (Email::parse("ada@example.com").unwrap(), Email::parse("strasse@example.com").unwrap());
        assert!(is_of(&address("ADA@example.com "), &plain));
        assert!(is_of(&address("Straße@example.com"), &before));
        assert!(!is_of(&address("ada@example.org"), &plain));
    }

    #[test]
    fn a_link_moves_the_account_where_it_wants_to_go_and_nowhere_else() {
        let now = Timestamp::from_second(1_900_000_000).unwrap();
        let email = |text: &str| Email::parse(text).unwrap();
        let user = |wanted: &str, password_version| User {
            password_version,
            wanted_email: Some(WantedEmail { email: email(wanted), at: now }),
            ..User::new(email("ada@example.com"), now)
        };
        let claims = MailedClaims::new(Purpose::Move, UserId::new(), email("ada@example.org"), 2, now);
        assert!(is_wanted(&user("ada@example.org", 2), &claims, now));
        assert!(!is_wanted(&user("ada@example.net", 2), &claims, now), "it wants to go elsewhere by now");
        assert!(!is_wanted(&user("ada@example.org", 3), &claims, now), "the password was changed");
        assert!(!is_wanted(&user("ada@example.org", 2), &claims, now + Purpose::Move.lasts()));
        assert!(!is_wanted(&User { wanted_email: None, ..user("x@example.org", 2) }, &claims, now));
    }
}
