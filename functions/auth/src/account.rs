//! The caller's account, and what may be its name.

use domain::{error::Error, field_error::FieldError, text, user::User};
use http_api::{App, Caller};

const NAME_CHARS_MAX: usize = 100;

/// The caller's account: where the token says, or else where its id leads.
pub(crate) async fn account(app: &App, caller: &Caller) -> Result<Option<User>, Error> {
    let by_email = app.store.user_by_email(&caller.email).await?;
    match by_email.filter(|user| user.id == caller.user_id) {
        Some(user) => Ok(Some(user)),
        None => app.store.user_by_id(caller.user_id).await,
    }
}

/// What is wrong with a name.
pub(crate) fn name_complaint(name: Option<&str>) -> Option<FieldError> {
    let name = name?;
    if name.chars().count() > NAME_CHARS_MAX {
        return Some(FieldError::new("name", format!("must have at most {NAME_CHARS_MAX} characters")));
    }
    (!text::is_line(name)).then(|| FieldError::new("name", text::CONTROL_IN_LINE))
}
