//! `/shop/account`: one's own account, its name, its password, and its end.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use domain::{error::Error, field_error::FieldError, time::from_ms, user::User};
use http_api::{App, Caller, ClientAddress, FormerCaller, Problem};
use jiff::Timestamp;
use maud::{Markup, html};
use sign_in::{AccountPatch, Erasure, PasswordChange};

use super::{
    address,
    sign_in::{PASSWORD, refused},
};
use crate::frame::{
    form::{Button, Form, Typed},
    parts::{Field, button, facts, form_error, hidden},
    visitor::Visitor,
    words::time,
};

pub(crate) const PATH: &str = "/shop/account";
pub(crate) const NAME_PATH: &str = "/shop/account/name";
pub(crate) const PASSWORD_PATH: &str = "/shop/account/password";
pub(crate) const VERIFY_PATH: &str = "/shop/account/verify";
pub(crate) const ERASE_PATH: &str = "/shop/account/erase";

const NAME: Field = Field::new("name", "Name", "text").filled_with("name").optional();
const CURRENT_PASSWORD: Field =
    Field::new("current_password", "Current password", "password").filled_with("current-password");
const NEW_PASSWORD: Field = Field::new("new_password", "New password", "password")
    .filled_with("new-password")
    .hint("At least 8 characters. Then you sign in anew.");

/// What is wrong with one of the forms.
#[derive(Debug, Default)]
struct Wrong {
    errors: Vec<FieldError>,
    text: Option<String>,
    /// Whether it is the form that erases the account, which is folded away otherwise.
    is_of_erasure: bool,
}

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    caller: Caller,
) -> Result<Response, Problem> {
    page(&app, visitor, &caller, StatusCode::OK, &Wrong::default()).await
}

async fn page(
    app: &App,
    visitor: Visitor,
    caller: &Caller,
    status: StatusCode,
    wrong: &Wrong,
) -> Result<Response, Problem> {
    let user = sign_in::account(app, caller).await?;
    let is_verified = user.as_ref().is_some_and(|user| user.email_verified_at.is_some());
    let main = html! {
        h1 { "My account" }
        (form_error(wrong.text.as_deref()))
        (facts([
            ("Email", html! { (caller.email.to_string()) @if is_verified { ", verified" } }),
            ("Since", time(user.as_ref().map_or(from_ms(caller.user_id.made_at_ms()), |user| user.created_at))),
        ]))
        @if let Some(user) = &user {
            @if !is_verified && app.config.sends_mail {
                form.account method="post" action=(VERIFY_PATH) {
                    p { "A mail to this address has a link that verifies it." }
                    (button(&visitor.glimpse, "Send it again", "quiet"))
                }
            }
            @if app.config.sends_mail { p { a href=(address::PATH) { "Move my account to another address" } } }
            (forms(&visitor, user, wrong))
        }
    };
    Ok(visitor.page_with(status, "My account", main))
}

fn forms(visitor: &Visitor, user: &User, wrong: &Wrong) -> Markup {
    let named = Typed::of("name", user.name.as_deref().unwrap_or_default());
    html! {
        section aria-labelledby="called" {
            h2 #called { "Your name" }
            form.account method="post" action=(NAME_PATH) {
                (hidden(&visitor.glimpse, None)) (NAME.show(&named, &wrong.errors)) button { "Save the name" }
            }
        }
        section aria-labelledby="changing" {
            h2 #changing { "Change your password" }
            form.account method="post" action=(PASSWORD_PATH) {
                (hidden(&visitor.glimpse, None))
                // Not sent: it tells browsers whose password they are to keep.
                input type="text" autocomplete="username" value=[&visitor.glimpse.email] hidden readonly;
                (CURRENT_PASSWORD.show(&Typed::default(), &wrong.errors))
                (NEW_PASSWORD.show(&Typed::default(), &wrong.errors))
                button { "Change the password" }
            }
        }
        details open[wrong.is_of_erasure] {
            summary { "Erase my account" }
            p { "Your name and address are erased for good. Bookings of events that are over stay, without a name." }
            form.account method="post" action=(ERASE_PATH) {
                (hidden(&visitor.glimpse, None))
                (PASSWORD.show(&Typed::default(), &wrong.errors))
                button.danger { "Erase my account" }
            }
        }
    }
}

