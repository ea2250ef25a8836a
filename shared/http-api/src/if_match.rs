//! `If-Match`: which version of an event a change is based on.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
};

use super::{code::Code, problem::Problem};
use domain::field_error::Wrong;

/// The `If-Match` of a change; 428 without (RFC 6585, section 3).
#[derive(Clone, Debug)]
pub struct RequiredIfMatch(pub IfMatch);

/// Which versions a change may be based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: any.
    Any,
    /// One that a tag in the list begins with: `"7"`, or any tag that an answer had while the event was at version 7.
    Tags(Vec<String>),
}

impl IfMatch {
    /// Whether a change of the event at this version is wanted. Only the version counts: other buyers' holds change the
    /// rest of the tag, and are no reason to refuse.
    pub fn allows(&self, version: u64) -> bool {
        let version = version.to_string();
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| tag.split('.').next() == Some(version.as_str())),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequiredIfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut lines = parts.headers.get_all(header::IF_MATCH).iter();
        let line = lines.next().ok_or_else(if_match_required)?;
        // One line may be a list. Where it was two, as API Gateway joins them, all of them count, so nothing is dropped.
        let tags = parse(line).filter(|_| lines.next().is_none());
        tags.map(Self).ok_or_else(|| Problem::bad_parameter("If-Match", Wrong::NoTags))
    }
}

pub(super) fn if_match_required() -> Problem {
    Problem::new(Code::IfMatchRequired).detail("Send the ETag of the version that the change is based on.")
}

/// `*` or a list of strong entity tags (RFC 9110, section 8.8.3), without their quotes. A weak one can never match here
/// (section 13.1.1), so it is a mistake to send one.
fn parse(line: &HeaderValue) -> Option<IfMatch> {
    let mut rest = line.to_str().ok()?.trim();
    if rest == "*" {
        return Some(IfMatch::Any);
    }
    let mut tags = Vec::new();
    loop {
        let (content, behind) = rest.strip_prefix('"')?.split_once('"')?;
        if !content.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        tags.push(content.to_owned());
        match behind.trim_start().strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None => return behind.trim_start().is_empty().then_some(IfMatch::Tags(tags)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extract(values: &[Vec<u8>]) -> Result<IfMatch, Problem> {
        let mut request = axum::http::Request::builder();
        for value in values {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                request = request.header("if-match", value);
            }
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        futures::executor::block_on(RequiredIfMatch::from_request_parts(&mut parts, &()))
            .map(|RequiredIfMatch(if_match)| if_match)
    }

    fn if_match(line: &str) -> Result<IfMatch, Problem> {
        extract(&[line.as_bytes().to_vec()])
    }

    /// Bytes, text that looks like a list of entity tags, or the tags themselves.
    fn some_value() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            any::<Vec<u8>>(),
            "[W/\"*, !-~]{0,24}".prop_map(String::into_bytes),
            "(W/)?\"[!#-~]{0,8}\"(, ?(W/)?\"[!#-~]{0,8}\"){0,3}".prop_map(String::into_bytes),
        ]
    }

    #[test]
    fn the_version_alone_is_compared() {
        for good in ["\"7\"", "\"7.0123456789abcdef\"", "\"7.0123456789abcdef-gzip\"", "\"1\", \"7\"", " * "]
        {
            assert!(if_match(good).unwrap().allows(7), "{good}");
        }
        for stale in ["\"6\"", "\"77\"", "\"07\"", "\"+7\"", "\"6.7\"", "\"\"", "\"1\",\"2\"", "\"other\""] {
            assert!(!if_match(stale).unwrap().allows(7), "{stale}");
        }
        for malformed in ["", "7", "\"7", "W/\"7\"", "\"7\", W/\"7\"", "\"7\" \"7\"", "*, \"7\"", "\"7\","] {
            assert_eq!(if_match(malformed).unwrap_err().code(), Code::InvalidParameter, "{malformed}");
        }
    }

    #[test]
    fn a_second_line_is_refused_and_a_list_is_not() {
        let lines =
            |lines: &[&str]| extract(&lines.iter().map(|line| line.as_bytes().to_vec()).collect::<Vec<_>>());
        assert!(lines(&["\"1\",\"7.ab\""]).unwrap().allows(7));
        for two in [["\"1\"", "\"7\""], ["\"7\"", "\"7\""], ["*", "\"7\""], ["\"7\"", "*"]] {
            assert_eq!(lines(&two).unwrap_err().code(), Code::InvalidParameter, "{two:?}");
        }
        assert_eq!(lines(&[]).unwrap_err().code(), Code::IfMatchRequired);
    }

    proptest! {
        #[test]
        fn if_match_is_tags_or_refused(values in prop::collection::vec(some_value(), 1..3), version: u64) {
            let is_sent = values.iter().any(|value| HeaderValue::from_bytes(value).is_ok());
            match extract(&values) {
                // Whether it matches or not: it can be asked.
                Ok(tags) => drop(tags.allows(version)),
                Err(problem) => {
                    let code = if is_sent { Code::InvalidParameter } else { Code::IfMatchRequired };
                    prop_assert_eq!(problem.code(), code);
                }
            }
        }

        #[test]
        fn a_version_matches_its_own_tags_and_no_other(version: u64, other: u64, hash: u64) {
            let own = if_match(&format!("\"0\", \"{version}.{hash:016x}\"")).unwrap();
            prop_assert!(own.allows(version));
            prop_assert_eq!(own.allows(other), other == version || other == 0);
        }
    }
}
