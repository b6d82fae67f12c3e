//! The way to a server that shows a certificate: only one for its own name, from somebody who is trusted, lets anything pass.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rollbook_store::site_databases::{Patience, Reach};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{A, altered, behind, is_problem, keys, with};
use crate::harness::{Database, Hosting, Service};

/// What PostgreSQL's protocol asks for TLS with.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// An authority, and the file that names it to the operator's service.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: NamedTempFile,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        let file = NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), issuer.pem()).expect("it is written");
        Self { issuer, file }
    }

    /// A service that trusts it.
    async fn trusted(&self) -> Service {
        let patience = Patience { within: std::time::Duration::from_secs(5), ..Patience::default() };
        let reach = Reach::try_new(None, Some(self.file.path()), patience).expect("a way");
        with(Database::create().await, Hosting { keys: keys(A), reach, ..Hosting::default() }).await
    }

    /// What a server shows that has this name.
    fn shows(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let shown = params.signed_by(&key, &self.issuer).expect("a certificate");
        server(shown.der().clone(), &key)
    }
}

fn server(shown: rustls::pki_types::CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    builder.expect("versions").with_no_client_auth().with_single_cert(vec![shown], key).expect("a pair")
}

/// A server that shows this and passes everything on to a real one; its port, and what each connection began with.
fn shown(config: ServerConfig, real: u16) -> (u16, Receiver<&'static str>) {
    let (tell, told) = channel();
    let (send_port, port) = channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            send_port.send(listener.local_addr().expect("an address").port()).expect("somebody asks");
            let acceptor = TlsAcceptor::from(Arc::new(config));
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(passed(stream, acceptor.clone(), real, tell.clone()));
            }
        });
    });
    (port.recv().expect("it listens"), told)
}

async fn passed(
    mut stream: TcpStream,
    acceptor: TlsAcceptor,
    real: u16,
    tell: Sender<&'static str>,
) -> std::io::Result<()> {
    let mut asked = [0; 8];
    stream.read_exact(&mut asked).await?;
    // A test that is over hears nothing.
    let _ = tell.send(if asked == SSL_REQUEST { "TLS" } else { "in the clear" });
    stream.write_all(b"S").await?;
    let mut stream = acceptor.accept(stream).await?;
    let _ = tell.send("let in");
    copy_bidirectional(&mut stream, &mut TcpStream::connect(("127.0.0.1", real)).await?).await.map(drop)
}

fn named(port: u16, own: &Database) -> String {
    let url = behind(port, &own.url);
    altered(&url, |url| url.set_host(Some("localhost")).expect("a host")) + "?sslmode=verify-full"
}

#[tokio::test]
async fn everything_goes_through_tls_to_a_server_that_is_who_it_says() {
    let (authority, own) = (Authority::new(), Database::empty().await);
    let service = authority.trusted().await;
    let (port, told) = shown(authority.shows("localhost", |_| ()), own.pool.connect_options().get_port());
    let id = service.wanting("north").await;
    let given = service.give(&id, &named(port, &own)).await;
    assert_eq!(given.status, 200, "{}", given.text);
    let north = service.in_own("north", &id, &own).await;
    assert_eq!(north.ask(&north.owner, "/v1/people").await.status, 200);
    let sql = "select count(*) from pg_stat_activity where datname = $1 and query = 'listen rollbook_events'";
    super::until("it listens", async || {
        let listen: i64 = sqlx::query_scalar(sql).bind(super::name(&own)).fetch_one(&own.pool).await.expect("a count");
        listen == 1
    })
    .await;
    let told: Vec<_> = told.try_iter().collect();
    assert!(told.contains(&"let in") && !told.contains(&"in the clear"), "{told:?}");
}

#[tokio::test]
async fn a_certificate_for_another_name_an_old_one_and_one_of_its_own_are_refused() {
    let (authority, own) = (Authority::new(), Database::empty().await);
    let service = authority.trusted().await;
    let id = service.wanting("north").await;
    let own_key = KeyPair::generate().expect("a key");
    let of_its_own = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name").self_signed(&own_key);
    for config in [
        authority.shows("other.example.org", |_| ()),
        authority.shows("127.0.0.1", |_| ()),
        authority.shows("localhost", |params| params.not_after = date_time_ymd(2020, 1, 1)),
        authority.shows("localhost", |params| params.not_before = date_time_ymd(4000, 1, 1)),
        server(of_its_own.expect("a certificate").der().clone(), &own_key),
        Authority::new().shows("localhost", |_| ()),
    ] {
        let (port, told) = shown(config, own.pool.connect_options().get_port());
        is_problem(&service.give(&id, &named(port, &own)).await, 409, "database_unreachable");
        assert_eq!(told.try_iter().collect::<Vec<_>>(), ["TLS"], "nothing was said over it");
    }
}
