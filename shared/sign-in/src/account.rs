//! The caller's account, and its name.

use domain::{error::Error, field_error::Wrong, text, user::User};
use http_api::{
    App, Caller,
    fields::{Fields, Read, Value, text_of},
};
use utoipa::ToSchema;

const NAME_CHARS_MAX: usize = 100;

/// What is to change about the account. What is left out stays.
#[derive(Debug, ToSchema)]
pub struct AccountPatch {
    /// How the person wants to be called; null for no name.
    #[schema(value_type = Option<String>, example = "Ada", max_length = 100)]
    pub name: Option<Option<String>>,
}

impl Read for AccountPatch {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { name: fields.nullable("name", name) })
    }
}

/// The caller's account: where the token says, or else where its id leads.
///
/// # Errors
/// As the store has it.
pub async fn account(app: &App, caller: &Caller) -> Result<Option<User>, Error> {
    let by_email = app.store.user_by_email(&caller.email).await?;
    match by_email.filter(|user| user.id == caller.user_id) {
        Some(user) => Ok(Some(user)),
        None => app.store.user_by_id(caller.user_id).await,
    }
}

/// A name, which may be empty.
pub(crate) fn name(value: Value) -> Result<String, Wrong> {
    let name = text_of(0..=NAME_CHARS_MAX)(value)?;
    if !text::is_line(&name) {
        return Err(Wrong::ControlCharacters { but_lines: false });
    }
    if name.is_empty() || text::is_visible(&name) { Ok(name) } else { Err(Wrong::Invisible) }
}

/// Gives the account that name, or none; answers with the account as it is then.
///
/// # Errors
/// As the store has it.
pub async fn rename(app: &App, caller: &Caller, name: Option<&str>) -> Result<Option<User>, Error> {
    match account(app, caller).await? {
        Some(user) if user.name.as_deref() != name => app.store.rename_user(&user.email, user.id, name).await,
        same_or_none => Ok(same_or_none),
    }
}