pub(crate) async fn resend_verification(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    caller: Caller,
    _: Form<Button>,
) -> Result<Response, Problem> {
    match sign_in::resend_verification(&app, &caller, Timestamp::now()).await {
        Ok(()) => Ok(visitor.go_saying(PATH, "The mail is on its way.")),
        Err(Error::RateLimited { .. }) => {
            Ok(visitor.go_refused(PATH, "You had three such mails within an hour. Look for them among spam, or set another password by mail, which verifies it, too."))
        }
        Err(error) => Err(error.into()),
    }
}

/// A form without a name takes it away.
pub(crate) async fn rename(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    caller: Caller,
    form: Form<AccountPatch>,
) -> Result<Response, Problem> {
    let name = match form.read {
        Ok(patch) => patch.name.flatten(),
        Err(errors) => {
            let wrong = Wrong { errors, ..Wrong::default() };
            return page(&app, visitor, &caller, StatusCode::UNPROCESSABLE_ENTITY, &wrong).await;
        }
    };
    sign_in::rename(&app, &caller, name.as_deref()).await?;
    Ok(visitor.go_saying(PATH, "Your name is saved."))
}

pub(crate) async fn change_password(
    State(app): State<Arc<App>>,
    mut visitor: Visitor,
    former: FormerCaller,
    from: ClientAddress,
    form: Form<PasswordChange>,
) -> Result<Response, Problem> {
    let caller = former.caller.clone();
    let change = match form.read {
        Ok(change) => change,
        Err(errors) => {
            let wrong = Wrong { errors, ..Wrong::default() };
            return page(&app, visitor, &caller, StatusCode::UNPROCESSABLE_ENTITY, &wrong).await;
        }
    };
    match sign_in::change_password(&app, former, change, from).await {
        Ok(()) => {
            visitor.sign_out();
            Ok(visitor.go_saying(super::sign_in::PATH, "Your password is changed. Sign in with the new one."))
        }
        Err(Error::Invalid(errors)) => {
            let wrong = Wrong { errors, ..Wrong::default() };
            page(&app, visitor, &caller, StatusCode::UNPROCESSABLE_ENTITY, &wrong).await
        }
        Err(error) => {
            let (status, text) = refused_here(error)?;
            page(&app, visitor, &caller, status, &Wrong { text: Some(text), ..Wrong::default() }).await
        }
    }
}

pub(crate) async fn erase(
    State(app): State<Arc<App>>,
    mut visitor: Visitor,
    former: FormerCaller,
    from: ClientAddress,
    form: Form<Erasure>,
) -> Result<Response, Problem> {
    let caller = former.caller.clone();
    let erasure = match form.read {
        Ok(erasure) => erasure,
        Err(errors) => {
            let wrong = Wrong { errors, text: None, is_of_erasure: true };
            return page(&app, visitor, &caller, StatusCode::UNPROCESSABLE_ENTITY, &wrong).await;
        }
    };
    match sign_in::erase(&app, former, erasure, from).await {
        Ok(()) => {
            visitor.sign_out();
            Ok(visitor.go_saying("/", "Your account is erased."))
        }
        Err(error) => {
            let (status, text) = refused_here(error)?;
            let wrong = Wrong { text: Some(text), is_of_erasure: true, ..Wrong::default() };
            page(&app, visitor, &caller, status, &wrong).await
        }
    }
}

/// Nobody says here which address is theirs.
pub(super) fn refused_here(error: Error) -> Result<(StatusCode, String), Problem> {
    match error {
        Error::InvalidCredentials => Ok((
            StatusCode::UNPROCESSABLE_ENTITY,
            "The password is wrong. Check it, and try again.".to_owned(),
        )),
        error => refused(error),
    }
}
