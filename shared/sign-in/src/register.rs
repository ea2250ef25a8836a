//! Registering.
//!
//! An answer may get lost, so the same request may come again: the same address with the right password, within a day. It
//! is answered alike, with the account as it was made; a name in it changes nothing. Whoever sends a password for an address
//! that is taken could learn in this way whether it is right, as at sign-in. So it is tried as there: after the same waits,
//! counted by the same counters, with a hash of its own whether the account is new, old, or the admin's. Only that it waits
//! for its turn itself for a moment: equal requests that come together are all answered alike (`attempts.rs` says how).
//!
//! What makes an account counts for its network, and more than so many an hour are refused. What makes none is taken back: it
//! is answered as before, though its network had too many by then.

use domain::{
    delivery::Delivery,
    email::Address,
    error::Error,
    field_error::Wrong,
    id::UserId,
    message::Kind,
    time::to_whole_ms,
    user::{Role, User},
};
use http_api::{
    App, ClientAddress,
    fields::{Fields, Read, text},
};
use jiff::Timestamp;
use secrecy::SecretString;
use utoipa::ToSchema;

use crate::{
    account::name,
    account_mail,
    admin::is_admins,
    password, policy,
    security_event::{SecurityEvent, tell_if_refused},
};

/// A new account.
#[derive(ToSchema)]
pub struct Registration {
    /// Becomes the account's key, normalised.
    #[schema(value_type = String, example = "ada@example.com", format = "email", max_length = 254)]
    email: Address,
    /// 8 to 128 characters, none of them a control character; not one of the most common passwords, nor the address.
    #[schema(value_type = String, example = "correct horse battery", min_length = 8, max_length = 128)]
    password: SecretString,
    /// How the person wants to be called; without control characters, and not all of it invisible.
    #[schema(example = "Ada", max_length = 100)]
    name: Option<String>,
}

impl Read for Registration {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email", |value| of_new_account(&text(value)?));
        let password = fields.required("password", |value| {
            let password = password::secret(value)?;
            policy::check(&password, email.as_ref().map(|address| &address.email)).map(|()| password)
        });
        let name = fields.optional("name", name);
        Some(Self { email: email?, password: password?, name })
    }
}

/// An address that an account may get. One whose mails never arrive is nobody's.
pub(crate) fn of_new_account(text: &str) -> Result<Address, Wrong> {
    match Address::parse(text)? {
        address if address.email.is_quoted() => Err(Wrong::NoEmail),
        address => Ok(address),
    }
}

/// What came of a registration.
#[derive(Debug)]
pub enum Registered {
    /// There is an account, and whoever registered signs in.
    Account(Box<User>),
    /// A mail says what happened, to whoever gets mail at the address; nobody else learns it.
    ByMail,
}

/// Makes an account; or finds the one that the same request made before. Where addresses must be verified, the mail to the
/// address alone tells which.
///
/// # Errors
/// `EmailTaken`, `TooManyRegistrations`, `TooManyAttempts`, or as the stores have it.
pub async fn register(
    app: &App,
    registration: &Registration,
    from: ClientAddress,
    now: Timestamp,
) -> Result<Registered, Error> {
    let made = make(app, registration, from, now).await;
    if app.config.require_verified_email {
        return match made {
            Err(Error::EmailTaken) => tell_owner(app, registration, now).await,
            Ok(_) => {
                // As long as it takes where there is an account.
                password::verify(&registration.password, None).await.map(|_| ())
            }
            Err(error) => Err(error),
        }
        .map(|()| Registered::ByMail);
    }
    match made {
        Err(Error::EmailTaken) => made_before(app, registration, from, now).await,
        made => made,
    }
    .map(|user| Registered::Account(Box::new(user)))
}

