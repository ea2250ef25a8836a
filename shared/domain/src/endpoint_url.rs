//! Where an endpoint may be: at a public address. Whoever gives an address to call could otherwise have us call what only we can
//! reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Characters of an endpoint's address.
pub const URL_CHARS_MAX: usize = 2_048;

/// Networks of IPv4 that are nobody's public ones, each with the length of its prefix.
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
const SPECIAL_V4: [([u8; 4], u32); 16] = [
    // This network.
    ([0, 0, 0, 0], 8),
    // Private ones, and those of a provider between it and its customers.
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([172, 16, 0, 0], 12),
    ([192, 168, 0, 0], 16),
    // This machine, and the link: clouds tell a machine's credentials there.
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    // What a provider's machines reach alone, though it is in a public network: Azure's.
    ([168, 63, 129, 16], 32),
    // Protocols, documentation, 6to4 relays, measurements.
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    // To many, to all, and what is reserved.
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// Networks within the public ones of IPv6 that are none.
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>
const SPECIAL_V6: [([u16; 3], u32); 4] = [
    // Protocols, Teredo among them, which has an address of IPv4 in it.
    ([0x2001, 0, 0], 23),
    // Documentation.
    ([0x2001, 0x0db8, 0], 32),
    ([0x3fff, 0, 0], 20),
    // 6to4, which has an address of IPv4 in it.
    ([0x2002, 0, 0], 16),
];

/// Which addresses may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// Public ones, by HTTPS.
    Public,
    /// This machine's own, too, by HTTP, too: for whoever tries a receiver there.
    AlsoLoopback,
}

impl Addresses {
    /// Whether that one may be called.
    pub fn allow(self, address: IpAddr) -> bool {
        is_public(address) || (self == Self::AlsoLoopback && address.is_loopback())
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|(network, bits)| {
            is_within(address.to_bits(), Ipv4Addr::from(*network).to_bits(), 32 - bits)
        }),
        // What is not in 2000::/3 is not given out: an address of IPv4 in one of IPv6 is not in it, either.
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            is_within(bits, 0x2000 << 112, 125)
                && !SPECIAL_V6.iter().any(|([a, b, c], length)| {
                    let network = Ipv6Addr::new(*a, *b, *c, 0, 0, 0, 0, 0);
                    is_within(bits, network.to_bits(), 128 - length)
                })
        }
    }
}

fn is_within<T: Copy + PartialEq + std::ops::Shr<u32, Output = T>>(
    address: T,
    network: T,
    free_bits: u32,
) -> bool {
    address >> free_bits == network >> free_bits
}

/// An endpoint's address, as it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointUrl(Url);

/// Why that can't be an endpoint's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEndpointUrl {
    /// It is no URL, or too long.
    #[error("must be a URL like https://example.com/hook, of at most {URL_CHARS_MAX} characters")]
    NoUrl,
    /// It is not HTTPS.
    #[error("must begin with https://")]
    NotHttps,
    /// It has a name or a password in it.
    #[error("must have no user name or password in it")]
    UserInfo,
    /// It has something behind `#`, which is never sent.
    #[error("must have nothing behind a #")]
    Fragment,
    /// It is this machine, or an address that is not public.
    #[error("must be at a public address")]
    NotPublic,
}

impl EndpointUrl {
    /// Reads an address. Whether a name leads to a public address is seen when it is called, each time.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, allowed: Addresses) -> Result<Self, NoEndpointUrl> {
        // The URL standard mends more than anybody means, `https:example.com` and `https:\\example.com` among it.
        let is_plain = text.chars().count() <= URL_CHARS_MAX
            && !text.chars().any(|c| c.is_control() || c == ' ' || c == '\\')
            && text.contains("://");
        let url = is_plain.then(|| Url::parse(text).ok()).flatten().ok_or(NoEndpointUrl::NoUrl)?;
        let host = url.host().filter(|_| url.port() != Some(0)).ok_or(NoEndpointUrl::NoUrl)?;
        let is_own = match &host {
            Host::Domain(name) if !is_name(name) => return Err(NoEndpointUrl::NoUrl),
            Host::Domain(name) => is_own_name(name),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        let may_be_own = is_own && allowed == Addresses::AlsoLoopback;
        if url.scheme() != "https" && !(url.scheme() == "http" && may_be_own) {
            return Err(NoEndpointUrl::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NoEndpointUrl::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(NoEndpointUrl::Fragment);
        }
        let is_allowed = match host {
            Host::Domain(name) => may_be_own || !(is_own || is_of_a_house(name)),
            Host::Ipv4(address) => allowed.allow(address.into()),
            Host::Ipv6(address) => allowed.allow(address.into()),
        };
        if !is_allowed {
            return Err(NoEndpointUrl::NotPublic);
        }
        // Written in ASCII it may be several times as long: what is kept can be written again.
        if url.as_str().len() > URL_CHARS_MAX { Err(NoEndpointUrl::NoUrl) } else { Ok(Self(url)) }
    }

    /// The address in full, in one way of writing it.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Whether a name can be looked up (RFC 1035, section 2.3.4): the URL standard takes others, too.
fn is_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len()))
}

