//! What these tests share: a folder, a client, another process that uses a cluster.

use std::{
    fs::{self, Permissions},
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A folder that every user can reach, as a project's usually is.
pub(crate) fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Without the waits for the disk.
pub(crate) fn quick() -> sides_postgres::Settings {
    sides_postgres::Settings { durable: false, ..sides_postgres::Settings::default() }
}

pub(crate) async fn ask(url: &str, query: &str) -> Result<String, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let driver = tokio::spawn(connection);
    let answer = client.query_one(query, &[]).await.map(|row| row.get(0));
    driver.abort();
    answer
}

pub(crate) async fn tell(url: &str, statement: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(statement).await.unwrap();
}

/// The server's pid, as its data folder has it.
pub(crate) fn server_pid(folder: &Path) -> Option<i32> {
    fs::read_to_string(folder.join("data/postmaster.pid")).ok()?.lines().next()?.parse().ok()
}

pub(crate) fn lives(pid: i32) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok()
}

pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(30), "30 s passed and not yet: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Another process that uses a cluster until it is told to go, or killed.
pub(crate) struct Holder {
    pub(crate) child: Child,
    pub(crate) url: String,
}

impl Holder {
    pub(crate) fn start(how: &str, folder: &Path) -> Self {
        let mut child = Command::new(example())
            .args([Path::new(how), folder])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`cargo test` builds the example");
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("postgres://"), "the holder said {url:?}");
        Self { child, url: url.trim().to_owned() }
    }

    /// As `kill -9` does it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn go(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("examples/hold")
}
