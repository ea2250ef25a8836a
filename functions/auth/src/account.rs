//! The caller's account, and what may be its name.

use domain::{error::Error, field_error::Wrong, text, user::User};
use http_api::{
    App, Caller,
    fields::{Value, text_of},
};

const NAME_CHARS_MAX: usize = 100;

/// The caller's account: where the token says, or else where its id leads.
pub(crate) async fn account(app: &App, caller: &Caller) -> Result<Option<User>, Error> {
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
