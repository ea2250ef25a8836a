//! Signed tokens: who the caller is, and where a list goes on. JWT with HS256 and nothing else (RFC 8725).

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    errors::{Error as JwtError, ErrorKind},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use domain::{
    email::Email,
    error::Error,
    id::UserId,
    user::{Role, User},
};

/// How long an access token is good.
pub const ACCESS_TOKEN_SECONDS: i64 = 3_600;
const ISSUER: &str = "evently";
const ACCESS_AUDIENCE: &str = "evently";
const ACCESS_TYPE: &str = "JWT";
/// The longest access token that is looked at: several times what the longest email address makes.
const ACCESS_TOKEN_BYTES_MAX: usize = 2_048;
/// How far the clocks of two functions may be apart, in seconds: a token from further in the future is refused.
const CLOCKS_APART_SECONDS_MAX: i64 = 60;

/// Who the caller is, as its access token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The user's id.
    pub sub: UserId,
    /// The user's email address.
    pub email: Email,
    /// What the user may do.
    pub role: Role,
    /// The version of the password that it was got with.
    #[serde(default)]
    pub password_version: u32,
    /// Whether the user had proved to get mail at the address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub email_verified: bool,
    /// Issued at, seconds since the Unix epoch.
    pub iat: i64,
    /// Good until, seconds since the Unix epoch.
    pub exp: i64,
    /// `evently`.
    pub iss: String,
    /// `evently`.
    pub aud: String,
}

/// The keys that sign and verify.
#[derive(Clone)]
pub struct Tokens {
    sign: EncodingKey,
    /// The same key, made ready once: fingerprints are made for many requests.
    fingerprints: hmac::Key,
    /// The current key, then the previous one while the secret is rotated.
    verify: Vec<DecodingKey>,
    access_rules: Validation,
}

