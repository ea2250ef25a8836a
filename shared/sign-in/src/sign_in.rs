//! Signing in.

use domain::{
    email::Address,
    error::Error,
    time::to_whole_ms,
    user::{Role, User},
};
use http_api::{
    App, ClientAddress,
    fields::{Fields, Read, text},
};
use jiff::Timestamp;
use secrecy::SecretString;
use settings::AdminAccount;
use utoipa::ToSchema;

use crate::{
    password,
    security_event::{SecurityEvent, try_password},
};

/// Who signs in.
#[derive(ToSchema)]
pub struct Credentials {
    /// The account's address, in any case.
    #[schema(example = "ada@example.com")]
    email: String,
    /// Its password.
    #[schema(value_type = String, example = "correct horse battery")]
    password: SecretString,
}

impl Read for Credentials {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (email, password) =
            (fields.required("email", text), fields.required("password", password::secret));
        Some(Self { email: email?, password: password? })
    }
}

/// Signs in. Takes the same time whether the address has an account or not.
///
/// # Errors
/// `InvalidCredentials`, `TooManyAttempts`, or as the stores have it.
pub async fn sign_in(
    app: &App,
    credentials: Credentials,
    from: ClientAddress,
    now: Timestamp,
) -> Result<User, Error> {
    let address = Address::of_account(&credentials.email).map_err(|_| Error::InvalidCredentials)?;
    let attempt = try_password(app, &address.email, from, None).await?;
    let signed_in = match &app.config.admin {
        Some(admin) if admin.email == address.email => {
            sign_in_admin(app, admin, &address, credentials.password, now).await
        }
        _ => sign_in_user(app, &address, credentials.password, now).await,
    };
    let user = attempt.judge(signed_in).await?;
    SecurityEvent::SignInSucceeded.tell(Some(user.id));
    Ok(user)
}

/// The account, if the password is right.
async fn sign_in_user(
    app: &App,
    address: &Address,
    password: SecretString,
    now: Timestamp,
) -> Result<Option<User>, Error> {
    let user = app.store.account_of(address).await?;
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let verdict = password::verify(&password, hash).await?;
    if !verdict.is_right {
        SecurityEvent::SignInFailed.tell(user.map(|user| user.id));
        return Ok(None);
    }
    let Some(user) = user else { return Ok(None) };
    if verdict.is_weak {
        strengthen(app, &user, password).await;
    }
    if user.previous_password_hash.is_some() && user.password_before(now).is_none() {
        forget_password_before(app, &user).await;
    }
    if user.has_old_addresses(now) {
        forget_addresses(app, &user, now).await;
    }
    // Only the admin of the settings is an admin: an account left over from older settings is not.
    Ok(Some(User { role: Role::User, ..user }))
}

/// Hashes a password anew that was hashed when less was asked for.
/// The password was right, whatever becomes of this.
async fn strengthen(app: &App, user: &User, password: SecretString) {
    let strengthened = async {
        let hash = password::hash(password).await?;
        app.store.strengthen_password(user, &hash).await
    };
    if let Err(error) = strengthened.await {
        tracing::warn!(user_id = %user.id, %error, "a weak hash stays until the next sign-in");
    }
}

/// Nobody's old password is kept for longer than it is of use.
async fn forget_password_before(app: &App, user: &User) {
    if let Err(error) = app.store.forget_password_before(user).await {
        tracing::warn!(user_id = %user.id, %error, "the hash of an old password stays until the next sign-in");
    }
}

/// Nor is an address that somebody left, or wanted.
async fn forget_addresses(app: &App, user: &User, now: Timestamp) {
    if let Err(error) = app.store.forget_addresses(user, now).await {
        tracing::warn!(user_id = %user.id, %error, "an address that is of no use stays until the next sign-in");
    }
}

/// The admin, if the password is right. It is a setting, so it needs no hash. The account exists for its id, and is made
/// at the first sign-in.
async fn sign_in_admin(
    app: &App,
    admin: &AdminAccount,
    address: &Address,
    password: SecretString,
    now: Timestamp,
) -> Result<Option<User>, Error> {
    let is_right = admin.password.as_ref().is_some_and(|admins| password::are_same(&password, admins));
    // The same is asked, and hashed, as at any other sign-in, so that it takes as long.
    let known = app.store.account_of(address).await?;
    password::verify(&password, None).await?;
    if !is_right {
        SecurityEvent::SignInFailed.tell(known.map(|known| known.id));
        return Ok(None);
    }
    let known = match known {
        Some(known) => Some(known),
        None => make_admin(app, admin, now).await?,
    };
    // A token is an admin's by the address of the settings, though the account may have a key of before.
    Ok(known.map(|known| User { role: Role::Admin, email: admin.email.clone(), ..known }))
}

/// The admin's account, unless somebody else just made it.
async fn make_admin(app: &App, admin: &AdminAccount, now: Timestamp) -> Result<Option<User>, Error> {
    let account = User { role: Role::Admin, ..User::new(admin.email.clone(), to_whole_ms(now)) };
    match app.store.create_user(&account).await {
        Ok(()) => Ok(Some(account)),
        Err(Error::EmailTaken) => app.store.user_by_email(&admin.email).await,
        Err(error) => Err(error),
    }
}
