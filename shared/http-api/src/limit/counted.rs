//! How the requests of a route are counted.

use std::time::Duration;

use axum::http::Method;
use settings::RateLimits;

/// How the requests of a route are counted; declared where the route is, by [`routes!`](crate::routes!).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub(super) budget: Budget,
    pub(super) waits: Waits,
    pub(super) takes_query: bool,
}

/// Mails of one kind about the account of an address: enough for somebody who does not find the first one, and no flood for a
/// stranger whose address it is.
const ACCOUNT_MAILS_PER_HOUR: u64 = 3;

/// What its requests count against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Budget {
    Reads,
    Writes,
    Finishes,
    Auth,
    Registrations,
    AccountMails,
}

/// Who waits until a request is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// Nobody: it is answered meanwhile.
    Answer,
    /// The handler is not called before.
    Call,
    /// The handler waits itself, by its [`Permit`](super::Permit), while it does what it can take back.
    Handler,
    /// The same, and it is called for who is known to be refused, too: to show again what was typed.
    Form,
}

impl Counted {
    /// Reads, answered while they are counted.
    pub const READ: Self = Self { budget: Budget::Reads, waits: Waits::Answer, takes_query: false };
    /// Writes, counted first.
    pub const WRITE: Self = Self { budget: Budget::Writes, waits: Waits::Call, takes_query: false };
    /// Writes that end what was begun, as a confirm does: who tried to book ten times can still confirm.
    pub const FINISH: Self = Self { budget: Budget::Finishes, waits: Waits::Call, takes_query: false };
    /// Signing in, counted by address always.
    pub const SIGN_IN: Self = Self { budget: Budget::Auth, waits: Waits::Call, takes_query: false };

    /// The handler takes a [`Permit`](super::Permit) and waits for it, so that counting costs no round trip.
    pub const fn by_handler(self) -> Self {
        Self { waits: Waits::Handler, ..self }
    }

    /// The same, of a form that is long to fill in: the handler shows it again to who is refused.
    pub const fn by_form(self) -> Self {
        Self { waits: Waits::Form, ..self }
    }

    /// The handler reads the query; elsewhere nothing in it is known.
    #[must_use]
    pub const fn with_query(self, takes_query: bool) -> Self {
        Self { takes_query, ..self }
    }

    /// What a route has that declares nothing.
    pub fn by_method(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD | Method::OPTIONS => Self::READ,
            _ => Self::WRITE,
        }
    }
}

impl Budget {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Finishes => "finishes",
            Self::Auth => "auth",
            Self::Registrations => "registrations",
            Self::AccountMails => "account_mails",
        }
    }

    /// What the limit is for.
    pub(super) fn window(self) -> Duration {
        match self {
            Self::Registrations | Self::AccountMails => Duration::from_secs(60 * 60),
            _ => Duration::from_secs(60),
        }
    }

    /// Requests in a window; 0 for no limit.
    pub(super) fn allowed(self, limits: &RateLimits) -> u64 {
        match self {
            Self::Reads => limits.reads_per_minute,
            Self::Writes | Self::Finishes => limits.writes_per_minute,
            Self::Auth => limits.auth_per_minute,
            Self::Registrations => limits.registrations_per_hour,
            Self::AccountMails => ACCOUNT_MAILS_PER_HOUR,
        }
    }
}
