//! TLS servers with something wrong.

use std::sync::Arc;

use models::ErrorKind;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{io::AsyncWriteExt as _, net::TcpListener, task::JoinHandle};
use tokio_rustls::TlsAcceptor;
use worker::fetch::{Clients, Fetcher};

use crate::{
    fetching::{fault, target},
    server::{Reply, serve},
};

/// A TLS server whose certificate, for `name`, is valid from one year to another.
async fn start(name: &str, years: std::ops::Range<i32>) -> (u16, JoinHandle<()>) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(years.start, 1, 1);
    params.not_after = date_time_ymd(years.end, 1, 1);
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(secured) = acceptor.accept(connection).await {
                    serve(secured, Arc::default(), Arc::new(|_: &_| Reply::ok())).await;
                }
            });
        }
    });
    (port, task)
}

async fn words(url: &str) -> String {
    let fetcher = Fetcher::new(&Clients::new("true".parse().unwrap(), "sides/test").unwrap()).unwrap();
    let (kind, words) = fault(fetcher.fetch(url, &target()).await);
    assert_eq!(kind, ErrorKind::Tls, "{words}");
    words
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_today_is_named_with_its_day() {
    let (port, task) = start("localhost", 2019..2020).await;
    let expired = words(&format!("https://localhost:{port}/")).await;
    assert_eq!(expired, "the certificate expired on 2020-01-01 00:00 UTC");
    task.abort();
    let (port, task) = start("localhost", 2090..2091).await;
    let early = words(&format!("https://localhost:{port}/")).await;
    assert_eq!(early, "the certificate is not valid before 2090-01-01 00:00 UTC");
    task.abort();
}

#[tokio::test]
async fn an_unknown_authority_is_named() {
    let (port, task) = start("localhost", 2019..2090).await;
    let unknown = words(&format!("https://localhost:{port}/")).await;
    assert_eq!(unknown, "the certificate is not signed by an authority this machine trusts");
    task.abort();
}

#[tokio::test]
async fn a_server_without_tls_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        connection.shutdown().await.unwrap();
    });
    assert_eq!(
        words(&format!("https://localhost:{port}/")).await,
        "the server does not speak TLS on this port"
    );
    task.await.unwrap();
}
