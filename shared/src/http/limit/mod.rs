//! Rate limits: so many requests a minute, for each client and kind of request.
//!
//! A client is the signed-in user; of requests without a valid token, the address that API Gateway saw. Signing in is
//! counted by address always, and more strictly. The count is a sliding window in Redis (`limit.lua`): unlike a fixed
//! window or a leaky bucket it never lets through more than the limit within any minute, however many come at once.
//! API Gateway's own throttling stands before all this, for the whole API.
//!
//! A read is answered while it is counted, *book* holds the seats while it is counted and gives them back if it was
//! one too many, and *confirm* begins, which it takes back as well: counting costs them no round trip. All other writes are
//! counted first. Confirm, release and cancel have a budget of their own, as large as that of the other writes. A process remembers who was
//! refused, and neither asks Redis again nor begins anything until that client may have one more.
//!
//! Beside the count it is found out whether a change of the password has ended the token
//! ([`crate::accounts::has_ended`]).
//!
//! Without Redis reads are free, and each process counts writes and sign-ins by itself.

mod memory;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::OnceCell;

use self::memory::Memory;
use super::{caller::bearer_claims, client_address::ClientAddress, problem::Problem, token::AccessClaims};
use crate::{App, Error, accounts, redis::scripts::Allowance, telemetry::names};

const WINDOW: Duration = Duration::from_secs(60);
/// Routes that count as signing in.
const AUTH_PATHS: &[&str] = &["/register", "/login", "/password"];
/// Routes whose writes end what was begun: who tried to book ten times can still confirm.
const FINISHING_PATHS: &[&str] =
    &["/reservations/{id}", "/reservations/{id}/confirm", "/bookings/{id}/cancel"];
/// Writes whose handlers take a [`Permit`] and wait for it themselves, while they do what can be undone.
const PERMITTED_BY_HANDLER: &[&str] =
    &["/events/{id}/book", "/reservations/{id}/confirm", "/bookings/{id}/cancel"];

static RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
static RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What a process remembers of its clients.
#[derive(Debug, Default)]
pub struct Limits {
    memory: Memory,
}

/// A kind of request, each with a limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Reads,
    Writes,
    /// Confirm, release, cancel.
    Finishes,
    Auth,
}

impl Kind {
    fn of(request: &Request) -> Self {
        let is_of = |paths: &[&str]| path_of(request).is_some_and(|path| paths.contains(&path));
        match *request.method() {
            Method::GET | Method::HEAD | Method::OPTIONS => Self::Reads,
            _ if is_of(AUTH_PATHS) => Self::Auth,
            _ if is_of(FINISHING_PATHS) => Self::Finishes,
            _ => Self::Writes,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Finishes => "finishes",
            Self::Auth => "auth",
        }
    }

    /// Requests a minute; 0 for no limit.
    fn allowed(self, app: &App) -> u64 {
        let limits = &app.config.rate_limits;
        match self {
            Self::Reads => limits.reads_per_minute,
            Self::Writes | Self::Finishes => limits.writes_per_minute,
            Self::Auth => limits.auth_per_minute,
        }
    }
}

fn path_of(request: &Request) -> Option<&str> {
    request.extensions().get::<MatchedPath>().map(MatchedPath::as_str)
}

/// Whether a request may be had: found out once, when somebody first asks.
#[derive(Clone, Debug)]
pub struct Permit(Arc<Asked>);

#[derive(Debug)]
struct Asked {
    app: Arc<App>,
    kind: Kind,
    client: String,
    claims: Option<AccessClaims>,
    /// Whether the handler asked who is calling; otherwise an ended token does not matter.
    needs_token: AtomicBool,
    answer: OnceCell<Answer>,
}

#[derive(Debug)]
struct Answer {
    /// `None` without a limit, or without Redis for a read.
    allowance: Option<Allowance>,
    has_ended: bool,
}

impl Permit {
    /// Waits until it is known whether the client may have this request.
    ///
    /// # Errors
    /// `RateLimited`, if it had too many; `TokenEnded`, if it needs a token, and its user has changed the password since.
    pub async fn granted(&self) -> Result<(), Error> {
        match self.answer().await {
            Answer { allowance: Some(Allowance { is_allowed: false, more_in, .. }), .. } => {
                Err(Error::RateLimited { retry_after: *more_in })
            }
            Answer { has_ended: true, .. } if self.0.needs_token.load(Ordering::Relaxed) => {
                Err(Error::TokenEnded)
            }
            _ => Ok(()),
        }
    }

    /// What the request's token says, if it has one that is good.
    pub(super) fn claims(&self) -> Option<&AccessClaims> {
        self.0.claims.as_ref()
    }

