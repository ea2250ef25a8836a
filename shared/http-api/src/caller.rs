//! Who is calling: authorisation as an argument. A handler that takes a [`Caller`] is for signed-in users, one
//! that takes an [`Admin`] for admins.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{app::App, code::Code, limit::Permit, problem::Problem, request_id::RequestId};
use accounts::tokens::AccessClaims;
use domain::{audit::Actor, email::Email, error::Error, id::UserId, user::Role};

/// A signed-in user.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose request it is.
    pub user_id: UserId,
    /// The address that they signed in with.
    pub email: Email,
    /// What they may do.
    pub role: Role,
    /// Whether they had proved to get mail at the address when they signed in.
    pub is_email_verified: bool,
}

/// Somebody who signed in, and may have changed the password since or erased the account, which ends the token: for the
/// handlers that end the token of their own request, so that they can answer the same request again. They must not take such a
/// token for more.
#[derive(Clone, Debug)]
pub struct FormerCaller {
    /// Whose request it is.
    pub caller: Caller,
    /// Whether the token has ended before its time.
    pub has_ended: bool,
}

/// A signed-in admin: of the address that the settings have. Where they have none, nobody is.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Whose request it is.
    pub user_id: UserId,
    /// The request's id.
    request_id: Option<String>,
}

impl From<Admin> for Actor {
    fn from(Admin { user_id, request_id }: Admin) -> Self {
        Self { admin_id: user_id, request_id }
    }
}

impl Caller {
    /// Where the settings ask for it, whoever buys must get mail at their address. Whether they do is asked once more of those
    /// whose token says no.
    ///
    /// # Errors
    /// `EmailNotVerified`, or as the store has it.
    pub async fn must_get_mail(&self, app: &App) -> Result<(), Error> {
        let is_asked_for = app.config.require_verified_email && self.role != Role::Admin;
        if !is_asked_for || self.is_email_verified {
            return Ok(());
        }
        match app.store.is_email_verified(&self.email, self.user_id).await? {
            true => Ok(()),
            false => Err(Error::EmailNotVerified),
        }
    }
}

impl From<AccessClaims> for Caller {
    fn from(claims: AccessClaims) -> Self {
        Self {
            user_id: claims.sub,
            email: claims.email,
            role: claims.role,
            is_email_verified: claims.email_verified,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        claims(parts).map(Self::from)
    }
}

impl<S: Sync> FromRequestParts<S> for FormerCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let permit = Permit::of(parts)?;
        let claims = permit.claims(&parts.headers)?;
        let has_ended = permit.has_ended().await;
        Ok(Self { caller: claims.into(), has_ended })
    }
}

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let claims = claims(parts)?;
        match claims.role {
            Role::Admin if Permit::of(parts)?.admin_email().is_none() => Err(Error::TokenEnded.into()),
            Role::Admin => {
                let request_id = parts.extensions.get::<RequestId>().map(ToString::to_string);
                Ok(Self { user_id: claims.sub, request_id })
            }
            Role::User => Err(forbidden()),
        }
    }
}

pub(super) fn forbidden() -> Problem {
    Problem::new(Code::Forbidden)
}

/// What the request's token says. The table of users is not asked; whether the token was ended early is found out beside
/// the rate limit (`limit`), which has verified the token already.
fn claims(parts: &Parts) -> Result<AccessClaims, Problem> {
    let permit = Permit::of(parts)?;
    let claims = permit.claims(&parts.headers)?;
    permit.need_token()?;
    Ok(claims)
}
