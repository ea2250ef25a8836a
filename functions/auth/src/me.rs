//! GET /me

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::{time::from_ms, user::User};
use http_api::{
    App, Caller, Problem,
    openapi::{CallerProblems, StoreProblems},
};
use serde::Serialize;
use sign_in::account;
use utoipa::ToSchema;

use crate::UserView;

/// The caller's account, as it is answered.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    /// The account.
    user: UserView,
}

impl Me {
    /// What an account may do is what its token says: only the admin of the settings is an admin, whatever was kept.
    pub(crate) fn new(user: User, caller: &Caller) -> Self {
        Self { user: User { role: caller.role, ..user }.into() }
    }

    /// The token alone tells who it is: there is no account.
    fn of_token(caller: &Caller) -> Self {
        Self {
            user: UserView {
                id: caller.user_id.to_string(),
                email: caller.email.to_string(),
                name: None,
                email_verified: caller.is_email_verified,
                role: caller.role,
                created_at: from_ms(caller.user_id.made_at_ms()),
            },
        }
    }
}

/// One's own account. A good token without an account, as for seconds after it was erased, is answered by what it says itself.
#[utoipa::path(
    get, path = "/me", operation_id = "get_me", tag = "Accounts", security(("bearer" = [])),
    responses(
        (status = 200, description = "The account.", body = Me),
        CallerProblems, StoreProblems,
    ),
)]
pub(crate) async fn show_me(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Me>, Problem> {
    Ok(Json(match account(&app, &caller).await? {
        Some(user) => Me::new(user, &caller),
        None => Me::of_token(&caller),
    }))
}
