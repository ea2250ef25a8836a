//! Mails about an account, asked for by its owner or by somebody who claims to be. They are written down here; who tells people
//! sends them.

use domain::{delivery::Delivery, email::Email, error::Error, id::UserId, message::Kind, user::User};
use http_api::App;
use jiff::Timestamp;

/// Asks for a mail to the account of an address. Without an account it takes as long, and no mail goes out.
///
/// # Errors
/// `NoMail`; `RateLimited`, if that address had too many, with an account or without; or as the stores have it.
pub(crate) async fn ask(
    app: &App,
    kind: Kind,
    email: &Email,
    account: Option<&User>,
    now: Timestamp,
) -> Result<(), Error> {
    if !app.config.sends_mail {
        return Err(Error::NoMail);
    }
    app.count_account_mail(kind, email).await?;
    let (user, version) =
        account.map_or_else(|| (UserId::new(), 0), |account| (account.id, account.password_version));
    let delivery = Delivery::of_account(kind, user, version, now);
    app.store.ask_for_delivery(&delivery, account.is_some()).await
}

/// What a new account is told, as a part of what makes it; nothing where nobody is told anything, or the address had too many.
///
/// # Errors
/// As the stores have it.
pub(crate) async fn welcome(app: &App, user: &User, now: Timestamp) -> Result<Option<Delivery>, Error> {
    if !app.config.sends_mail {
        return Ok(None);
    }
    match app.count_account_mail(Kind::AccountVerify, &user.email).await {
        Ok(()) => Ok(Some(Delivery::of_account(Kind::AccountVerify, user.id, user.password_version, now))),
        Err(Error::RateLimited { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
