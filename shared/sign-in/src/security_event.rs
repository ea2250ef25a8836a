//! What whoever watches over accounts wants to know: a line of the log, with the field `security_event`, and a metric. It tells
//! the account's id where that is known, and never an address, neither of mail nor of network.

use accounts::Attempt;
use domain::{email::Email, error::Error, id::UserId};
use http_api::{App, ClientAddress};
use telemetry::names;

/// Something that happened to an account, or did not.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SecurityEvent {
    SignInSucceeded,
    SignInFailed,
    PasswordChanged,
    PasswordReset,
    EmailVerified,
    /// A link was asked for that moves the account to another address.
    EmailChangeAsked,
    EmailChanged,
    /// The account is back at an address that it left.
    EmailChangeUndone,
    AccountErased,
    RegistrationRefused,
    Registered,
    /// A wrong password that was to prove something else than who signs in.
    PasswordFailed,
    /// An attempt that has to wait, after too many that were wrong.
    AttemptRefused,
}

impl SecurityEvent {
    /// Tells of it.
    pub(crate) fn tell(self, user: Option<UserId>) {
        let (name, metric) = match self {
            Self::SignInSucceeded => ("sign_in_succeeded", Some(names::SIGN_INS_SUCCEEDED)),
            Self::SignInFailed => ("sign_in_failed", Some(names::SIGN_INS_FAILED)),
            Self::PasswordChanged => ("password_changed", Some(names::PASSWORDS_CHANGED)),
            Self::PasswordReset => ("password_reset", Some(names::PASSWORDS_CHANGED)),
            Self::EmailVerified => ("email_verified", None),
            Self::EmailChangeAsked => ("email_change_asked", None),
            Self::EmailChanged => ("email_changed", None),
            // It gets nobody's password.
            Self::EmailChangeUndone => ("email_change_undone", Some(names::PASSWORDS_CHANGED)),
            Self::AccountErased => ("account_erased", Some(names::ACCOUNTS_ERASED)),
            Self::RegistrationRefused => ("registration_refused", Some(names::REGISTRATIONS_LIMITED)),
            Self::Registered => ("registered", None),
            // `accounts` counts these.
            Self::PasswordFailed => ("password_failed", None),
            Self::AttemptRefused => ("attempt_refused", None),
        };
        tracing::info!(security_event = name, user_id = user.map(tracing::field::display), "security event");
        if let Some(metric) = metric {
            metrics::counter!(metric).increment(1);
        }
    }
}

/// Asks to try the password of an account; tells of it where that is refused.
pub(crate) async fn try_password<'a>(
    app: &'a App,
    email: &Email,
    from: ClientAddress,
    user: Option<UserId>,
) -> Result<Attempt<'a>, Error> {
    accounts::try_password(&app.accounts, email, from).await.inspect_err(|error| tell_if_refused(error, user))
}

/// Tells of an attempt that has to wait.
pub(crate) fn tell_if_refused(error: &Error, user: Option<UserId>) {
    if let Error::TooManyAttempts { .. } = error {
        SecurityEvent::AttemptRefused.tell(user);
    }
}
