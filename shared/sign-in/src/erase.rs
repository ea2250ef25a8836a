//! Erasing an account.
//!
//! The account goes, and with it all that Evently keeps of the person, also at addresses that the account left lately: bookings and
//! holds know the id alone. The addresses are free again; whoever registers one gets an account of another id.
//!
//! An answer may get lost, so the same request may come again. By then its token has ended, by that very erasure. There is no
//! account any more whose password it could prove, nor anything to protect: it is answered alike for as long as the token would
//! have been good. A token that has ended otherwise, by a change of the password, learns nothing but that.
//!
//! What races with it: of two erasures one finds nothing left, and both are answered alike. A registration of the address comes
//! before, and is refused, or after, and is another account. Whatever changes an account asks for its id, so that nothing brings
//! one back. In the seconds until the last process knows that the tokens have ended, one of them may still book: such a booking
//! is one without a name.

use domain::{error::Error, time::to_whole_ms};
use http_api::{
    App, Caller, ClientAddress, FormerCaller,
    fields::{Fields, Read},
};
use jiff::Timestamp;
use secrecy::SecretString;
use utoipa::ToSchema;

use crate::{
    account::account, admin::is_admins, password, proof::prove, security_event::SecurityEvent,
    still_open::check_nothing_open,
};

/// A person's own will.
#[derive(ToSchema)]
pub struct Erasure {
    /// The account's password.
    #[schema(value_type = String, example = "correct horse battery")]
    password: SecretString,
}

impl Read for Erasure {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { password: fields.required("password", password::secret)? })
    }
}

/// Erases the caller's account for good, and ends all its tokens.
///
/// # Errors
/// `InvalidCredentials`, `StillOpen`, `PasswordIsASetting`, `TooManyAttempts`, or as the stores have it.
pub async fn erase(
    app: &App,
    FormerCaller { caller, has_ended }: FormerCaller,
    erasure: Erasure,
    from: ClientAddress,
) -> Result<(), Error> {
    if is_admins(app, &caller.email) {
        return Err(Error::PasswordIsASetting);
    }
    let now = to_whole_ms(Timestamp::now());
    let user = account(app, &caller).await?;
    if user.is_none() && was_erased(app, &caller, has_ended, now).await? {
        return Ok(());
    }
    if has_ended {
        return Err(Error::TokenEnded);
    }
    let user = prove(app, &caller, user, &erasure.password, from).await?;
    check_nothing_open(app, user.id, now).await?;
    if !accounts::erase(&app.accounts, &user, now).await? {
        // The password was changed meanwhile, so this was the wrong one; or the account moved, which ended the token.
        return Err(Error::InvalidCredentials);
    }
    SecurityEvent::AccountErased.tell(Some(user.id));
    Ok(())
}

/// Whether the account that is not there was erased. An ended token without an account says so itself; one that is good may be
/// known as ended elsewhere.
async fn was_erased(app: &App, caller: &Caller, has_ended: bool, now: Timestamp) -> Result<bool, Error> {
    // One that just moved is there, though the index does not say so yet.
    if app.store.is_or_was_at(&caller.email, caller.user_id).await? {
        return Ok(false);
    }
    if has_ended {
        return Ok(true);
    }
    accounts::were_tokens_ended(&app.accounts, caller.user_id, now).await
}
