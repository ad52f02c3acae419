//! A real PgBouncer in front of a database.

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use database::DatabaseUrl;
use tokio_postgres::{Config, config::Host};

use crate::{program::folder_of, wait_until};

/// A pooler. Ends when dropped.
pub struct Bouncer {
    child: Child,
    folder: PathBuf,
    url: DatabaseUrl,
}

impl Bouncer {
    /// Puts one before a database, with further lines of its configuration, such as `pool_mode = transaction`.
    ///
    /// # Panics
    /// When PgBouncer cannot be had, or does not start.
    pub async fn before(database: &DatabaseUrl, settings: &[&str]) -> Self {
        let port = {
            let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
            free.local_addr().expect("a bound socket has an address").port()
        };
        let folder = std::env::temp_dir().join(format!("sides-bouncer-{}-{port}", std::process::id()));
        fs::create_dir(&folder).expect("a folder of its own");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("its own folder");
        let file = folder.join("pgbouncer.ini");
        fs::write(&file, configuration(database, port, settings)).expect("its own folder");
        let program = folder_of("pgbouncer", install::Need::Pooler).join("pgbouncer");
        let mut command = Command::new(program);
        command.arg(&file).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // It refuses root, as Postgres does; and only the server's user may enter the server's socket's folder.
        if nix::unistd::geteuid().is_root() {
            let user = nix::unistd::User::from_name("postgres").expect("users can be read");
            let user = user.expect("Postgres' package makes its user");
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let child = command.spawn().expect("PgBouncer can be run");
        let url = format!("postgres://any@127.0.0.1:{port}/{}", database.database());
        let bouncer = Self { child, folder, url: url.parse().expect("it is an address") };
        wait_until("PgBouncer answers", Duration::from_secs(20), async || {
            let plain = bouncer.url.with_target(database::Target::Any);
            database::client(&plain).await.is_ok()
        })
        .await;
        bouncer
    }

    /// The database as it is reached through it.
    #[must_use]
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn configuration(database: &DatabaseUrl, port: u16, settings: &[&str]) -> String {
    let config: Config = database.expose().parse().expect("a checked address");
    let host = match &config.get_hosts()[0] {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => folder.to_string_lossy().into_owned(),
    };
    let name = database.database();
    let user = config.get_user().expect("a test's address has a user");
    let server = config.get_ports().first().copied().unwrap_or(5432);
    format!(
        "[databases]\n{name} = host={host} port={server} dbname={name} user={user}\n[pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n{}\n",
        settings.join("\n")
    )
}
