//! The token of an `Authorization` header (RFC 6750).

use accounts::tokens::{AccessClaims, Tokens};
use axum::http::{HeaderMap, header};
use domain::{error::Error, field_error::Wrong};
use jiff::Timestamp;

use crate::problem::Problem;

/// What the token of the `Authorization` header says. Of two lines none counts, as a proxy and this service may each take another
/// one for the caller's. A comma is in no token: API Gateway makes one line of several, with commas between.
pub(super) fn bearer_claims(headers: &HeaderMap, tokens: &Tokens) -> Result<AccessClaims, Problem> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let Some(line) = lines.next() else {
        return Err(Problem::unauthorized("The Authorization header is missing.", "Bearer"));
    };
    let (scheme, token) = line.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
    if lines.next().is_some() || token.contains(',') {
        return Err(Problem::bad_parameter("Authorization", Wrong::Twice));
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::unauthorized("The Authorization header must be: Bearer <token>.", "Bearer"));
    }
    tokens.verify_access(token.trim(), Timestamp::now()).map_err(|error| {
        tracing::debug!(%error, "token refused");
        Error::TokenEnded.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn two_tokens_are_none_in_two_lines_or_in_one() {
        let tokens = Tokens::new(&"a secret of at least thirty-two bytes".into(), None);
        let code = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::AUTHORIZATION, line.parse().unwrap());
            }
            bearer_claims(&headers, &tokens).unwrap_err().code()
        };
        for lines in [
            &["Bearer a", "Bearer b"][..],
            &["Bearer a", "Bearer a"],
            &["Bearer a", ""],
            &["Basic a", "Bearer b"],
            &["Bearer a,Bearer b"],
            &["Bearer a, Bearer a"],
            &["Bearer a,"],
            &["Basic a, Bearer b"],
        ] {
            assert_eq!(code(lines), Code::InvalidParameter, "{lines:?}");
        }
        for lines in [&[][..], &["Bearer a"], &["Basic a"], &["Bearer"], &[""]] {
            assert_eq!(code(lines), Code::Unauthorized, "{lines:?}");
        }
    }
}
