//! How many mails about an account may be asked for in an hour, for each address and kind of mail; whether the address has an
//! account does not matter.

use super::{count, counted::Budget};
use crate::{App, Ring};
use domain::{email::Email, error::Error, message::Kind};
use stores::redis::scripts::{Allowance, LimitOf};

impl App {
    /// Counts one more mail of that kind to that address.
    ///
    /// # Errors
    /// `RateLimited`, if it had too many; or when it can't be counted, for a reason that is ours.
    pub async fn count_account_mail(&self, kind: Kind, email: &Email) -> Result<(), Error> {
        let counted = format!("{} {}", kind.as_str(), email.of_all_releases().as_str());
        let of = LimitOf { client: self.tokens.fingerprint("account-mail", &counted), wide: None };
        match count(self.front(), Budget::AccountMails, &of).await? {
            Some(Allowance { is_allowed: false, more_in, .. }) => {
                Err(Error::RateLimited { retry_after: more_in })
            }
            _ => Ok(()),
        }
    }
}
