//! TLS: who is known by a certificate, and what happens when certificates change.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::world::{Ask, Client, KEY, Setting, World, bearer, work_item};
use crate::http::tls::{ALPN_H2, ALPN_HTTP1, TlsError, TlsFiles, server_config};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "authority");
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("a certificate")
}

struct Leaf {
    certificate: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Leaf {
    fn of(authority: &Authority, name: &str) -> Leaf {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Bank");
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let signed = params.signed_by(&key, authority).expect("a certificate");
        Leaf {
            certificate: signed.der().clone(),
            pem: signed.pem(),
            key,
        }
    }
}

/// Writes the server's files and reads them back as a configuration.
fn files(folder: &Path, authority: &Authority) -> TlsFiles {
    let server = Leaf::of(authority, "server");
    let files = TlsFiles {
        certificate_file: folder.join("server.pem"),
        private_key_file: folder.join("server.key"),
        client_ca_file: Some(folder.join("clients.pem")),
    };
    std::fs::write(&files.certificate_file, server.pem).expect("written");
    std::fs::write(&files.private_key_file, server.key.serialize_pem()).expect("written");
    std::fs::write(folder.join("clients.pem"), authority.pem()).expect("written");
    files
}

struct Encrypted {
    world: World,
    authority: Authority,
    config: watch::Sender<Arc<ServerConfig>>,
    folder: TempDir,
}

impl Encrypted {
    async fn open() -> Encrypted {
        let folder = TempDir::new().expect("a folder");
        let authority = authority();
        let files = files(folder.path(), &authority);
        let (config, tls) = watch::channel(server_config(&files).expect("a configuration"));
        let mut setting = Setting::default();
        let crm = setting.policy.senders.get_mut("crm").expect("there");
        Arc::make_mut(crm).client_cert_subject = Some("CN=crm,O=Bank".to_owned());
        setting.console_tls = Some(tls.clone());
        setting.tls = Some(tls);
        Encrypted {
            world: World::open(setting).await,
            authority,
            config,
            folder,
        }
    }

    async fn connect(
        &self,
        trusted: &Authority,
        certificate: Option<Leaf>,
        alpn: &[u8],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let intake = self.world.address;
        self.connect_to(intake, trusted, certificate, alpn).await
    }

    async fn connect_to(
        &self,
        address: SocketAddr,
        trusted: &Authority,
        certificate: Option<Leaf>,
        alpn: &[u8],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.der().clone()).expect("a certificate");
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match certificate {
            None => builder.with_no_client_auth(),
            Some(leaf) => {
                let key = PrivateKeyDer::try_from(leaf.key.serialize_der()).expect("a key");
                builder
                    .with_client_auth_cert(vec![leaf.certificate], key)
                    .expect("a pair")
            }
        };
        config.alpn_protocols = vec![alpn.to_vec()];
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").expect("a name");
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }
}

