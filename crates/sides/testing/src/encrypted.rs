//! A Postgres with TLS, and authorities that sign certificates for it. They are made with `openssl`, which Debian's
//! Postgres brings along, as people make theirs.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use database::DatabaseUrl;
use postgres::{Cluster, Opened, Settings};

use crate::wait_until;

/// Who signs certificates.
pub struct Authority {
    folder: PathBuf,
    name: String,
}

/// What is asked of an authority.
#[derive(Debug, Clone, Copy)]
pub struct Certificate<'a> {
    /// The common name.
    pub common: &'a str,
    /// The extensions, as `openssl` reads them. None makes a certificate of version 1, as Postgres' manual does.
    pub extensions: &'a [&'a str],
    /// How many days it is valid; it may have been in the past.
    pub days: i32,
    /// What `openssl genpkey` is told.
    pub key: &'a [&'a str],
}

impl<'a> Certificate<'a> {
    /// One of a server, valid today, as Postgres' manual makes it.
    #[must_use]
    pub fn of_host(common: &'a str) -> Self {
        Self { common, extensions: &[], days: 30, key: Self::RSA }
    }

    /// The key that most have: an elliptic one.
    pub const EC: &'static [&'static str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    /// The other one that most have.
    pub const RSA: &'static [&'static str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
}

impl Authority {
    /// One that signed itself: `name.crt` and `name.key` in the folder.
    ///
    /// # Panics
    /// When `openssl` fails.
    #[must_use]
    pub fn new(folder: &Path, name: &str) -> Self {
        let subject = format!("/CN={name}");
        let (key, file) = (folder.join(format!("{name}.key")), folder.join(format!("{name}.crt")));
        generate(&key, Certificate::EC);
        openssl(&["req", "-x509", "-days", "30", "-subj", &subject, "-key", text(&key), "-out", text(&file)]);
        Self::of(folder, name)
    }

    /// One whose certificate and key lie there already.
    #[must_use]
    pub fn of(folder: &Path, name: &str) -> Self {
        Self { folder: folder.to_owned(), name: name.to_owned() }
    }

    /// Its own certificate.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.join(format!("{}.crt", self.name))
    }

    /// Signs `name.crt`, whose key is `name.key`.
    ///
    /// # Panics
    /// When `openssl` fails.
    pub fn sign(&self, name: &str, wanted: Certificate<'_>) {
        let file = |end: &str| self.folder.join(format!("{name}.{end}"));
        let (key, request, extensions) = (file("key"), file("csr"), file("ext"));
        generate(&key, wanted.key);
        let subject = format!("/CN={}", wanted.common);
        openssl(&["req", "-new", "-subj", &subject, "-key", text(&key), "-out", text(&request)]);
        let (own, own_key, days) = (self.file(), self.file().with_extension("key"), wanted.days.to_string());
        let made = file("crt");
        let mut arguments = vec!["x509", "-req", "-days", &days, "-in", text(&request), "-out", text(&made)];
        arguments.extend(["-CA", text(&own), "-CAkey", text(&own_key), "-CAcreateserial"]);
        if !wanted.extensions.is_empty() {
            fs::write(&extensions, wanted.extensions.join("\n")).expect("the folder is the test's");
            arguments.extend(["-extfile", text(&extensions)]);
        }
        openssl(&arguments);
    }
}

/// A server on 127.0.0.1 whose certificate can be changed.
pub struct TlsServer {
    cluster: Cluster,
    folder: PathBuf,
    socket: DatabaseUrl,
    port: u16,
}

impl TlsServer {
    /// Starts one, without TLS, in `folder`, which the server's user must be able to enter. `access` is its
    /// `pg_hba.conf`, after a line that takes everybody at the socket.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(folder: &Path, access: &str) -> Self {
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let options = [("listen_addresses", "127.0.0.1"), ("port", &port.to_string())];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let settings = Settings { durable: false, options, ..Settings::default() };
        let Opened::Started(cluster) = Cluster::open(folder, settings).await.expect("the server starts")
        else {
            panic!("it runs already")
        };
        let socket: DatabaseUrl = format!("{}?port={port}", cluster.url()).parse().expect("it is an address");
        fs::write(folder.join("data/pg_hba.conf"), format!("local all all trust\n{access}\n"))
            .expect("its own file");
        let server = Self { cluster, folder: folder.to_owned(), socket, port };
        server.admin().await.batch_execute("SELECT pg_reload_conf()").await.expect("a superuser may");
        server
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address on its socket, as its superuser.
    #[must_use]
    pub fn socket(&self) -> &DatabaseUrl {
        &self.socket
    }

    /// A session of its superuser.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn admin(&self) -> tokio_postgres::Client {
        database::client(&self.socket).await.expect("the server answers")
    }

    /// Shows this certificate from now on; `name.crt` and `name.key` lie in `from`. `clients` is the certificate of
    /// the authority that signs those of clients.
    ///
    /// # Panics
    /// When the server does not take it.
    pub async fn show(&self, from: &Path, name: &str, clients: &Path) {
        let data = self.folder.join("data");
        let owner = fs::metadata(&data).expect("the server has data");
        let mut settings = vec!["ALTER SYSTEM SET ssl = on".to_owned()];
        let files = [
            ("ssl_cert_file", from.join(format!("{name}.crt"))),
            ("ssl_key_file", from.join(format!("{name}.key"))),
        ];
        for (setting, file) in files.into_iter().chain([("ssl_ca_file", clients.to_owned())]) {
            let own = format!("{name}.{setting}");
            fs::copy(&file, data.join(&own)).expect("the files are there");
            fs::set_permissions(data.join(&own), fs::Permissions::from_mode(0o600)).expect("its own file");
            chown(data.join(&own), Some(owner.uid()), Some(owner.gid())).expect("its own file");
            settings.push(format!("ALTER SYSTEM SET {setting} = '{own}'"));
        }
        let admin = self.admin().await;
        for setting in settings {
            admin.batch_execute(&setting).await.expect("a superuser may");
        }
        admin.batch_execute("SELECT pg_reload_conf()").await.expect("a superuser may");
        wait_until("the new certificate is shown", Duration::from_secs(20), async || {
            let row = self.admin().await.query_one("SELECT current_setting('ssl_cert_file')", &[]).await;
            row.is_ok_and(|row| row.get::<_, String>(0) == format!("{name}.ssl_cert_file"))
        })
        .await;
    }

    /// Stops it.
    pub async fn stop(self) {
        self.cluster.stop().await;
    }
}

fn generate(key: &Path, kind: &[&str]) {
    let mut arguments = vec!["genpkey"];
    arguments.extend(kind);
    arguments.extend(["-out", text(key)]);
    openssl(&arguments);
}

/// Runs `openssl`.
///
/// # Panics
/// When it is missing or fails.
pub fn openssl(arguments: &[&str]) {
    let output =
        Command::new("openssl").args(arguments).output().expect("openssl is installed, as Postgres needs it");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a test's folder has a plain name")
}
