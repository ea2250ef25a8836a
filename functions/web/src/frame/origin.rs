//! Whether a form was sent by a page of ours. Browsers say so, in `Origin` or else in `Sec-Fetch-Site`, and no page of somebody
//! else can make them say otherwise. Who says neither is no browser of these years, and has the API.

use axum::http::{HeaderMap, Uri, header};

/// Whether the request comes from a page of the host that it goes to.
pub(crate) fn is_own(headers: &HeaderMap) -> bool {
    match headers.get(header::ORIGIN) {
        Some(origin) => {
            let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
            let authority = origin.as_ref().and_then(|origin| origin.authority()).map(|named| named.as_str());
            authority.is_some() && authority.map(str::to_ascii_lowercase) == host(headers)
        }
        None => headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin"),
    }
}

/// Whether the host is this machine, as whoever tries the service here calls it.
pub(crate) fn is_loopback(headers: &HeaderMap) -> bool {
    let host = host(headers).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, port)| {
        // Not the last part of an IPv6 address.
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host.as_str() }
    });
    name == "localhost"
        || name == "[::1]"
        || name.starts_with("127.") && name.parse::<std::net::Ipv4Addr>().is_ok()
}

fn host(headers: &HeaderMap) -> Option<String> {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let named = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(named).collect()
    }

    #[test]
    fn only_a_page_of_the_same_host_sends_forms() {
        const HOST: (&str, &str) = ("host", "shop.example:8443");
        let own = |pairs: &[(&'static str, &'static str)]| is_own(&headers(&[&[HOST], pairs].concat()));
        assert!(own(&[("origin", "https://shop.example:8443")]));
        assert!(own(&[("origin", "https://SHOP.example:8443")]));
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        for origin in [
            "https://shop.example",
            "https://evil.example",
            "null",
            "",
            "https://evil.example#shop.example:8443",
        ] {
            assert!(!own(&[("origin", origin), ("sec-fetch-site", "same-origin")]), "{origin}");
        }
        for site in ["cross-site", "same-site", "none"] {
            assert!(!own(&[("sec-fetch-site", site)]), "{site}");
        }
        assert!(!own(&[]));
        assert!(!is_own(&headers(&[("origin", "null")])), "not even where no host is named");
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for host in ["localhost", "localhost:3000", "127.0.0.1:3000", "127.1.2.3", "[::1]:3000", "[::1]"] {
            assert!(is_loopback(&headers(&[("host", host)])), "{host}");
        }
        for host in
            ["shop.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "192.168.0.2:3000", ""]
        {
            assert!(!is_loopback(&headers(&[("host", host)])), "{host}");
        }
    }
}