impl Tokens {
    /// Signs with `secret`; accepts what `secret` or `previous` signed.
    pub fn new(secret: &SecretString, previous: Option<&SecretString>) -> Self {
        let bytes = |secret: &SecretString| DecodingKey::from_secret(secret.expose_secret().as_bytes());
        Self {
            sign: EncodingKey::from_secret(secret.expose_secret().as_bytes()),
            fingerprints: hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes()),
            verify: std::iter::once(secret).chain(previous).map(bytes).collect(),
            access_rules: access_rules(),
        }
    }

    /// An access token for a user.
    pub fn issue_access(&self, user: &User, now: Timestamp) -> Result<String, Error> {
        let claims = AccessClaims {
            sub: user.id,
            email: user.email.clone(),
            role: user.role,
            password_version: user.password_version,
            email_verified: user.email_verified_at.is_some(),
            iat: now.as_second(),
            exp: now.as_second() + ACCESS_TOKEN_SECONDS,
            iss: ISSUER.to_owned(),
            aud: ACCESS_AUDIENCE.to_owned(),
        };
        self.sign(ACCESS_TYPE, &claims)
    }

    /// What a valid access token says.
    pub fn verify_access(&self, token: &str, now: Timestamp) -> Result<AccessClaims, JwtError> {
        if token.len() > ACCESS_TOKEN_BYTES_MAX {
            return Err(ErrorKind::InvalidToken.into());
        }
        let claims: AccessClaims = self.verify(ACCESS_TYPE, &self.access_rules, token)?;
        // On or after it, a token is not accepted (RFC 7519, section 4.1.4). The library would do so a second later.
        if now.as_second() >= claims.exp {
            return Err(ErrorKind::ExpiredSignature.into());
        }
        if claims.iat > now.as_second() + CLOCKS_APART_SECONDS_MAX {
            return Err(ErrorKind::ImmatureSignature.into());
        }
        Ok(claims)
    }

    /// Stands for a text in places that should not tell the text, like the names of keys in Redis: always the same for
    /// the same text, and not to be guessed without the secret (HMAC-SHA256). `kind` keeps apart what it is used for.
    pub fn fingerprint(&self, kind: &str, text: &str) -> String {
        // A zero byte is in no token, so that this signs none.
        let code = hmac::sign(&self.fingerprints, format!("{kind}\0{text}").as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(code)
    }

    /// A token of that kind with these claims.
    pub fn sign(&self, kind: &str, claims: &impl Serialize) -> Result<String, Error> {
        let header = Header { typ: Some(kind.to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, claims, &self.sign).map_err(|error| Error::Internal(Box::new(error)))
    }

    /// What a token says, if one of our keys signed it for that use.
    pub fn verify<T: DeserializeOwned + Clone>(
        &self,
        kind: &str,
        rules: &Validation,
        token: &str,
    ) -> Result<T, JwtError> {
        let mut error = JwtError::from(ErrorKind::InvalidToken);
        for key in &self.verify {
            match jsonwebtoken::decode::<T>(token, key, rules) {
                // What is critical must be understood, and nothing is (RFC 7515, section 4.1.11).
                Ok(decoded)
                    if decoded.header.typ.as_deref() == Some(kind) && decoded.header.crit.is_none() =>
                {
                    return Ok(decoded.claims);
                }
                Ok(_) => {}
                Err(why) => error = why,
            }
        }
        Err(error)
    }
}

fn access_rules() -> Validation {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[ACCESS_AUDIENCE]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // `verify_access` does, by its own `now`.
    rules.validate_exp = false;
    rules
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    fn tokens() -> Tokens {
        Tokens::new(&"a secret of at least thirty-two bytes".into(), None)
    }

    fn ada(role: Role, now: Timestamp) -> User {
        User { role, ..User::new(Email::parse("ada@example.com").unwrap(), now) }
    }

    #[test]
    fn a_token_is_good_until_the_second_of_its_exp_and_not_in_it() {
        let issued = Timestamp::from_second(1_900_000_000).unwrap();
        let token = tokens().issue_access(&ada(Role::User, issued), issued).unwrap();
        let rotated = Tokens::new(
            &"another secret of at least thirty-two bytes".into(),
            Some(&"a secret of at least thirty-two bytes".into()),
        );
        let exp = issued + SignedDuration::from_secs(ACCESS_TOKEN_SECONDS);
        let just_before = exp - SignedDuration::from_nanos(1);
        for tokens in [tokens(), rotated] {
            assert!(tokens.verify_access(&token, just_before).is_ok());
            for late in [exp, exp + SignedDuration::from_nanos(1), exp + SignedDuration::from_secs(1)] {
                let refused = tokens.verify_access(&token, late).unwrap_err();
                assert_eq!(refused.kind(), &ErrorKind::ExpiredSignature, "{late}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_token_says_who_it_was_given_to(is_admin: bool) {
            let role = if is_admin { Role::Admin } else { Role::User };
            let user = ada(role, Timestamp::now());
            let claims = tokens().verify_access(&tokens().issue_access(&user, Timestamp::now()).unwrap(), Timestamp::now()).unwrap();
            prop_assert_eq!((claims.sub, claims.email, claims.role), (user.id, user.email, role));
        }

        #[test]
        fn a_token_changed_anywhere_is_refused(at: prop::sample::Index, to in "[A-Za-z0-9_.-]") {
            let token = tokens().issue_access(&ada(Role::User, Timestamp::now()), Timestamp::now()).unwrap();
            let at = at.index(token.len() - 1);
            let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
            prop_assume!(changed != token);
            prop_assert!(tokens().verify_access(&changed, Timestamp::now()).is_err());
        }

        #[test]
        fn what_was_never_given_out_is_refused(text in "[A-Za-z0-9_-]{0,40}(\\.[A-Za-z0-9_-]{0,60}){0,3}|.{0,60}") {
            prop_assert!(tokens().verify_access(&text, Timestamp::now()).is_err());
        }
    }
}
