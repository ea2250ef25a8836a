//! POST /register

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use shared::{
    App, Error,
    domain::{
        email::Email,
        error::FieldError,
        id::UserId,
        time::to_whole_ms,
        user::{Role, User},
    },
    http::{
        JsonBody, Problem,
        openapi::{BodyProblems, ProblemBody, StoreProblems},
    },
};
use utoipa::ToSchema;

use crate::{UserView, password, policy};

const NAME_CHARS_MAX: usize = 100;

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registration {
    /// Becomes the account's key, normalised.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    email: String,
    /// 8 to 128 characters; not one of the most common passwords, nor the address.
    #[schema(value_type = String, example = "correct horse battery", min_length = 8, max_length = 128)]
    password: SecretString,
    /// How the person wants to be called.
    #[schema(example = "Ada", max_length = 100)]
    name: Option<String>,
}

/// The account that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct Registered {
    user: UserView,
}

/// Makes an account.
#[utoipa::path(
    post, path = "/register", tag = "Accounts",
    request_body = Registration,
    responses(
        (status = 201, description = "The account is made.", body = Registered),
        (status = 409, description = "`email_taken`: the address has an account.", body = ProblemBody,
         content_type = "application/problem+json"),
        BodyProblems, StoreProblems,
    ),
)]
pub(crate) async fn register(
    State(app): State<Arc<App>>,
    JsonBody(registration): JsonBody<Registration>,
) -> Result<impl IntoResponse, Problem> {
    let email = check(&registration)?;
    if app.config.admin.as_ref().is_some_and(|admin| admin.email == email) {
        return Err(Error::EmailTaken.into());
    }
    let user = User {
        email,
        id: UserId::new(),
        name: registration.name,
        role: Role::User,
        password_hash: Some(password::hash(registration.password).await?),
        password_version: 0,
        password_changed_at: None,
        created_at: to_whole_ms(Timestamp::now()),
    };
    app.store.create_user(&user).await?;
    Ok((StatusCode::CREATED, Json(Registered { user: user.into() })))
}

fn check(registration: &Registration) -> Result<Email, Error> {
    let mut errors = Vec::new();
    let email = Email::parse(&registration.email);
    if let Err(message) = &email {
        errors.push(FieldError::new("email", *message));
    }
    if let Err(message) = policy::check(&registration.password, email.as_ref().ok()) {
        errors.push(FieldError::new("password", message));
    }
    if registration.name.as_ref().is_some_and(|name| name.chars().count() > NAME_CHARS_MAX) {
        errors.push(FieldError::new("name", format!("must have at most {NAME_CHARS_MAX} characters")));
    }
    match email {
        Ok(email) if errors.is_empty() => Ok(email),
        _ => Err(Error::Invalid(errors)),
    }
}
