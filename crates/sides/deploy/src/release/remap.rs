//! The same bytes from the same commit, whichever folder it is built in.
//!
//! Paths of sources get into a program with every panic message. Those of the workspace's own crates are relative; the
//! checkout, cargo's registry and the compiler's own sources are named by places that are the same everywhere.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tokio::process::Command;

use workspace::Workspace;

/// Between two flags of `CARGO_ENCODED_RUSTFLAGS`.
const BETWEEN: &str = "\u{1f}";

/// Adds to a cargo command what keeps this machine's folders out of the bytes. Flags that the user set stay.
pub(super) async fn apply(
    command: &mut Command,
    workspace: &Workspace,
    target_directory: &Path,
) -> anyhow::Result<()> {
    let flags: Vec<String> = prefixes(workspace, target_directory)
        .await?
        .into_iter()
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
        .collect();
    if let Some(mut all) = set_by_user() {
        all.extend(flags);
        command.env("CARGO_ENCODED_RUSTFLAGS", all.join(BETWEEN));
    } else {
        let list: Vec<toml::Value> = flags.into_iter().map(toml::Value::String).collect();
        let key = config_key(workspace);
        command.arg("--config").arg(format!("{key}={}", toml::Value::Array(list)));
    }
    // Half a program that is used again is compiled in other pieces.
    command.env("CARGO_INCREMENTAL", "0");
    Ok(())
}

/// Folders and what they are called instead; the later of two that fit counts.
async fn prefixes(workspace: &Workspace, target: &Path) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut prefixes = vec![(workspace.root().to_owned(), "/workspace".to_owned())];
    prefixes.push((target.to_owned(), "/target".to_owned()));
    if let Some(home) = cargo_home() {
        prefixes.push((home, "/cargo".to_owned()));
    }
    let sysroot = rustc(workspace, &["--print", "sysroot"]).await?;
    let version = rustc(workspace, &["--version", "--verbose"]).await?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "));
    // Where the sources are installed they are named by their place here, elsewhere as the compiler was built.
    let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
    prefixes.push((sources, format!("/rustc/{}", commit.unwrap_or("unknown"))));
    Ok(prefixes)
}

fn cargo_home() -> Option<PathBuf> {
    let named = env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))
}

/// Cargo reads these and then no flags from its configuration.
fn set_by_user() -> Option<Vec<String>> {
    let split = |text: String, at: &str| -> Vec<String> {
        text.split(at).filter(|flag| !flag.is_empty()).map(str::to_owned).collect()
    };
    match (env::var("CARGO_ENCODED_RUSTFLAGS"), env::var("RUSTFLAGS")) {
        (Ok(encoded), _) => Some(split(encoded, BETWEEN)),
        (_, Ok(plain)) if !plain.trim().is_empty() => Some(split(plain, " ")),
        _ => None,
    }
}

/// Where flags join those that the workspace's own configuration has: cargo takes `target.*` or `build`, not both.
fn config_key(workspace: &Workspace) -> &'static str {
    let text = std::fs::read_to_string(workspace.root().join(".cargo/config.toml")).unwrap_or_default();
    let config: toml::Table = text.parse().unwrap_or_default();
    let targets = config.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    if targets.into_iter().any(|(_, target)| target.get("rustflags").is_some()) {
        "target.'cfg(all())'.rustflags"
    } else {
        "build.rustflags"
    }
}

async fn rustc(workspace: &Workspace, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.args(arguments).current_dir(workspace.root()).kill_on_drop(true);
    let output = command.output().await.context("cannot run rustc: is it in PATH?")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
