//! PATCH /me

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::{error::Error, user::User};
use http_api::{
    App, Caller, MergePatch, Problem,
    fields::{Fields, Read},
    openapi::{BodyProblems, CallerProblems, StoreProblems},
};
use utoipa::ToSchema;

use crate::{
    account::{account, name},
    me::Me,
};

/// What is to change about the account. What is left out stays.
#[derive(Debug, ToSchema)]
pub(crate) struct AccountPatch {
    /// How the person wants to be called; null for no name.
    #[schema(value_type = Option<String>, example = "Ada", max_length = 100)]
    name: Option<Option<String>>,
}

impl Read for AccountPatch {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { name: fields.nullable("name", name) })
    }
}

http_api::problems! { RenameProblems:
    AccountNotFound: "the account was erased just now, or is not kept",
    UnsupportedMediaType: "no JSON merge patch",
}

/// Changes one's own account, by a JSON merge patch (RFC 7396). Other media types are refused, `application/json` among them.
///
/// Nothing makes an account but registering, and the admin's first sign-in: where there is none, there is none to change.
#[utoipa::path(
    patch, path = "/me", operation_id = "update_me", tag = "Accounts", security(("bearer" = [])),
    request_body(content = AccountPatch, content_type = "application/merge-patch+json",
     example = json!({ "name": "Ada Lovelace" })),
    responses(
        (status = 200, description = "The account as it is now.", body = Me),
        (status = 415, headers(("Accept-Patch" = String))),
        BodyProblems, CallerProblems, StoreProblems, RenameProblems,
    ),
)]
pub(crate) async fn rename_me(
    State(app): State<Arc<App>>,
    caller: Caller,
    MergePatch(patch): MergePatch<AccountPatch>,
) -> Result<Json<Me>, Problem> {
    let changed = match patch.name {
        None => account(&app, &caller).await?,
        Some(name) => rename(&app, &caller, name.as_deref()).await?,
    };
    let user = changed.ok_or(Error::AccountNotFound)?;
    Ok(Json(Me::new(user, &caller)))
}

async fn rename(app: &App, caller: &Caller, name: Option<&str>) -> Result<Option<User>, Error> {
    match account(app, caller).await? {
        Some(user) if user.name.as_deref() != name => app.store.rename_user(&user.email, user.id, name).await,
        same_or_none => Ok(same_or_none),
    }
}
