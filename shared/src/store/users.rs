//! Users. Key: `email`, in its normalised form, so that an address can be taken once only.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::{
        put_item::PutItemError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
};
use jiff::Timestamp;

use super::{Store, failed, from_item, number, text, to_item};
use crate::domain::{
    email::Email,
    error::Error,
    user::{PasswordHash, User},
};

impl Store {
    /// The account of an address.
    pub async fn user_by_email(&self, email: &Email) -> Result<Option<User>, Error> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.users)
            .key("email", text(email))
            .consistent_read(true)
            .send()
            .await
            .map_err(failed)?;
        found.item.map(from_item).transpose()
    }

    /// Adds an account; `EmailTaken` if the address has one.
    pub async fn create_user(&self, user: &User) -> Result<(), Error> {
        self.client
            .put_item()
            .table_name(&self.tables.users)
            .set_item(Some(to_item(user)?))
            // The second half: the SDK may try again after a reply was lost, and must not meet itself.
            .condition_expression("attribute_not_exists(email) OR id = :id")
            .expression_attribute_values(":id", text(user.id))
            .send()
            .await
            .map_err(|error| match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Error::EmailTaken,
                _ => failed(error),
            })?;
        Ok(())
    }

    /// Replaces the hash of the same password by a stronger one. Answers false if the password was changed meanwhile.
    pub async fn strengthen_password(&self, user: &User, hash: &PasswordHash) -> Result<bool, Error> {
        let updated = self.update_hash(user, hash).update_expression("SET password_hash = :new").send().await;
        was_unchanged(updated.map(|_| ()))
    }

    /// Gives the account another password, and the next version of it. Answers false if it was changed meanwhile.
    pub async fn change_password(
        &self,
        user: &User,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let updated = self
            .update_hash(user, hash)
            // Not ADD: the SDK may try again after a reply was lost, and must count once.
            .update_expression(
                "SET password_hash = :new, password_version = :version, password_changed_at = :now",
            )
            .expression_attribute_values(":version", number(user.password_version + 1))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .send()
            .await;
        was_unchanged(updated.map(|_| ()))
    }

    /// An update on the condition that the password is the one that was read, or already the new one: the SDK may try
    /// again.
    fn update_hash(&self, user: &User, hash: &PasswordHash) -> UpdateItemFluentBuilder {
        let old = user.password_hash.as_ref().map_or("", PasswordHash::as_str);
        self.client
            .update_item()
            .table_name(&self.tables.users)
            .key("email", text(&user.email))
            .condition_expression("id = :id AND (password_hash = :old OR password_hash = :new)")
            .expression_attribute_values(":id", text(user.id))
            .expression_attribute_values(":old", text(old))
            .expression_attribute_values(":new", text(hash.as_str()))
    }
}

fn was_unchanged(updated: Result<(), SdkError<UpdateItemError>>) -> Result<bool, Error> {
    match updated {
        Ok(()) => Ok(true),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(failed(error)),
        },
    }
}
