//! What whoever watches over accounts wants to know: a line of the log, with the field `security_event`, and a metric. It tells
//! the account's id where that is known, and never an address, neither of mail nor of network.

use domain::id::UserId;
use telemetry::names;

/// Something that happened to an account, or did not.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SecurityEvent {
    SignInSucceeded,
    SignInFailed,
    PasswordChanged,
    AccountErased,
    RegistrationRefused,
}

impl SecurityEvent {
    /// Tells of it.
    pub(crate) fn tell(self, user: Option<UserId>) {
        let (name, metric) = match self {
            Self::SignInSucceeded => ("sign_in_succeeded", names::SIGN_INS_SUCCEEDED),
            Self::SignInFailed => ("sign_in_failed", names::SIGN_INS_FAILED),
            Self::PasswordChanged => ("password_changed", names::PASSWORDS_CHANGED),
            Self::AccountErased => ("account_erased", names::ACCOUNTS_ERASED),
            Self::RegistrationRefused => ("registration_refused", names::REGISTRATIONS_LIMITED),
        };
        tracing::info!(security_event = name, user_id = user.map(tracing::field::display), "security event");
        metrics::counter!(metric).increment(1);
    }
}
