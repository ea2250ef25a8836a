//! TLS in front of a Redis, as the deployed ones have it: the servers that tests start have none.

use std::{fs, path::PathBuf, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};
use uuid::Uuid;

/// Somebody who says who a server is, and whom only those trust who were told to.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Clients look for an authority by its name first.
        params.distinguished_name.push(DnType::CommonName, Uuid::now_v7().to_string());
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = Self { issuer, folder: tempfile::tempdir().unwrap() };
        fs::write(authority.file(), authority.issuer.pem()).unwrap();
        authority
    }

    /// Where its certificate is.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// What a server needs to be on this machine in the eyes of those who trust this authority.
    fn certified(&self) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost", "127.0.0.1"].map(str::to_owned)).unwrap();
        let chain = vec![params.signed_by(&key, &self.issuer).unwrap().into()];
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(chain, PrivateKeyDer::from(key)).unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Takes TLS connections for the Redis at that URL, for as long as the test runs; answers with the port.
pub(crate) async fn in_front_of(redis: &str, authority: &Authority) -> u16 {
    let redis = redis.trim_start_matches("redis://").to_owned();
    let acceptor = authority.certified();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(pass_on(acceptor.clone(), connection, redis.clone()));
        }
    });
    port
}

/// Ends with either side, and at once if the client does not like the certificate.
async fn pass_on(acceptor: TlsAcceptor, connection: TcpStream, redis: String) {
    let Ok(mut client) = acceptor.accept(connection).await else { return };
    let mut redis = TcpStream::connect(redis).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut redis).await;
}
