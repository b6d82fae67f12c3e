//! The connection to the server of a site's own database, encrypted where the way leads off this machine.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ConfigBuilder};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::super::address::Host;
use super::{Shared, Trouble};

/// How many addresses of one name are tried.
const ADDRESSES: usize = 4;
/// The longest description of what is wrong with TLS, in characters.
const LONGEST: usize = 200;

/// A connection, whatever it goes over.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What verifies a server's certificate and name: by the roots of the platform, and the operator's own authorities.
pub fn connector(authorities: &[CertificateDer<'static>]) -> Result<TlsConnector, Trouble> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(authorities.iter().cloned(), Arc::clone(&provider));
    let verifier = Arc::new(verifier.map_err(Trouble::Authorities)?);
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder: ConfigBuilder<ClientConfig, WantsClientCert> =
        builder.map_err(Trouble::Authorities)?.dangerous().with_custom_certificate_verifier(verifier);
    Ok(TlsConnector::from(Arc::new(builder.with_no_client_auth())))
}

/// Connects to the server; no message of its protocol is sent yet.
pub async fn connect(shared: &Shared) -> Result<Box<dyn Stream>, Trouble> {
    let (host, port) = (&shared.address.host, shared.address.port);
    let Host::Folder(folder) = host else {
        let tcp = tcp(shared).await?;
        return match &shared.tls {
            Some(connector) => encrypted(tcp, host, connector).await,
            None => Ok(Box::new(tcp)),
        };
    };
    Ok(Box::new(UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?))
}

async fn tcp(shared: &Shared) -> Result<TcpStream, Trouble> {
    let mut addresses = addresses(shared).await?;
    if shared.tls.is_none() {
        addresses.retain(|address| address.ip().is_loopback());
    }
    let mut failed = Trouble::Elsewhere;
    for address in addresses.into_iter().take(ADDRESSES) {
        match TcpStream::connect(address).await {
            Ok(connected) => {
                connected.set_nodelay(true)?;
                return Ok(connected);
            }
            Err(error) => failed = error.into(),
        }
    }
    Err(failed)
}

/// The addresses of the host. A look-up cannot be broken off, so that a database has one at a time.
async fn addresses(shared: &Shared) -> Result<Vec<SocketAddr>, Trouble> {
    let port = shared.address.port;
    let name = match &shared.address.host {
        Host::Address(address) => return Ok(vec![(*address, port).into()]),
        Host::Name(name) => name.clone(),
        Host::Folder(_) => return Ok(Vec::new()),
    };
    let place = Arc::clone(&shared.look_up).acquire_owned().await.map_err(|_| Trouble::Ended)?;
    let found = tokio::task::spawn_blocking(move || {
        let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
        drop(place);
        found
    });
    Ok(found.await.map_err(|_| Trouble::Ended)??)
}

async fn encrypted(mut tcp: TcpStream, host: &Host, connector: &TlsConnector) -> Result<Box<dyn Stream>, Trouble> {
    let name = match host {
        Host::Address(address) => ServerName::from(*address),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| Trouble::Tls(error.to_string()))?,
        Host::Folder(_) => return Err(Trouble::NoTls),
    };
    let mut asks = BytesMut::new();
    frontend::ssl_request(&mut asks);
    tcp.write_all(&asks).await?;
    match tcp.read_u8().await? {
        b'S' => {}
        b'N' => return Err(Trouble::NoTls),
        _ => return Err(Trouble::Protocol),
    }
    let connected = connector.connect(name, tcp).await;
    // It may hold names of the certificate.
    let said = |error: std::io::Error| Trouble::Tls(error.to_string().escape_debug().take(LONGEST).collect());
    Ok(Box::new(connected.map_err(said)?))
}
