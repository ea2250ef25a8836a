//! Addresses of our own pages.

use std::{borrow::Cow, collections::HashMap};

use axum::http::Uri;
use form_urlencoded::Serializer;

/// Where `path` is with these parameters; those without a value are left out.
pub(crate) fn with<'a>(path: &str, parameters: impl IntoIterator<Item = (&'a str, Cow<'a, str>)>) -> String {
    let given = parameters.into_iter().filter(|(_, value)| !value.is_empty());
    let query = Serializer::new(String::new()).extend_pairs(given).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The parameters of an address. Others than a page knows may be there, as links of advertisements have them.
pub(crate) fn query(uri: &Uri) -> HashMap<String, String> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

/// The page where somebody wanted to go, if it is one of ours: no other host's, however it is written.
pub(crate) fn own(next: &str) -> Option<&str> {
    let is_path = next.starts_with('/') && !next.starts_with("//");
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (is_path && is_plain && next.len() <= 1_000).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_led_to() {
        for next in ["/", "/shop/events/1?quantity=2", "/?q=a%20b"] {
            assert_eq!(own(next), Some(next));
        }
        for next in
            ["", "shop", "//evil.example", "/\\evil.example", "https://evil.example", "/a b", "/a\r\nb", "/é"]
        {
            assert_eq!(own(next), None, "{next:?}");
        }
    }
}
