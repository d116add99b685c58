//! TLS to a Redis server.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::settings::StoreConfig;
use crate::store::error::StoreError;

/// Certificates to trust and to show, read once.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
}

impl Tls {
    /// Trusts `store.redis_ca_file`, or without one what the system trusts, and shows the certificate of
    /// `store.redis_cert_file` to a server that asks for one.
    pub(crate) fn load(settings: &StoreConfig) -> Result<Self, StoreError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| setting("store.redis_url", "no version of TLS is available"))?
            .with_root_certificates(roots(settings)?);
        let config = if settings.redis_cert_file.as_os_str().is_empty() {
            config.with_no_client_auth()
        } else {
            let chain = certificates("store.redis_cert_file", &settings.redis_cert_file)?;
            let key_file = &settings.redis_key_file;
            let key = PrivateKeyDer::from_pem_file(key_file)
                .map_err(|error| unreadable("store.redis_key_file", key_file, error))?;
            config.with_client_auth_cert(chain, key).map_err(|_| {
                setting(
                    "store.redis_key_file",
                    "not the key of the certificate in store.redis_cert_file",
                )
            })?
        };
        Ok(Self {
            connector: Arc::new(config).into(),
        })
    }

    pub(crate) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        self.connector.connect(name, stream).await
    }
}

fn roots(settings: &StoreConfig) -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    if settings.redis_ca_file.as_os_str().is_empty() {
        // A store of the system may hold certificates that nobody can read.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            tracing::warn!("the system trusts no certificate authority: set store.redis_ca_file");
        }
        return Ok(roots);
    }
    let (key, file) = ("store.redis_ca_file", &settings.redis_ca_file);
    for certificate in certificates(key, file)? {
        roots
            .add(certificate)
            .map_err(|error| unreadable(key, file, error))?;
    }
    Ok(roots)
}

fn certificates(
    key: &'static str,
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err(setting(key, "the file holds no certificate in PEM format"))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unreadable(key, file, error)),
    }
}

fn unreadable(
    key: &'static str,
    file: &Path,
    source: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    StoreError::File {
        key,
        path: file.to_path_buf(),
        source: Arc::new(source),
    }
}

fn setting(key: &'static str, why: &'static str) -> StoreError {
    StoreError::Setting { key, why }
}
