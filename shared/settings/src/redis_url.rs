//! What a URL of Redis must be, as its client reads it.

use redis::{Client, ConnectionAddr, IntoConnectionInfo, TlsCertificates};

/// Whether a client could be made for that URL.
pub(crate) fn is_redis_url(url: &str) -> bool {
    redis::parse_redis_url(url).is_some()
}

/// Whether a client for that URL would connect by TLS.
pub(crate) fn is_tls_url(url: &str) -> bool {
    let connects_to = url.into_connection_info();
    connects_to.is_ok_and(|connects_to| matches!(connects_to.addr(), ConnectionAddr::TcpTls { .. }))
}

/// Whether a client can trust these certificates, in PEM: there is one at least, and each can be read.
pub(crate) fn are_authorities(pem: &str) -> bool {
    // A client would take a text without any, and then trust nobody.
    let trust = TlsCertificates { client_tls: None, root_cert: Some(pem.as_bytes().to_vec()) };
    let has_one = pem.lines().any(|line| line.starts_with("-----BEGIN CERTIFICATE-----"));
    has_one && Client::build_with_tls("rediss://localhost", trust).is_ok()
}

/// The URL with that password, unless it has one; `None` if it is no Redis URL.
pub(crate) fn with_password(url: &str, password: &str) -> Option<String> {
    let mut url = redis::parse_redis_url(url)?;
    if url.password().is_none() {
        url.set_password(Some(password)).ok()?;
    }
    Some(url.into())
}
