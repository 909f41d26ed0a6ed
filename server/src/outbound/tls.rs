//! Which certificates are trusted on the way out.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Why further roots could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    #[error("not PEM: {0}")]
    Pem(String),
    #[error("there is no certificate in it")]
    Empty,
    #[error("not a certificate that can be trusted: {0}")]
    Certificate(rustls::Error),
    #[error("TLS can't be set up: {0}")]
    Tls(rustls::Error),
}

pub(super) fn client(extra: Option<&str>) -> Result<ClientConfig, RootsError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = extra {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| RootsError::Pem(error.to_string()))?;
            roots.add(certificate).map_err(RootsError::Certificate)?;
        }
        if roots.len() == before {
            return Err(RootsError::Empty);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(RootsError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
