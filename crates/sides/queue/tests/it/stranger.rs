//! A role beside ours, and programs that reach the queue as it: by the words of the document.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Output},
    time::Duration,
};

use tempfile::TempDir;
use testing::{Program, TestDatabase};

use crate::fixture::execute;

const README: &str = include_str!("../../README.md");

/// The block of the document in this language.
fn documented(language: &str, within: &str) -> String {
    let fence = format!("```{language}\n");
    let mut blocks = README.split(&fence).skip(1).filter_map(|rest| rest.split("```").next());
    blocks.find(|block| block.contains(within)).expect("the document has such a block").to_owned()
}

/// A role that may do what the document grants, and nothing else; and the folder of its worker.
pub(crate) struct Stranger {
    pub(crate) role: String,
    pub(crate) database: TestDatabase,
    folder: TempDir,
}

impl Stranger {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let role = format!("reports_{}", database.url().database());
        let mut c = database.connect().await;
        execute(&mut c, &format!("CREATE ROLE {role} LOGIN PASSWORD 'tell-nobody'")).await;
        for grant in documented("sql", "GRANT").split(';').filter(|grant| !grant.trim().is_empty()) {
            execute(&mut c, &grant.replace("reports", &role)).await;
        }
        Self { role, database, folder: tempfile::tempdir().unwrap() }
    }

    /// A program that reaches the database as this role.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let config: tokio_postgres::Config = self.database.url().expose().parse().unwrap();
        let host = match &config.get_hosts()[0] {
            tokio_postgres::config::Host::Tcp(name) => name.clone(),
            tokio_postgres::config::Host::Unix(folder) => folder.display().to_string(),
        };
        // Beside the server, unless it is on the path anyhow.
        let psql = postgres::program("psql").and_then(|psql| Some(psql.parent()?.to_owned()));
        let path = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
        let path = [self.folder.path().to_owned()].into_iter().chain(path).chain(psql);
        let path = std::env::join_paths(path).unwrap();
        let mut command = Command::new(program);
        command
            .env("PATH", path)
            .env("PGHOST", host)
            .env("PGUSER", &self.role)
            .env("PGPASSWORD", "tell-nobody");
        command.env("PGPORT", config.get_ports().first().unwrap_or(&5432).to_string());
        command.env("PGDATABASE", self.database.url().database()).env("PGAPPNAME", "reports@1");
        command
    }

    fn psql(&self, sql: &str) -> Output {
        self.command("psql")
            .args(["--no-psqlrc", "-qtA", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .output()
            .unwrap()
    }

    /// What psql answers.
    pub(crate) fn ask(&self, sql: &str) -> String {
        let output = self.psql(sql);
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn refused(&self, sql: &str) -> String {
        let output = self.psql(sql);
        assert!(!output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// The worker of the document, which does its work by this script.
    pub(crate) fn worker(&self, work: &str) -> Program {
        let script = self.file("send_report");
        fs::write(&script, format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n{work}\n")).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        Program::start(self.command("bash").args(["-c", &documented("sh", "sides.claim")]))
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let (url, role) = (self.database.url().clone(), self.role.clone());
        // Drop has no runtime of its own to wait in.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = database::client(&url).await.ok()?;
                let drop = format!("DROP OWNED BY {role}; DROP ROLE {role}");
                tokio::time::timeout(Duration::from_secs(10), client.batch_execute(&drop)).await.ok()?.ok()
            })
        });
        if !matches!(dropped.join(), Ok(Some(()))) {
            eprintln!("the role {} was left behind", self.role);
        }
    }
}
