//! Tokens that links in mails carry. Whoever sends one back gets mail at the address. They are signed, and nothing is stored: what
//! they are for ends them, and so does their time. A mail that goes out twice has the same token both times.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Validation};
use serde::{Deserialize, Serialize};

use crate::tokens::Tokens;
use domain::{
    email::Email,
    error::Error,
    id::UserId,
    user::{MOVES_WITHIN, UNDONE_WITHIN},
};

const AUDIENCE: &str = "evently-mail";
/// The longest that is looked at: several times what the longest email address makes.
const TOKEN_BYTES_MAX: usize = 2_048;

/// What a token is for. One that is for one thing is no good for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To prove that the address is one's own.
    Verify,
    /// To set another password.
    Reset,
    /// To move the account to the address that it went to.
    Move,
    /// To take the account back to the address that it went to.
    Undo,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify-email",
            Self::Reset => "reset-password",
            Self::Move => "move-account",
            Self::Undo => "undo-move",
        }
    }

    /// How long a token is good, from when it was asked for.
    pub fn lasts(self) -> SignedDuration {
        match self {
            Self::Verify => SignedDuration::from_hours(24),
            Self::Reset => SignedDuration::from_mins(30),
            Self::Move => MOVES_WITHIN,
            Self::Undo => UNDONE_WITHIN,
        }
    }
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailedClaims {
    /// The user's id.
    pub sub: UserId,
    /// The address that it went to.
    pub email: Email,
    /// The version of the password when it was asked for: another password ends what was to set one.
    pub password_version: u32,
    /// Good until, seconds since the Unix epoch.
    pub exp: i64,
    aud: String,
}

impl MailedClaims {
    /// What was asked for then.
    pub fn new(
        purpose: Purpose,
        user: UserId,
        email: Email,
        password_version: u32,
        asked_at: Timestamp,
    ) -> Self {
        let exp = (asked_at + purpose.lasts()).as_second();
        Self { sub: user, email, password_version, exp, aud: AUDIENCE.to_owned() }
    }
}

impl Tokens {
    /// The token that a mail carries.
    ///
    /// # Errors
    /// When it can't be signed.
    pub fn seal_mailed(&self, purpose: Purpose, claims: &MailedClaims) -> Result<String, Error> {
        self.sign(purpose.as_str(), claims)
    }

    /// What a token says that came back.
    ///
    /// # Errors
    /// `MailedTokenEnded`, when it is none of ours, for something else, or too old.
    pub fn open_mailed(&self, purpose: Purpose, token: &str, now: Timestamp) -> Result<MailedClaims, Error> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Error::MailedTokenEnded);
        }
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "aud"]);
        // By `now`, as with access tokens.
        rules.validate_exp = false;
        let claims = self.verify::<MailedClaims>(purpose.as_str(), &rules, token);
        claims.ok().filter(|claims| now.as_second() < claims.exp).ok_or(Error::MailedTokenEnded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions::Session;

    fn tokens() -> Tokens {
        Tokens::new(&"a secret of at least thirty-two bytes".into(), None)
    }

    fn claims(purpose: Purpose, asked_at: Timestamp) -> MailedClaims {
        MailedClaims::new(purpose, UserId::new(), Email::parse("ada@example.com").unwrap(), 2, asked_at)
    }

    #[test]
    fn a_token_is_good_for_its_purpose_alone_and_for_its_time() {
        let asked_at = Timestamp::from_second(1_900_000_000).unwrap();
        for (purpose, other, minutes) in [
            (Purpose::Verify, Purpose::Reset, 24 * 60),
            (Purpose::Reset, Purpose::Verify, 30),
            (Purpose::Move, Purpose::Undo, 24 * 60),
            (Purpose::Undo, Purpose::Move, 7 * 24 * 60),
        ] {
            let claims = claims(purpose, asked_at);
            let token = tokens().seal_mailed(purpose, &claims).unwrap();
            assert_eq!(token, tokens().seal_mailed(purpose, &claims).unwrap(), "the same mail again");
            let end = asked_at + SignedDuration::from_mins(minutes);
            let opened = |purpose, now| tokens().open_mailed(purpose, &token, now);
            assert_eq!(opened(purpose, end - SignedDuration::from_nanos(1)).unwrap(), claims);
            for (purpose, now) in [(purpose, end), (other, asked_at)] {
                assert!(matches!(opened(purpose, now), Err(Error::MailedTokenEnded)), "{purpose:?} {now}");
            }
            let others = Tokens::new(&"another secret of at least thirty-two bytes".into(), None);
            assert!(others.open_mailed(purpose, &token, asked_at).is_err());
        }
    }

    #[test]
    fn no_other_token_is_one_and_it_is_no_other() {
        let now = Timestamp::now();
        let claims = claims(Purpose::Reset, now);
        for kind in ["JWT", "session", "cursor", ""] {
            let token = tokens().sign(kind, &claims).unwrap();
            assert!(tokens().open_mailed(Purpose::Reset, &token, now).is_err(), "{kind}");
        }
        let session = tokens().seal_session(&Session::new("inner".to_owned(), now)).unwrap();
        assert!(tokens().open_mailed(Purpose::Reset, &session, now).is_err());
        let token = tokens().seal_mailed(Purpose::Reset, &claims).unwrap();
        assert!(tokens().verify_access(&token, now).is_err() && tokens().open_session(&token, now).is_err());
        for text in ["", "x", "a.b.c", &"x".repeat(TOKEN_BYTES_MAX + 1)] {
            assert!(tokens().open_mailed(Purpose::Reset, text, now).is_err());
        }
    }
}
