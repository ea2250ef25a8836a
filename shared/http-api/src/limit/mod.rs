//! Rate limits: so many requests a minute, for each client and kind of request.
//!
//! A client is the signed-in user; of requests without a valid token, the address that API Gateway saw. Signing in is
//! counted by address always, and more strictly; that of an IPv6 address by its wider network, too, in the same round trip.
//! Redis learns no address: fingerprints stand for them. The count is a sliding window in Redis (`limit.lua`): unlike a fixed
//! window or a leaky bucket it never lets through more than the limit within any minute, however many come at once.
//! API Gateway's own throttling stands before all this, for the whole API.
//!
//! A read is answered while it is counted, *book* holds the seats while it is counted and gives them back if it was
//! one too many, and *confirm* begins, which it takes back as well: counting costs them no round trip. All other writes are
//! counted first. Confirm, release and cancel have a budget of their own, as large as that of the other writes. A process remembers who was
//! refused, and neither asks Redis again nor begins anything until that client may have one more.
//!
//! Beside the count it is found out whether a change of the password has ended the token
//! ([`accounts::EndedTokens`]).
//!
//! Without Redis reads are free, and each process counts writes and sign-ins by itself.
//!
//! Accounts that a network may have made are counted in the same way, for longer, and by the handler (`registrations.rs`).

mod account_mails;
mod counted;
pub(crate) mod memory;
mod registrations;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::OnceCell;

use self::counted::{Budget, Waits};
pub use self::{counted::Counted, registrations::CountedRegistration};
use super::{
    bearer::bearer_claims,
    client_address::ClientAddress,
    front::Front,
    problem::{Problem, whole_seconds},
    query::none_taken,
};
use accounts::tokens::AccessClaims;
use domain::{email::Email, error::Error, user::Role};
use stores::redis::scripts::{Allowance, LimitOf};
use telemetry::names;

static RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
static RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Whether a request may be had: found out once, when somebody first asks.
#[derive(Clone, Debug)]
pub struct Permit(Arc<Asked>);

#[derive(Debug)]
struct Asked {
    front: Arc<Front>,
    budget: Budget,
    client: LimitOf,
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
    /// Whether it can't be told, for a reason that is ours.
    is_defect: bool,
}

impl Permit {
    /// Waits until it is known whether the client may have this request.
    ///
    /// # Errors
    /// `RateLimited`, if it had too many; `TokenEnded`, if it needs a token, and its user has changed the password since.
    pub async fn granted(&self) -> Result<(), Error> {
        match self.answer().await {
            Answer { is_defect: true, .. } => Err(Error::Internal("requests can't be counted".into())),
            Answer { allowance: Some(Allowance { is_allowed: false, more_in, .. }), .. } => {
                Err(Error::RateLimited { retry_after: *more_in })
            }
            Answer { has_ended: true, .. } if self.0.needs_token.load(Ordering::Relaxed) => {
                Err(Error::TokenEnded)
            }
            _ => Ok(()),
        }
    }

    /// The permit of a request.
    pub(super) fn of(parts: &Parts) -> Result<&Self, Problem> {
        let permit = parts.extensions.get::<Self>();
        permit.ok_or_else(|| Error::Internal("a route that nobody counts".into()).into())
    }

    /// What the request's token says, or what is wrong with it.
    pub(super) fn claims(&self, headers: &HeaderMap) -> Result<AccessClaims, Problem> {
        let claims = match &self.0.claims {
            Some(claims) => claims.clone(),
            None => bearer_claims(headers, &self.0.front.tokens)?,
        };
        // Of an admin of older settings; or of somebody who registered the address before it became the admin's.
        let is_admin = claims.role == Role::Admin;
        if self.admin_email().is_some_and(|email| is_admin != (claims.email == *email)) {
            return Err(Error::TokenEnded.into());
        }
        Ok(claims)
    }

    /// The admin's address, where the settings have one.
    pub(super) fn admin_email(&self) -> Option<&Email> {
        self.0.front.config.admin.as_ref().map(|admin| &admin.email)
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
        let (counted, has_ended) = tokio::join!(self.count(), self.has_ended());
        let is_defect = counted.is_err();
        Answer { allowance: counted.unwrap_or_default(), has_ended, is_defect }
    }

    /// Whether this process refused the client a moment ago: then nothing is begun for it.
    fn is_refused(&self) -> bool {
        let clients = &self.front.clients;
        self.budget.allowed(&self.front.config.rate_limits) > 0
            && clients.refused_for(self.budget, &self.client).is_some()
    }

