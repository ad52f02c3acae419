//! Two servers, one with TLS and one without, with the certificates of the cases; and how an address is tried.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use testing::{Authority, Certificate, TlsServer, openssl};

use tokio::process::Command;

use super::{Case, Outcome};

/// Who may come how. Each is a user.
const ACCESS: &str = "\
    hostnossl all plain    127.0.0.1/32 trust\n\
    hostssl   all tls      127.0.0.1/32 trust\n\
    host      all either   127.0.0.1/32 trust\n\
    hostssl   all known    127.0.0.1/32 cert\n\
    hostssl   all verified 127.0.0.1/32 trust clientcert=verify-full\n\
    hostssl   all signed   127.0.0.1/32 trust clientcert=verify-ca\n\
    host      all word     127.0.0.1/32 scram-sha-256";
const USERS: [&str; 7] = ["plain", "tls", "either", "known", "verified", "signed", "word"];

const SERVER: &str = "extendedKeyUsage=serverAuth";
const CLIENT: &str = "extendedKeyUsage=clientAuth";
const LOCAL: &str = "subjectAltName=DNS:localhost,DNS:db.example,IP:127.0.0.1";

pub(super) struct Place {
    folder: TempDir,
    encrypted: TlsServer,
    plain: TlsServer,
}

impl Place {
    pub(super) async fn new() -> Self {
        let folder = TempDir::with_prefix("sides-tls-").unwrap();
        // The servers are not root's.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let files = folder.path().join("files");
        fs::create_dir_all(files.join("home")).unwrap();
        make(&files);
        let encrypted = TlsServer::start(&folder.path().join("encrypted"), ACCESS).await;
        let plain = TlsServer::start(&folder.path().join("plain"), ACCESS).await;
        for server in [&encrypted, &plain] {
            let admin = server.admin().await;
            for user in USERS {
                let text = format!("CREATE ROLE {user} LOGIN PASSWORD 'a+b c'");
                admin.batch_execute(&text).await.unwrap();
            }
        }
        Self { folder, encrypted, plain }
    }

    pub(super) async fn show(&self, certificate: &str) {
        let files = self.folder.path().join("files");
        self.encrypted.show(&files, certificate, &files.join("ca.crt")).await;
    }

    pub(super) async fn stop(self) {
        self.encrypted.stop().await;
        self.plain.stop().await;
    }

    /// Tries it both ways.
    pub(super) async fn check(&self, case: &Case) -> Result<(), String> {
        let filled = |text: &str| {
            let socket = self.folder.path().join("encrypted/socket");
            text.replace("{dir}", &self.folder.path().join("files").to_string_lossy())
                .replace("{port}", &self.encrypted.port().to_string())
                .replace("{plain}", &self.plain.port().to_string())
                .replace("{socket}", &socket.to_string_lossy())
        };
        let address = filled(case.address);
        let variables: Vec<_> = case.variables.iter().map(|(name, value)| (*name, filled(value))).collect();
        let home = filled(case.home);
        let run = async |mut command: Command| {
            for (name, _) in
                std::env::vars().filter(|(name, _)| name.starts_with("PG") || name.starts_with("SSL"))
            {
                command.env_remove(name);
            }
            command.env("HOME", &home).envs(variables.clone()).output().await.unwrap()
        };

        let mut psql = Command::new(postgres::program("psql").expect("Postgres has its client"));
        psql.args(["-XAtqc", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &address]).arg("-w");
        let psql = run(psql).await;
        let said = String::from_utf8_lossy(&psql.stderr).into_owned();
        let theirs = match (psql.status.success(), psql.stdout.as_slice()) {
            (true, b"t\n") => Outcome::Encrypted,
            (true, b"f\n") => Outcome::Plain,
            _ => Outcome::Refused,
        };

        let mut own = Command::new(testing::example("connect"));
        own.arg(&address);
        let own = run(own).await;
        let text = String::from_utf8_lossy(&own.stdout).into_owned();
        let all = |word: &str| text.lines().count() == 3 && text.lines().all(|line| line.ends_with(word));
        let ours = match own.status.success() {
            true if all(": encrypted") => Outcome::Encrypted,
            true if all(": plain") => Outcome::Plain,
            _ => Outcome::Refused,
        };
        let fault = |what: &str| {
            format!(
                "{address} {variables:?}: {what}\n  psql: {theirs:?} {}\n  ours: {ours:?} {}",
                said.trim(),
                text.trim()
            )
        };
        if theirs != case.theirs.unwrap_or(case.ours) {
            return Err(fault(&format!("psql was expected to have {:?}", case.theirs.unwrap_or(case.ours))));
        }
        if ours != case.ours {
            return Err(fault(&format!("{:?} was expected", case.ours)));
        }
        if !text.contains(case.says) {
            return Err(fault(&format!("it does not say {:?}", case.says)));
        }
        Ok(())
    }
}