/// Names that no public server knows: without a dot, or below what is set apart for a house's own (RFC 6762, RFC 8375, and what ICANN
/// keeps for private use), for nobody (RFC 2606), or for another network (RFC 7686).
fn is_of_a_house(name: &str) -> bool {
    const APART: [&str; 5] = [".local", ".internal", ".home.arpa", ".invalid", ".onion"];
    let name = name.trim_end_matches('.');
    !name.contains('.') || APART.iter().any(|apart| name.ends_with(apart))
}

/// RFC 6761: `localhost` and all below it is this machine.
fn is_own_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_called() {
        for public in [
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.32.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2600::1",
            "2a00::1",
            "2001:200::1",
        ] {
            assert!(Addresses::Public.allow(public.parse().unwrap()), "{public}");
        }
        for special in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "168.63.129.16",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:10.0.0.1",
            "::8.8.8.8",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            let address: IpAddr = special.parse().unwrap();
            assert!(!Addresses::Public.allow(address), "{special}");
            assert_eq!(Addresses::AlsoLoopback.allow(address), address.is_loopback(), "{special}");
        }
    }

    #[test]
    fn an_address_is_written_in_one_way() {
        let url = |text| EndpointUrl::parse(text, Addresses::Public).map(|url| url.as_str().to_owned());
        for (text, written) in [
            ("https://example.com/hook?a=b", "https://example.com/hook?a=b"),
            ("HTTPS://Example.COM", "https://example.com/"),
            ("https://example.com:8443/x", "https://example.com:8443/x"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            ("https://8.8.8.8/", "https://8.8.8.8/"),
            ("https://[2600::1]/", "https://[2600::1]/"),
        ] {
            assert_eq!(url(text).as_deref(), Ok(written), "{text}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused_when_it_is_written() {
        use NoEndpointUrl::{Fragment, NoUrl, NotHttps, NotPublic, UserInfo};
        let long = format!("https://example.com/{}", "x".repeat(URL_CHARS_MAX));
        let long_label = format!("https://{}.example/", "x".repeat(64));
        let longer_in_ascii = format!("https://example.com/{}", "é".repeat(1_000));
        for (text, reason) in [
            ("", NoUrl),
            ("example.com/hook", NoUrl),
            ("https://", NoUrl),
            ("https://exa mple.com/", NoUrl),
            ("https://.example.com/", NoUrl),
            ("https://example..com/", NoUrl),
            ("https://example.com:0/", NoUrl),
            ("https:example.com/", NoUrl),
            ("https:/example.com/", NoUrl),
            ("https:\\\\example.com/", NoUrl),
            ("https://example.com\\@evil.example/", NoUrl),
            (long_label.as_str(), NoUrl),
            ("https://example.com/\nx", NoUrl),
            (long.as_str(), NoUrl),
            (longer_in_ascii.as_str(), NoUrl),
            ("http://example.com/", NotHttps),
            ("http://127.0.0.1/", NotHttps),
            ("ftp://example.com/", NotHttps),
            ("https://user@example.com/", UserInfo),
            ("https://user:secret@example.com/", UserInfo),
            ("https://example.com/#part", Fragment),
            ("https://localhost/", NotPublic),
            ("https://hooks.localhost./", NotPublic),
            ("https://till/", NotPublic),
            ("https://printer.local/", NotPublic),
            ("https://vault.internal./", NotPublic),
            ("https://router.home.arpa/", NotPublic),
            ("https://10.0.0.1/", NotPublic),
            ("https://0x7f.1/", NotPublic),
            ("https://2130706433/", NotPublic),
            ("https://[::ffff:10.0.0.1]/", NotPublic),
            ("https://169.254.169.254/latest/meta-data", NotPublic),
        ] {
            assert_eq!(EndpointUrl::parse(text, Addresses::Public), Err(reason), "{text}");
        }
        assert_eq!(EndpointUrl::parse("file:///etc/passwd", Addresses::Public), Err(NoUrl));
    }

    #[test]
    fn whoever_tries_it_may_have_their_own_machine_called_and_nothing_else_of_the_house() {
        for own in
            ["http://127.0.0.1:8000/hook", "http://localhost:8000/", "http://[::1]:80/", "https://localhost/"]
        {
            assert!(EndpointUrl::parse(own, Addresses::AlsoLoopback).is_ok(), "{own}");
        }
        for other in
            ["http://10.0.0.1/", "http://example.com/", "https://192.168.0.1/", "http://[::ffff:127.0.0.1]/"]
        {
            assert!(EndpointUrl::parse(other, Addresses::AlsoLoopback).is_err(), "{other}");
        }
    }
}
