//! Who is calling when there are load balancers in between.
//!
//! Each proxy appends the address that it was called from to `X-Forwarded-For`; what stands before that, the client may
//! have made up. So the list is read from its end, and only for as long as whoever wrote an entry is one of ours: the
//! first address that is not is the client's. Without trusted proxies the header means nothing.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The networks that our own proxies call from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads networks like `10.0.0.0/8`, or single addresses, with commas between.
    ///
    /// # Errors
    /// The part that is no network.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts
            .map(|part| {
                let network = part.parse().or_else(|_| part.parse::<IpAddr>().map(IpNet::from));
                network.map_err(|_| part.to_owned())
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether one of them says that its client came by TLS. Of several entries the first is of the client's own connection: a
    /// client that makes one up deceives only itself.
    pub fn is_by_tls(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let said = headers.get(&X_FORWARDED_PROTO).and_then(|value| value.to_str().ok());
        let first = said.and_then(|said| said.split(',').next());
        first.is_some_and(|first| first.trim().eq_ignore_ascii_case("https"))
            && self.trusts(peer.to_canonical())
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The address of the client whose request came from `peer`.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lists = headers.get_all(&X_FORWARDED_FOR).iter().rev();
        let mut callers = lists.flat_map(|list| list.as_bytes().rsplit(|byte| *byte == b',')).map(address);
        let mut nearest = peer.to_canonical();
        while self.trusts(nearest) {
            // What is no address was not written by a proxy of ours: then that proxy is the client as far as we know.
            let Some(Some(caller)) = callers.next() else { break };
            nearest = caller;
        }
        nearest
    }
}

/// Whether somebody says on whose behalf a request comes.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(&X_FORWARDED_FOR)
}

/// An entry of the header; some proxies write the port, too.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry).ok()?.trim();
    let address = entry.parse().or_else(|_| entry.parse::<SocketAddr>().map(|socket| socket.ip())).ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn client(proxies: &str, peer: &str, lists: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(&X_FORWARDED_FOR, HeaderValue::from_bytes(list).unwrap());
        }
        let proxies = TrustedProxies::parse(proxies).unwrap();
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn without_trusted_proxies_the_header_means_nothing() {
        assert_eq!(client("", "10.0.0.1", &[b"192.0.2.7"]), "10.0.0.1");
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let proxies = "10.0.0.0/8, 2001:db8:1::/48,203.0.113.9";
        for (peer, header, expected) in [
            ("10.1.2.3", "192.0.2.7", "192.0.2.7"),
            ("::ffff:10.1.2.3", "192.0.2.7", "192.0.2.7"),
            ("2001:db8:1::5", "2001:db8:2::7", "2001:db8:2::7"),
            ("198.51.100.4", "192.0.2.7", "198.51.100.4"),
            ("10.1.2.3", "192.0.2.7, 203.0.113.9,10.9.9.9", "192.0.2.7"),
            ("10.1.2.3", "1.2.3.4, 192.0.2.7", "192.0.2.7"),
            ("10.1.2.3", "10.0.0.4, 10.0.0.5", "10.0.0.4"),
            ("10.1.2.3", "192.0.2.7:4711", "192.0.2.7"),
            ("10.1.2.3", "[2001:db8:2::7]:4711", "2001:db8:2::7"),
            ("10.1.2.3", "192.0.2.7, nonsense", "10.1.2.3"),
            ("10.1.2.3", "192.0.2.7,", "10.1.2.3"),
            ("10.1.2.3", "", "10.1.2.3"),
        ] {
            assert_eq!(client(proxies, peer, &[header.as_bytes()]), expected, "{peer}: {header}");
        }
        assert_eq!(client(proxies, "10.1.2.3", &[]), "10.1.2.3");
        assert_eq!(client(proxies, "10.1.2.3", &[b"1.2.3.4", b"192.0.2.7, 10.0.0.4"]), "192.0.2.7");
    }

    #[test]
    fn only_a_trusted_proxy_can_say_that_it_was_tls() {
        for (peer, said, expected) in [
            ("10.1.2.3", "https", true),
            ("::ffff:10.1.2.3", "HTTPS, http", true),
            ("10.1.2.3", "http, https", false),
            ("10.1.2.3", "http", false),
            ("10.1.2.3", "", false),
            ("198.51.100.4", "https", false),
        ] {
            let headers = HeaderMap::from_iter([(X_FORWARDED_PROTO.clone(), said.parse().unwrap())]);
            let proxies = TrustedProxies::parse("10.0.0.0/8").unwrap();
            assert_eq!(proxies.is_by_tls(peer.parse().unwrap(), &headers), expected, "{peer}: {said}");
        }
    }

    #[test]
    fn what_is_no_network_is_named() {
        assert_eq!(TrustedProxies::parse("10.0.0.0/8, 10.0.0.0/33").unwrap_err(), "10.0.0.0/33");
        assert_eq!(TrustedProxies::parse("*").unwrap_err(), "*");
    }

    proptest! {
        #[test]
        fn what_a_client_says_of_itself_changes_nothing(lie in "[ -~]{0,60}", bytes: Vec<u8>) {
            let mut lists: Vec<&[u8]> = Vec::new();
            if HeaderValue::from_bytes(&bytes).is_ok() {
                lists.push(&bytes);
            }
            let appended = format!("{lie}, 192.0.2.7");
            lists.push(appended.as_bytes());
            prop_assert_eq!(client("10.0.0.0/8", "10.1.2.3", &lists), "192.0.2.7");
        }
    }
}