fn make(files: &Path) {
    let authority = Authority::new(files, "ca");
    let other = Authority::new(files, "other");
    let base =
        Certificate { common: "localhost", extensions: &[SERVER, LOCAL], days: 30, key: Certificate::EC };
    let sign = |name: &str, wanted| authority.sign(name, wanted);
    sign("good", base);
    // As Postgres' manual has it: no extensions at all.
    sign("manual", Certificate { extensions: &[], key: Certificate::RSA, ..base });
    sign(
        "manual-elsewhere",
        Certificate { common: "other.example", extensions: &[], key: Certificate::RSA, ..base },
    );
    sign("manual-expired", Certificate { extensions: &[], days: -1, ..base });
    sign("common", Certificate { extensions: &["basicConstraints=CA:FALSE"], ..base });
    sign(
        "common-elsewhere",
        Certificate { extensions: &[SERVER, "subjectAltName=DNS:other.example"], ..base },
    );
    sign("expired", Certificate { days: -1, ..base });
    sign(
        "wild",
        Certificate { common: "x", extensions: &[SERVER, "subjectAltName=DNS:*.db.example"], ..base },
    );
    sign("address", Certificate { common: "127.0.0.1", extensions: &["basicConstraints=CA:FALSE"], ..base });
    sign("ed25519", Certificate { key: &["-algorithm", "ED25519"], ..base });
    sign("p384", Certificate { key: &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], ..base });
    // The shortest way that is shown everywhere: a server that signed itself.
    fs::write(path(files, "self", "ext"), "basicConstraints=critical,CA:TRUE\n").unwrap();
    for (name, days) in [("self", "30"), ("self-expired", "-1")] {
        let (key, request, made) =
            (path(files, name, "key"), path(files, name, "csr"), path(files, name, "crt"));
        let subject = ["-subj", "/CN=localhost", "-newkey", "rsa:2048", "-nodes"];
        openssl(&[&["req", "-new", "-keyout", &key, "-out", &request][..], &subject].concat());
        let signed = ["-signkey", &key, "-extfile", &path(files, "self", "ext")];
        openssl(&[&["x509", "-req", "-days", days, "-in", &request, "-out", &made][..], &signed].concat());
    }
    // Through one in between, which the server sends along.
    sign(
        "middle",
        Certificate { common: "middle", extensions: &["basicConstraints=critical,CA:TRUE"], ..base },
    );
    let middle = Authority::of(files, "middle");
    middle.sign("chain", base);
    append(files, "chain", "middle");
    // Clients.
    sign("known", Certificate { common: "known", extensions: &[], key: Certificate::RSA, ..base });
    sign("verified", Certificate { common: "verified", extensions: &[CLIENT], ..base });
    sign("late", Certificate { common: "known", extensions: &[CLIENT], days: -1, ..base });
    sign("purpose", Certificate { common: "known", ..base });
    other.sign("stranger", Certificate { common: "known", ..base });
    let convert = |from: &str, to: &str, how: &[&str]| {
        let (from, to) = (path(files, from, "key"), path(files, to, "key"));
        openssl(&[how, &["-in", &from, "-out", &to]].concat());
    };
    convert("known", "known-pkcs1", &["rsa", "-traditional"]);
    convert("known", "known-encrypted", &["pkcs8", "-topk8", "-passout", "pass:x"]);
    convert("known", "known-oldencrypted", &["rsa", "-traditional", "-aes128", "-passout", "pass:x"]);
    convert("known", "known-der", &["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"]);
    convert("verified", "verified-sec1", &["ec"]);
    convert("known", "known-open", &["pkey"]);
    for name in fs::read_dir(files).unwrap().map(|entry| entry.unwrap().path()) {
        if name.extension().is_some_and(|end| end == "key") {
            fs::set_permissions(name, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
    let open = files.join("known-open.key");
    fs::set_permissions(open, fs::Permissions::from_mode(0o644)).unwrap();
    // What a person keeps at home.
    let home = files.join("kept/.postgresql");
    fs::create_dir_all(&home).unwrap();
    for (from, to) in
        [("ca.crt", "root.crt"), ("known.crt", "postgresql.crt"), ("known.key", "postgresql.key")]
    {
        fs::copy(files.join(from), home.join(to)).unwrap();
    }
    for (name, mode) in [("pass", 0o600), ("pass-open", 0o644)] {
        let file = files.join(name);
        fs::write(&file, "# ours\nlocalhost:*:*:word:a+b c\n127.0.0.1:*:sides:word:a+b c\n").unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::write(files.join("nothing.crt"), "no certificate\n").unwrap();
}

fn path(files: &Path, name: &str, end: &str) -> String {
    files.join(format!("{name}.{end}")).to_str().unwrap().to_owned()
}

fn append(files: &Path, to: &str, from: &str) {
    let read = |name: &str| fs::read_to_string(path(files, name, "crt")).unwrap();
    let both: PathBuf = path(files, to, "crt").into();
    fs::write(both, read(to) + &read(from)).unwrap();
}
