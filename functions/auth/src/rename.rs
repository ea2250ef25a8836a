//! PATCH /me

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::error::Error;
use http_api::{
    App, Caller, MergePatch, Problem,
    openapi::{BodyProblems, CallerProblems, StoreProblems},
};
use sign_in::{AccountPatch, account, rename};

use crate::me::Me;

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
