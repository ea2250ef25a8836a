//! The address that a request came from, as API Gateway saw it, or the server that runs without one. What clients say of
//! themselves, like `X-Forwarded-For`, changes nothing here.

use std::{
    convert::Infallible,
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use accounts::Origin;
use axum::{
    extract::FromRequestParts,
    http::{Extensions, request::Parts},
};
use lambda_http::request::RequestContext;

use crate::App;
use domain::network::Network;

/// What fingerprints of networks are made for.
const NETWORK: &str = "places-of-network";

/// Where a request came from: an IPv4 address, or the /64 network of an IPv6 address, as one subscriber has at least
/// that many (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientAddress {
    /// It is known.
    Known(IpAddr),
    /// It is not: all such requests count as one client's.
    Unknown,
}

/// Where a request comes from, for a server that clients reach without API Gateway: it has seen the connection, or asked
/// a proxy that it trusts.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub IpAddr);

/// Marks a request that came by TLS, for a server that clients reach without API Gateway, which is reached by nothing else.
#[derive(Clone, Copy, Debug)]
pub struct ByTls;

/// Whether a request with these extensions came by TLS.
pub fn is_by_tls(extensions: &Extensions) -> bool {
    extensions.get::<RequestContext>().is_some() || extensions.get::<ByTls>().is_some()
}

impl ClientAddress {
    /// The address of a request with these extensions.
    pub fn of(extensions: &Extensions) -> Self {
        let by_gateway = extensions.get::<RequestContext>().and_then(|context| match context {
            RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref()?.parse().ok(),
            _ => None,
        });
        let by_socket = || extensions.get::<PeerAddress>().map(|PeerAddress(address)| *address);
        by_gateway.or_else(by_socket).map_or(Self::Unknown, |address| Self::Known(network(address)))
    }
}

impl ClientAddress {
    /// The network whose places are counted, by fingerprints; `None` if it is not known, or none is counted.
    pub fn network(self, app: &App) -> Option<Network> {
        let Self::Known(address) = self else { return None };
        if app.config.network_places_max == Some(0) {
            return None;
        }
        let fingerprint = |network: &str| app.tokens.fingerprint(NETWORK, network);
        Some(Network {
            own: fingerprint(&address.to_string()),
            wide: self.wide().as_deref().map(fingerprint),
        })
    }

    /// The wider network that it is part of: the /48 of an IPv6 address, as one customer may have all of that (RFC 6177).
    pub fn wide(&self) -> Option<String> {
        match self {
            Self::Known(IpAddr::V6(address)) => {
                let [a, b, c, ..] = address.segments();
                Some(format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)))
            }
            _ => None,
        }
    }
}

impl From<ClientAddress> for Origin {
    fn from(address: ClientAddress) -> Self {
        Self { network: address.to_string(), wide: address.wide() }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(address) => address.fmt(f),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_socket(address: &str) -> ClientAddress {
        let mut extensions = Extensions::new();
        extensions.insert(PeerAddress(address.parse().unwrap()));
        ClientAddress::of(&extensions)
    }

    fn from_socket(address: &str) -> String {
        at_socket(address).to_string()
    }

    #[test]
    fn only_ipv6_has_wider_networks() {
        assert_eq!(at_socket("2001:db8:1:2:3:4:5:6").wide().unwrap(), "2001:db8:1::/48");
        assert_eq!(at_socket("2001:db8:1:ffff::1").wide(), at_socket("2001:db8:1::").wide());
        assert_ne!(at_socket("2001:db8:2::").wide(), at_socket("2001:db8:1::").wide());
        assert_eq!(at_socket("192.0.2.7").wide(), None);
        assert_eq!(at_socket("::ffff:192.0.2.7").wide(), None);
        assert_eq!(ClientAddress::Unknown.wide(), None);
    }

    #[test]
    fn ipv6_counts_by_its_network() {
        assert_eq!(from_socket("192.0.2.7"), "192.0.2.7");
        assert_eq!(from_socket("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(from_socket("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(ClientAddress::of(&Extensions::new()).to_string(), "unknown");
    }

    #[test]
    fn api_gateway_is_believed() {
        let context = serde_json::json!({ "http": { "sourceIp": "198.51.100.4", "method": "GET" } });
        let mut extensions = Extensions::new();
        extensions.insert(RequestContext::ApiGatewayV2(serde_json::from_value(context).unwrap()));
        assert_eq!(ClientAddress::of(&extensions).to_string(), "198.51.100.4");
    }
}