    async fn has_ended(&self) -> bool {
        match &self.claims {
            Some(claims) => self.front.ended_tokens.has_ended(claims.sub, claims.password_version).await,
            None => false,
        }
    }

    async fn count(&self) -> Result<Option<Allowance>, Error> {
        let memory = &self.front.clients;
        if self.budget.allowed(&self.front.config.rate_limits) == 0 {
            return Ok(None);
        }
        if let Some(more_in) = memory.refused_for(self.budget, &self.client) {
            return Ok(Some(Allowance { is_allowed: false, left: 0, more_in }));
        }
        let counted = count(&self.front, self.budget, &self.client).await?;
        if let Some(Allowance { is_allowed: false, more_in, .. }) = counted {
            memory.refuse(self.budget, &self.client, Instant::now() + more_in);
        }
        Ok(counted)
    }
}

/// Counts a request, or something else that a client may do so often. `None` without a limit, or without Redis for a read.
async fn count(front: &Front, budget: Budget, of: &LimitOf) -> Result<Option<Allowance>, Error> {
    let (allowed, window) = (budget.allowed(&front.config.rate_limits), budget.window());
    if allowed == 0 {
        return Ok(None);
    }
    let by_process = || (budget != Budget::Reads).then(|| front.clients.count(budget, of, allowed, window));
    let Some(redis) = &front.redis else { return Ok(by_process()) };
    match redis.limit(budget.name(), of, allowed, window).await {
        Ok(allowance) => Ok(Some(allowance)),
        Err(error) if error.is_without_redis() => {
            tracing::warn!(%error, "requests are counted in this process");
            Ok(by_process())
        }
        Err(error) => {
            tracing::error!(%error, "requests can't be counted");
            Err(error)
        }
    }
}

/// A network, as it is counted.
fn network(front: &Front, address: ClientAddress) -> LimitOf {
    let fingerprint = |text: &str| front.tokens.fingerprint("network", text);
    LimitOf { client: fingerprint(&address.to_string()), wide: address.wide().as_deref().map(fingerprint) }
}

impl<S: Sync> FromRequestParts<S> for Permit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(parts).cloned()
    }
}

/// Counts each request of a route, refuses what is too much, and tells clients what they have left.
#[doc(hidden)]
pub async fn limit(State(counted): State<Counted>, request: Request, next: Next) -> Response {
    let Some(front) = request.extensions().get::<Arc<Front>>().cloned() else {
        return Problem::from(Error::Internal("a route without its front".into())).into_response();
    };
    count_and_answer(front, counted, request, next).await
}

/// The same where there is no such route, or no such method.
pub(crate) async fn limit_unknown(request: Request, next: Next) -> Response {
    let counted = Counted::by_method(request.method()).with_query(true);
    limit(State(counted), request, next).await
}

async fn count_and_answer(
    front: Arc<Front>,
    Counted { budget, waits, takes_query }: Counted,
    mut request: Request,
    next: Next,
) -> Response {
    let allowed = budget.allowed(&front.config.rate_limits);
    let claims = bearer_claims(request.headers(), &front.tokens).ok();
    let client = client(&front, budget, claims.as_ref(), &request);
    let needs_token = AtomicBool::new(false);
    let permit =
        Permit(Arc::new(Asked { budget, client, claims, needs_token, answer: OnceCell::new(), front }));
    request.extensions_mut().insert(permit.clone());
    let waits = if permit.0.is_refused() && waits != Waits::Form { Waits::Call } else { waits };
    let query = if takes_query { Ok(()) } else { none_taken(request.uri()) };
    let run = async || match query {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let mut response = match waits {
        Waits::Call => match permit.granted().await {
            Ok(()) => run().await,
            Err(error) => refuse(error),
        },
        Waits::Handler | Waits::Form => run().await,
        Waits::Answer => {
            let (response, _) = tokio::join!(run(), permit.answer());
            permit.granted().await.map_or_else(refuse, |()| response)
        }
    };
    if allowed > 0 {
        let name = budget.name();
        let mut set = |header: &HeaderName, value: String| {
            HeaderValue::try_from(value).map(|value| response.headers_mut().insert(header, value))
        };
        let policy =
            set(&RATE_LIMIT_POLICY, format!("\"{name}\";q={allowed};w={}", budget.window().as_secs()));
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
fn client(front: &Front, budget: Budget, claims: Option<&AccessClaims>, request: &Request) -> LimitOf {
    let network = || network(front, ClientAddress::of(request.extensions()));
    match claims {
        _ if budget == Budget::Auth => network(),
        Some(claims) => LimitOf { client: claims.sub.to_string(), wide: None },
        None => LimitOf { wide: None, ..network() },
    }
}
