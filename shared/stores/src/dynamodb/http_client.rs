//! The HTTP client that speaks to DynamoDB.
//!
//! AWS's endpoints have certificates under the roots of Amazon Trust Services (<https://www.amazontrust.com/repository/>),
//! which the SDK documents as sufficient. The system's store has some 140 others, and reading all of them is most of what a
//! function does before its first request. Trusting fewer is also safer.

use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// Amazon Root CA 1 to 4, and the Starfield root that older paths end in; the first of them to expire does so in 2037.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// A client that trusts Amazon's roots, and no others.
pub(super) fn trusting_amazon_only() -> SharedHttpClient {
    let context =
        TlsContext::builder().with_trust_store(TrustStore::empty().with_pem_certificate(AMAZON_ROOTS));
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    match context.build() {
        Ok(context) => builder.tls_context(context).build_https(),
        // Only a trust store that is not there can be refused.
        Err(_) => builder.build_https(),
    }
}

/// A client for a store on this machine, without TLS. The SDK's own would ask a proxy of the environment, which can't reach it.
pub(super) fn past_any_proxy() -> SharedHttpClient {
    Builder::new().build_http()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_are_certificates() {
        let roots = String::from_utf8(AMAZON_ROOTS.to_vec()).unwrap();
        assert_eq!(roots.matches("BEGIN CERTIFICATE").count(), 5);
        // The client reads them when it is made, and panics at one that is none.
        trusting_amazon_only();
    }
}