#[tokio::test]
async fn a_sender_is_known_by_its_certificate() {
    let door = Encrypted::open().await;
    for (name, expected) in [("crm", 201), ("other", 401)] {
        let leaf = Leaf::of(&door.authority, name);
        let stream = door.connect(&door.authority, Some(leaf), ALPN_HTTP1).await;
        let mut client = Client {
            stream: stream.expect("connected"),
        };
        let answer = client.ask(&Ask::post(&work_item(name))).await;
        assert_eq!(answer.status, expected, "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn without_a_certificate_a_key_does() {
    let door = Encrypted::open().await;
    let stream = door.connect(&door.authority, None, ALPN_HTTP1).await;
    let mut client = Client {
        stream: stream.expect("connected"),
    };
    let unknown = client.ask(&Ask::post(&work_item("k-1"))).await;
    assert_eq!(unknown.fault(), (401, "notAuthenticated"));
    let signed = Ask::post(&work_item("k-1")).header("authorization", &bearer(KEY));
    assert_eq!(client.ask(&signed).await.status, 201);
}

#[tokio::test]
async fn a_certificate_of_a_strange_authority_ends_the_connection() {
    let door = Encrypted::open().await;
    let leaf = Leaf::of(&authority(), "crm");
    let stream = door.connect(&door.authority, Some(leaf), ALPN_HTTP1).await;
    // With TLS 1.3 the client learns of it only after its own part is done.
    if let Ok(stream) = stream {
        let mut client = Client { stream };
        let ask = Ask::post(&work_item("s-1"));
        let sent = tokio::io::AsyncWriteExt::write_all(&mut client.stream, &ask.bytes()).await;
        assert!(sent.is_err() || client.answer().await.is_none());
    }
}

#[tokio::test]
async fn a_session_under_tls_has_a_cookie_of_this_host_alone() {
    let door = Encrypted::open().await;
    let user = r#"{"name":"anna","password":"correct horse battery"}"#;
    let added = door.world.operate("POST", "/api/v1/users", user).await;
    assert_eq!(added.status, 200, "{added:?}");
    let console = door.world.console;
    let stream = door.connect_to(console, &door.authority, None, ALPN_HTTP1);
    let mut client = Client {
        stream: stream.await.expect("connected"),
    };
    let body = br#"{"user":"anna","password":"correct horse battery"}"#;
    let sign_in = Ask::new("POST", "/api/v1/session").body(body);
    let signed_in = client.ask(&sign_in).await;
    let token = signed_in.json()["token"].as_str().map(str::to_owned);
    let token = token.expect("a token");
    let cookie = format!("__Host-anteroom-session={token}; Path=/; HttpOnly; SameSite=Lax; Secure");
    let expected = cookie.to_lowercase();
    assert_eq!(signed_in.header("set-cookie"), Some(expected.as_str()));
    for (name, status) in [("__Host-anteroom-session", 200), ("anteroom-session", 401)] {
        let who = Ask::new("GET", "/api/v1/session").header("cookie", &format!("{name}={token}"));
        assert_eq!(client.ask(&who).await.status, status, "{name}");
    }
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_chosen() {
    let door = Encrypted::open().await;
    let stream = door.connect(&door.authority, None, ALPN_H2).await;
    let io = TokioIo::new(stream.expect("connected"));
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .expect("HTTP/2");
    let driving = tokio::spawn(connection);
    let request = Request::post("https://localhost/v1/work-items")
        .header("authorization", bearer(KEY))
        .header("content-type", "application/xml")
        .body(axum::body::Body::from(work_item("h2-1")))
        .expect("a request");
    let response = sender.send_request(request).await.expect("an answer");
    assert_eq!(response.status(), 201);
    assert_eq!(response.version(), hyper::Version::HTTP_2);
    drop(sender);
    assert!(driving.await.expect("joined").is_ok());
}

#[tokio::test]
async fn new_connections_get_the_new_certificate() {
    let door = Encrypted::open().await;
    let next = authority();
    let replaced = files(door.folder.path(), &next);
    let before = door.connect(&door.authority, None, ALPN_HTTP1).await;
    let config = server_config(&replaced).expect("a configuration");
    door.config.send(config).expect("a server");
    assert!(
        door.connect(&door.authority, None, ALPN_HTTP1)
            .await
            .is_err()
    );
    assert!(door.connect(&next, None, ALPN_HTTP1).await.is_ok());
    let mut kept = Client {
        stream: before.expect("connected"),
    };
    let ask = Ask::new("GET", "/schemas/answer.xsd");
    assert_eq!(
        kept.ask(&ask).await.status,
        200,
        "the old connection goes on"
    );
}

#[tokio::test]
async fn files_that_do_not_fit_are_named() {
    let folder = TempDir::new().expect("a folder");
    let authority = authority();
    let good = files(folder.path(), &authority);
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").expect("written");
    let cases = [
        TlsFiles {
            certificate_file: empty.clone(),
            ..good.clone()
        },
        TlsFiles {
            private_key_file: empty.clone(),
            ..good.clone()
        },
        TlsFiles {
            client_ca_file: Some(empty.clone()),
            ..good.clone()
        },
    ];
    for case in cases {
        let error = server_config(&case).expect_err("a file is empty");
        assert!(error.to_string().contains("empty.pem"), "{error}");
    }
    let other = Leaf::of(&authority, "other");
    std::fs::write(&good.private_key_file, other.key.serialize_pem()).expect("written");
    let mismatch = server_config(&good);
    assert!(matches!(mismatch, Err(TlsError::Unusable(_))));
}
