//! Cursors: where a list goes on. Signed, so that a tampered one is refused, and tied to the list, its filters
//! and its reader, so that one can't be used for another.

use jsonwebtoken::{Algorithm, Validation};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{code::Code, problem::Problem};
use accounts::tokens::Tokens;
use domain::{error::Error, page::PageKey};

const CURSOR_TYPE: &str = "cursor";

#[derive(Clone, Serialize, Deserialize)]
struct CursorClaims<K> {
    list: String,
    key: K,
}

/// The cursor of the page that starts after `key`. `list` names the list with its filters and its reader.
pub fn to_cursor<K: Clone + Serialize>(
    tokens: &Tokens,
    list: &str,
    key: Option<K>,
) -> Result<Option<String>, Error> {
    key.map(|key| tokens.sign(CURSOR_TYPE, &CursorClaims { list: list.to_owned(), key })).transpose()
}

/// Where the page of a cursor starts.
pub fn from_cursor<K: Clone + DeserializeOwned>(
    tokens: &Tokens,
    list: &str,
    cursor: Option<&str>,
) -> Result<Option<K>, Problem> {
    let Some(cursor) = cursor else {
        return Ok(None);
    };
    let mut rules = Validation::new(Algorithm::HS256);
    // A cursor does not expire: it names a place, it grants nothing.
    rules.set_required_spec_claims::<&str>(&[]);
    rules.validate_exp = false;
    rules.validate_aud = false;
    match tokens.verify::<CursorClaims<K>>(CURSOR_TYPE, &rules, cursor) {
        Ok(claims) if claims.list == list => Ok(Some(claims.key)),
        _ => Err(invalid_cursor()),
    }
}

/// The same of a list whose places other releases may have named by other parts: only what `is_place` knows is one.
pub fn from_cursor_if(
    tokens: &Tokens,
    list: &str,
    cursor: Option<&str>,
    is_place: impl Fn(&PageKey) -> bool,
) -> Result<Option<PageKey>, Problem> {
    let key = from_cursor(tokens, list, cursor)?;
    if key.as_ref().is_some_and(|key| !is_place(key)) { Err(invalid_cursor()) } else { Ok(key) }
}

pub(super) fn invalid_cursor() -> Problem {
    Problem::new(Code::InvalidCursor)
        .detail("Use next_cursor as it was given, with the same filters, or start without a cursor.")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens() -> Tokens {
        Tokens::new(&"a secret of at least thirty-two bytes".into(), None)
    }

    fn key(list: &str, cursor: &str) -> Option<(u64, String)> {
        match from_cursor(&tokens(), list, Some(cursor)) {
            Ok(key) => key,
            Err(problem) => {
                assert_eq!(problem.code(), Code::InvalidCursor);
                None
            }
        }
    }

    proptest! {
        #[test]
        fn a_cursor_leads_to_its_key_in_its_list_only(list in ".{0,40}", other in ".{0,40}", number: u64, text: String) {
            let cursor = to_cursor(&tokens(), &list, Some((number, text.clone()))).unwrap().unwrap();
            prop_assert_eq!(key(&list, &cursor), Some((number, text)));
            prop_assert!(list == other || key(&other, &cursor).is_none());
        }

        #[test]
        fn a_cursor_changed_anywhere_is_refused(at: prop::sample::Index, to in "[A-Za-z0-9_.-]") {
            let cursor = to_cursor(&tokens(), "a list", Some((7_u64, "key"))).unwrap().unwrap();
            let at = at.index(cursor.len() - 1);
            let changed = format!("{}{to}{}", &cursor[..at], &cursor[at + 1..]);
            prop_assume!(changed != cursor);
            prop_assert_eq!(key("a list", &changed), None);
        }

        #[test]
        fn what_was_never_given_out_is_refused(text in "[A-Za-z0-9_-]{0,40}(\\.[A-Za-z0-9_-]{0,60}){0,3}|.{0,60}") {
            prop_assert_eq!(key("a list", &text), None);
        }
    }
}