    /// The handler wants to know who is calling. Where the answer is there already, an ended token is refused here;
    /// elsewhere by whoever waits for the answer.
    pub(super) fn need_token(&self) -> Result<(), Error> {
        self.0.needs_token.store(true, Ordering::Relaxed);
        match self.0.answer.get() {
            Some(Answer { has_ended: true, .. }) => Err(Error::TokenEnded),
            _ => Ok(()),
        }
    }

    /// Whether the token has ended before its time, for a handler that does not refuse it for that.
    pub(super) async fn has_ended(&self) -> bool {
        self.answer().await.has_ended
    }

    async fn answer(&self) -> &Answer {
        self.0.answer.get_or_init(|| self.0.ask()).await
    }
}

impl Asked {
    async fn ask(&self) -> Answer {
        let (allowance, has_ended) = tokio::join!(self.count(), self.has_ended());
        Answer { allowance, has_ended }
    }

    /// Whether this process refused the client a moment ago: then nothing is begun for it.
    fn is_refused(&self) -> bool {
        let limits = &self.app.limits;
        self.kind.allowed(&self.app) > 0 && limits.memory.refused_for(self.kind, &self.client).is_some()
    }

    async fn has_ended(&self) -> bool {
        match &self.claims {
            Some(claims) => accounts::has_ended(&self.app, claims.sub, claims.password_version).await,
            None => false,
        }
    }

    async fn count(&self) -> Option<Allowance> {
        let (memory, allowed) = (&self.app.limits.memory, self.kind.allowed(&self.app));
        if allowed == 0 {
            return None;
        }
        if let Some(more_in) = memory.refused_for(self.kind, &self.client) {
            return Some(Allowance { is_allowed: false, left: 0, more_in });
        }
        match self.app.redis.limit(self.kind.name(), &self.client, allowed, WINDOW).await {
            Ok(allowance) => {
                if !allowance.is_allowed {
                    memory.refuse(self.kind, &self.client, Instant::now() + allowance.more_in);
                }
                Some(allowance)
            }
            Err(error) => {
                tracing::warn!(%error, "requests are counted in this process");
                (self.kind != Kind::Reads).then(|| memory.count(self.kind, &self.client, allowed, WINDOW))
            }
        }
    }
}

impl FromRequestParts<Arc<App>> for Permit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        let permit = parts.extensions.get::<Self>().cloned();
        permit.ok_or_else(|| Error::Internal("a route without rate limits".into()).into())
    }
}

/// Counts each request, refuses what is too much, and tells clients what they have left.
pub(super) async fn limit(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let kind = Kind::of(&request);
    let allowed = kind.allowed(&app);
    let claims = bearer_claims(request.headers().get(header::AUTHORIZATION), &app).ok();
    let client = client(kind, claims.as_ref(), &request);
    let needs_token = AtomicBool::new(false);
    let permit = Permit(Arc::new(Asked { kind, client, claims, needs_token, answer: OnceCell::new(), app }));
    let is_by_handler = path_of(&request).is_some_and(|path| PERMITTED_BY_HANDLER.contains(&path));
    request.extensions_mut().insert(permit.clone());
    let mut response = if permit.0.is_refused() || (kind != Kind::Reads && !is_by_handler) {
        match permit.granted().await {
            Ok(()) => next.run(request).await,
            Err(error) => refuse(error),
        }
    } else if is_by_handler {
        next.run(request).await
    } else {
        let (response, _) = tokio::join!(next.run(request), permit.answer());
        permit.granted().await.map_or_else(refuse, |()| response)
    };
    if allowed > 0 {
        let name = kind.name();
        let mut set = |header: &HeaderName, value: String| {
            HeaderValue::try_from(value).map(|value| response.headers_mut().insert(header, value))
        };
        let policy = set(&RATE_LIMIT_POLICY, format!("\"{name}\";q={allowed};w={}", WINDOW.as_secs()));
        let left = match permit.answer().await.allowance {
            Some(Allowance { left, more_in, .. }) => {
                set(&RATE_LIMIT, format!("\"{name}\";r={left};t={}", whole_seconds(more_in)))
            }
            None => Ok(None),
        };
        if let Err(error) = policy.and(left) {
            tracing::error!(%error, "no header can say what is left");
        }
    }
    response
}

fn refuse(error: Error) -> Response {
    if matches!(error, Error::RateLimited { .. }) {
        metrics::counter!(names::REQUESTS_LIMITED).increment(1);
    }
    Problem::from(error).into_response()
}

/// Whose request it is.
fn client(kind: Kind, claims: Option<&AccessClaims>, request: &Request) -> String {
    match claims {
        Some(claims) if kind != Kind::Auth => claims.sub.to_string(),
        _ => ClientAddress::of(request.extensions()).to_string(),
    }
}

/// At least so many seconds.
pub(super) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}
