//! Users. Key: `email`, in its normalised form, so that an address can be taken once only.

use aws_sdk_dynamodb::operation::put_item::PutItemError;

use super::{Store, failed, from_item, text, to_item};
use crate::domain::{email::Email, error::Error, user::User};

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
}
