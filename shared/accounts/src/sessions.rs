//! Sessions of browsers: what the cookie of the pages holds. A session is a token of another kind than an access token, so that
//! it opens nothing but the pages; the access token within is what it stands for, and is renewed while the session is used.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation, errors::Error as JwtError, errors::ErrorKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::tokens::Tokens;
use domain::error::Error;

/// How long somebody stays signed in who uses the pages all the time.
pub const SESSION_SECONDS: i64 = 12 * 3_600;
const SESSION_TYPE: &str = "session";
const AUDIENCE: &str = "evently-pages";
/// The longest that is looked at: an access token within a token.
const SESSION_BYTES_MAX: usize = 3_500;

/// A browser that is signed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// Its own name, the same for as long as it lasts: what is bound to the session is bound to this.
    pub sid: String,
    /// The access token that it stands for.
    pub token: String,
    /// Good until, seconds since the Unix epoch, however much it is used.
    pub exp: i64,
    aud: String,
}

impl Session {
    /// A new one, for an access token.
    pub fn new(token: String, now: Timestamp) -> Self {
        let exp = now.as_second() + SESSION_SECONDS;
        Self { sid: Uuid::new_v4().simple().to_string(), token, exp, aud: AUDIENCE.to_owned() }
    }

    /// The same with another access token.
    #[must_use]
    pub fn renewed(&self, token: String) -> Self {
        Self { token, ..self.clone() }
    }
}

impl Tokens {
    /// The session as a cookie holds it.
    ///
    /// # Errors
    /// When it can't be signed.
    pub fn seal_session(&self, session: &Session) -> Result<String, Error> {
        self.sign(SESSION_TYPE, session)
    }

    /// The session of a cookie.
    ///
    /// # Errors
    /// When it is none of ours, or is over.
    pub fn open_session(&self, cookie: &str, now: Timestamp) -> Result<Session, JwtError> {
        if cookie.len() > SESSION_BYTES_MAX {
            return Err(ErrorKind::InvalidToken.into());
        }
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "aud"]);
        // By `now`, as with access tokens.
        rules.validate_exp = false;
        let session: Session = self.verify(SESSION_TYPE, &rules, cookie)?;
        if now.as_second() < session.exp { Ok(session) } else { Err(ErrorKind::ExpiredSignature.into()) }
    }

    /// What proves that a form is a page's of this session.
    pub fn form_token(&self, session: &Session) -> String {
        self.fingerprint("form", &session.sid)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_session_lasts_for_its_time_however_it_is_renewed_and_is_no_access_token() {
        let tokens = Tokens::new(&"a secret of at least thirty-two bytes".into(), None);
        let now = Timestamp::from_second(1_900_000_000).unwrap();
        let session = Session::new("inner".to_owned(), now);
        let later = session.renewed("another".to_owned());
        assert_eq!((&later.sid, later.exp, later.token.as_str()), (&session.sid, session.exp, "another"));
        assert_eq!(tokens.form_token(&session), tokens.form_token(&later));
        assert_ne!(tokens.form_token(&session), tokens.form_token(&Session::new("inner".to_owned(), now)));

        let cookie = tokens.seal_session(&later).unwrap();
        let end = now + SignedDuration::from_secs(SESSION_SECONDS);
        assert_eq!(
            tokens.open_session(&cookie, end - SignedDuration::from_nanos(1)).unwrap().token,
            "another"
        );
        assert!(tokens.open_session(&cookie, end).is_err());
        assert!(tokens.verify_access(&cookie, now).is_err());
        let others = Tokens::new(&"another secret of at least thirty-two bytes".into(), None);
        assert!(others.open_session(&cookie, now).is_err());
        assert!(tokens.open_session(&"x".repeat(SESSION_BYTES_MAX + 1), now).is_err());
    }

    #[test]
    fn an_access_token_and_a_cursor_are_no_sessions() {
        let tokens = Tokens::new(&"a secret of at least thirty-two bytes".into(), None);
        let now = Timestamp::now();
        let session = Session::new("inner".to_owned(), now);
        for kind in ["JWT", "cursor"] {
            assert!(tokens.open_session(&tokens.sign(kind, &session).unwrap(), now).is_err(), "{kind}");
        }
    }
}
