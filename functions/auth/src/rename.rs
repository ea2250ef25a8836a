//! PATCH /me

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::{error::Error, user::User};
use http_api::{
    App, Caller, MergePatch, Problem,
    openapi::{BodyProblems, CallerProblems, StoreProblems},
};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::{
    account::{account, name_complaint},
    me::Me,
};

/// What is to change about the account. What is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountPatch {
    /// How the person wants to be called; null for no name.
    #[schema(value_type = Option<String>, example = "Ada", max_length = 100)]
    #[serde(default, deserialize_with = "given")]
    name: Option<Option<String>>,
}

/// What is there, null among it.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
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
    if let Some(complaint) = name_complaint(name) {
        return Err(Error::Invalid(vec![complaint]));
    }
    let at_token = app.store.rename_user(&caller.email, caller.user_id, name).await?;
    if at_token.is_some() {
        return Ok(at_token);
    }
    match app.store.user_by_id(caller.user_id).await? {
        Some(user) => app.store.rename_user(&user.email, user.id, name).await,
        None => Ok(None),
    }
}