/// Tells whoever has the address that somebody registered it again.
///
/// Of an address that nobody has verified, nobody knows whose account it is: a stranger may have begun it with a password of their
/// own, to have it verified by the owner. So unless it is the same password, none counts any more, links of before verify
/// nothing, and the mail lets its reader set one.
async fn tell_owner(app: &App, registration: &Registration, now: Timestamp) -> Result<(), Error> {
    let address = &registration.email;
    let owner = app.store.account_of(address).await?.filter(|user| !is_admins(app, &user.email));
    let hash = owner.as_ref().and_then(|owner| owner.password_hash.clone());
    let is_same = password::verify(&registration.password, hash).await?.is_right;
    let asked = match owner {
        Some(owner) if owner.email_verified_at.is_none() && !is_same => begin_again(app, &owner, now).await,
        Some(owner) if owner.email_verified_at.is_some() => {
            account_mail::ask(app, Kind::AccountExists, &address.email, Some(&owner), now).await
        }
        owner => account_mail::ask(app, Kind::AccountVerify, &address.email, owner.as_ref(), now).await,
    };
    match asked {
        Err(Error::RateLimited { .. }) => Ok(()),
        asked => asked,
    }
}

async fn begin_again(app: &App, begun: &User, now: Timestamp) -> Result<(), Error> {
    let kind = Kind::AccountFinish;
    app.count_account_mail(kind, &begun.email).await?;
    let nobodys = password::nobodys(app.tokens.fingerprint("nobody's password", &UserId::new().to_string()));
    if accounts::change_password(&app.accounts, begun, &nobodys, to_whole_ms(now)).await? {
        let delivery = Delivery::of_account(kind, begun.id, begun.password_version + 1, now);
        app.store.ask_for_delivery(&delivery, true).await?;
    }
    Ok(())
}

async fn make(
    app: &App,
    registration: &Registration,
    from: ClientAddress,
    now: Timestamp,
) -> Result<User, Error> {
    let password_hash = password::hash(registration.password.clone()).await?;
    let counted = match app.count_registration(from).await {
        // Where only a mail tells who has an account, a network has so many registrations of any address.
        Err(Error::TooManyRegistrations { .. })
            if !app.config.require_verified_email && is_taken(app, &registration.email).await? =>
        {
            return Err(Error::EmailTaken);
        }
        Err(refused) => {
            if let Error::TooManyRegistrations { .. } = refused {
                SecurityEvent::RegistrationRefused.tell(None);
            }
            return Err(refused);
        }
        Ok(counted) => counted,
    };
    let user = User {
        name: registration.name.clone(),
        password_hash: Some(password_hash),
        ..User::new(registration.email.email.clone(), to_whole_ms(now))
    };
    let told = account_mail::welcome(app, &user, now).await?;
    let made = create(app, &user, &registration.email, told.as_ref()).await;
    if let Err(Error::EmailTaken) = made
        && !app.config.require_verified_email
    {
        counted.take_back().await;
    }
    made?;
    SecurityEvent::Registered.tell(Some(user.id));
    Ok(user)
}

async fn create(app: &App, user: &User, address: &Address, told: Option<&Delivery>) -> Result<(), Error> {
    if is_admins(app, &user.email) {
        // Not before the hash, nor without asking: it must take as long as any that is taken.
        app.store.account_of(address).await?;
        return Err(Error::EmailTaken);
    }
    app.store.register_user(user, address, told).await
}

async fn is_taken(app: &App, address: &Address) -> Result<bool, Error> {
    let user = app.store.account_of(address).await?;
    Ok(user.is_some() || is_admins(app, &address.email))
}

/// The account of an address that is taken, if the same request may have made it.
async fn made_before(
    app: &App,
    registration: &Registration,
    from: ClientAddress,
    now: Timestamp,
) -> Result<User, Error> {
    let email = &registration.email.email;
    let attempt = accounts::try_password_in_turn(&app.accounts, email, from).await;
    let attempt = attempt.inspect_err(|error| tell_if_refused(error, None))?;
    let made = made_lately(app, registration, now).await;
    if let Ok(None) = made {
        SecurityEvent::PasswordFailed.tell(None);
    }
    attempt.judge(made).await.map_err(|error| match error {
        Error::InvalidCredentials => Error::EmailTaken,
        other => other,
    })
}

async fn made_lately(app: &App, registration: &Registration, now: Timestamp) -> Result<Option<User>, Error> {
    let address = &registration.email;
    let user = app.store.account_of(address).await?;
    let user = user.filter(|user| user.is_new(now) && !is_admins(app, &address.email));
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let is_right = password::verify(&registration.password, hash).await?.is_right;
    // Only the admin of the settings is an admin.
    Ok(user.filter(|_| is_right).map(|user| User { role: Role::User, ..user }))
}
