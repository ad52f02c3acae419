//! Creates a data directory, completely or not at all.

use std::{
    fs,
    io::Write as _,
    process::{Output, Stdio},
};

use install::Installation;

use crate::{
    ClusterError, Settings,
    command::command,
    home::{Home, last_lines},
};

/// Makes the data folder when there is none. The caller holds the cluster's lock.
pub(crate) fn ensure_data(
    home: &Home,
    installation: &Installation,
    settings: &Settings,
) -> Result<(), ClusterError> {
    let (data, unfinished) = (home.data(), home.folder.join("data.unfinished"));
    if data.join("PG_VERSION").exists() {
        return Ok(());
    }
    if unfinished.exists() {
        // Left by a killed initdb; nobody has seen it.
        fs::remove_dir_all(&unfinished).map_err(ClusterError::folder("remove", &unfinished))?;
    }
    let initdb = installation.program("initdb");
    let mut made = command(&initdb, &home.identity, &home.folder);
    made.arg("--pgdata").arg(&unfinished).arg(format!("--username={}", settings.user));
    made.args(["--encoding=UTF8", "--auth-local=trust", "--auth-host=reject"]);
    made.arg(if cfg!(target_os = "macos") { "--locale=C" } else { "--locale=C.UTF-8" });
    if !settings.durable {
        made.arg("--no-sync");
    }
    check(&made.output().map_err(ClusterError::run(&initdb))?)?;
    create_database(home, installation, settings, &unfinished)?;
    fs::rename(&unfinished, &data).map_err(ClusterError::folder("rename to data", &unfinished))
}

/// Without a client there is still the server's single-user mode.
fn create_database(
    home: &Home,
    installation: &Installation,
    settings: &Settings,
    data: &std::path::Path,
) -> Result<(), ClusterError> {
    let postgres = installation.program("postgres");
    let mut single = command(&postgres, &home.identity, &home.folder);
    single.args(["--single", "-D"]).arg(data);
    if !settings.durable {
        single.args(["-c", "fsync=off"]);
    }
    let mut child = single
        .arg("postgres")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(ClusterError::run(&postgres))?;
    if let Some(mut input) = child.stdin.take() {
        let statement = format!("CREATE DATABASE {}\n", settings.database);
        input.write_all(statement.as_bytes()).map_err(ClusterError::run(&postgres))?;
    }
    check(&child.wait_with_output().map_err(ClusterError::run(&postgres))?)
}

fn check(output: &Output) -> Result<(), ClusterError> {
    if output.status.success() {
        return Ok(());
    }
    let said =
        format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(ClusterError::Init { status: output.status, output: last_lines(said.trim()) })
}
