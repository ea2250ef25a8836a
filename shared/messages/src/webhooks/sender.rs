//! Sending to an endpoint, which may hang, lie, redirect, or have an address that only we can reach.

use std::{error::Error as _, net::SocketAddr, sync::Arc, time::Duration};

use domain::{
    endpoint_url::{Addresses, EndpointUrl},
    webhook::Secret,
};
use jiff::Timestamp;
use reqwest::{
    Client, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{CONTENT_TYPE, USER_AGENT},
    redirect,
};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

/// An endpoint has so long for all of it: its name, the connection, and the answer.
pub(crate) const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// A connection is used again within this time. Many servers close theirs after 5 s: what is sent into that fails, and has to
/// wait for its next try.
const IDLE_FOR: Duration = Duration::from_secs(3);
/// The specification's word for an endpoint that is to be told nothing more.
const GONE: u16 = 410;
/// Bytes read of an answer.
const ANSWER_BYTES_MAX: usize = 1_024;

/// What an endpoint answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has it.
    Taken(String),
    /// It wants nothing any more.
    Gone(String),
    /// It has it not.
    Failed(String),
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter<'a> {
    /// The same however often it is sent.
    pub(super) id: &'a str,
    pub(super) body: &'a str,
}

/// Sends to endpoints, at no other addresses than it may.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    client: Client,
    addresses: Addresses,
}

impl Sender {
    /// # Errors
    /// When there is no TLS to be had.
    pub(super) fn new(addresses: Addresses) -> Result<Self, String> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            // A proxy of the environment would be asked for addresses that nobody looked at.
            .no_proxy()
            .redirect(redirect::Policy::none())
            .dns_resolver(Resolver(addresses))
            .timeout(ANSWERED_WITHIN)
            .pool_idle_timeout(IDLE_FOR)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { client, addresses })
    }

    /// Sends it, signed with each of the secrets.
    pub(super) async fn send(
        &self,
        url: &str,
        letter: Letter<'_>,
        secrets: impl Iterator<Item = &Secret>,
        now: Timestamp,
    ) -> Answer {
        // An address in numbers is asked of no resolver; and what was allowed when it was written may be so no longer.
        let url = match EndpointUrl::parse(url, self.addresses) {
            Ok(url) => url,
            Err(problem) => return Answer::Failed(format!("its address {problem}")),
        };
        let signatures: Result<Vec<_>, _> = secrets
            .map(|secret| {
                let signing = Webhook::new(secret.reveal())?;
                signing.sign(letter.id, now.as_second(), letter.body.as_bytes())
            })
            .collect();
        let Ok(signatures) = signatures else { return Answer::Failed("its secret can't be used".to_owned()) };
        let request = self
            .client
            .post(url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "Evently")
            .header(HEADER_WEBHOOK_ID, letter.id)
            .header(HEADER_WEBHOOK_TIMESTAMP, now.as_second())
            .header(HEADER_WEBHOOK_SIGNATURE, signatures.join(" "))
            .body(letter.body.to_owned());
        match request.send().await {
            Ok(response) => judged(response).await,
            Err(error) => Answer::Failed(said(&error)),
        }
    }
}

async fn judged(response: Response) -> Answer {
    let status = response.status().as_u16();
    let answer = match beginning(response).await {
        Ok(text) if text.is_empty() => status.to_string(),
        Ok(text) => format!("{status} {text}"),
        // It was not all there in time: nobody knows what the rest would say.
        Err(error) => return Answer::Failed(format!("{status} and then: {}", said(&error))),
    };
    match status {
        GONE => Answer::Gone(answer),
        200..=299 => Answer::Taken(answer),
        300..=399 => Answer::Failed(format!("{answer} (redirects are not followed)")),
        _ => Answer::Failed(answer),
    }
}

/// As much of an answer as is kept; the rest is never read.
async fn beginning(mut response: Response) -> Result<String, reqwest::Error> {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES_MAX {
        let Some(chunk) = response.chunk().await? else { break };
        bytes.extend(chunk.iter().take(ANSWER_BYTES_MAX - bytes.len()));
    }
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// What went wrong, in a line, without the address: it may have a secret in it.
fn said(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("it did not answer within {} s", ANSWERED_WITHIN.as_secs());
    }
    let causes = std::iter::successors(error.source(), |&error| error.source()).map(ToString::to_string);
    let last = causes.last().unwrap_or_else(|| "it could not be asked".to_owned());
    format!("no answer: {last}")
}

/// Finds the addresses of a name, each time that somebody connects: what was looked at is what is called.
#[derive(Clone, Copy, Debug)]
struct Resolver(Addresses);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0;
        Box::pin(async move {
            // The port is the URL's.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.filter(|address| allowed.allow(address.ip())).collect();
            match found.is_empty() {
                true => Err("its name leads to no public address".into()),
                false => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolved(allowed: Addresses, name: &str) -> Result<Vec<SocketAddr>, String> {
        let found = Resolver(allowed).resolve(name.parse().unwrap()).await;
        found.map(Iterator::collect).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_leads_nowhere() {
        for name in ["localhost", "127.0.0.1", "::ffff:10.0.0.1", "169.254.169.254"] {
            let said = resolved(Addresses::Public, name).await.unwrap_err();
            assert_eq!(said, "its name leads to no public address", "{name}");
        }
        let own = resolved(Addresses::AlsoLoopback, "localhost").await.unwrap();
        assert!(!own.is_empty() && own.iter().all(|address| address.ip().is_loopback()));
    }

    #[tokio::test]
    async fn what_may_not_be_called_is_not_called() {
        let sender = Sender::new(Addresses::Public).unwrap();
        let letter = Letter { id: "x", body: "{}" };
        for (url, said) in [
            ("https://localhost./", "its address must be at a public address"),
            ("https://[::ffff:10.0.0.1]/", "its address must be at a public address"),
            ("http://example.com/", "its address must begin with https://"),
        ] {
            let answer = sender.send(url, letter, std::iter::empty(), Timestamp::now()).await;
            assert_eq!(answer, Answer::Failed(said.to_owned()), "{url}");
        }
    }
}
