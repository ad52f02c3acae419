//! A build that dies a while after it was ready: released with everything that `sides release` does, and undone by it.
//!
//! The programs are released from a small workspace of stubs, each of which runs the real program as its child.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::ensure;
use database::DatabaseUrl;
use platform::{local::LocalHost, prober::Prober};
use tokio::task;

use crate::{
    Arguments, PROCESSES,
    bed::{plan, sides, start_host},
    tell,
};

/// SIGTERM goes to the whole group: the stub waits for what its child makes of it.
const STUB: &str = r#"
use std::{os::unix::process::ExitStatusExt, process::Command, thread::sleep, time::{Duration, Instant}};
unsafe extern "C" { fn signal(number: i32, handler: usize) -> usize; }
fn main() {
    let mut child = Command::new("PROGRAM").args(std::env::args().skip(1)).spawn().unwrap();
    unsafe { signal(15, ignore as usize) };
    let began = Instant::now();
    loop {
        if let Some(ended) = child.try_wait().unwrap() { std::process::exit(ended.code().or(ended.signal()).unwrap_or(1)); }
        if LIFE.is_some_and(|life| began.elapsed() > life) && child.id() > 0 && std::env::args().len() == 1 {
            child.kill().unwrap();
            std::process::exit(7);
        }
        sleep(Duration::from_millis(20));
    }
}
extern "C" fn ignore(_: i32) {}
const LIFE: Option<Duration> = None;
"#;
const LIFE: &str = "Some(Duration::from_secs(10))";

pub(crate) async fn run(programs: &Path, url: &DatabaseUrl, arguments: &Arguments) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("sides-bench-").tempdir()?;
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap_or(folder.path()))?;
        fs::write(file, text)
    };
    write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n")?;
    let programs = programs.canonicalize()?;
    let stub = |name: &str| STUB.replace("PROGRAM", &programs.join(name).display().to_string());
    for name in PROCESSES {
        write(&format!("Procfile.{name}"), &format!("{name}: {name}\n"))?;
        write(
            &format!("crates/{name}/Cargo.toml"),
            &format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n"),
        )?;
        write(&format!("crates/{name}/src/main.rs"), &stub(name))?;
    }
    let mut host = start_host(folder.path(), url)?;
    let place = LocalHost::of(&folder.path().canonicalize()?.join(".sides/run"));
    let release = async |bake: &'static str| {
        let mut command = sides(folder.path(), url);
        command.args(["release", "--bake", bake]).process_group(0);
        task::spawn_blocking(move || command.output()).await?.map_err(anyhow::Error::from)
    };
    // The host may not have its socket yet.
    let begun = Instant::now();
    while place.status().await.is_err() && begun.elapsed() < Duration::from_secs(30) {}
    let first = release("0").await?;
    ensure!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    write(
        "crates/web/src/main.rs",
        &stub("web").replace("Duration> = None", &format!("Duration> = {LIFE}")),
    )?;
    let status = place.status().await?;
    let address = status.address.unwrap_or_default();
    let prober = Prober::start(&plan(address.trim_start_matches("http://").parse()?, arguments));
    let begun = Instant::now();
    let second = release("60").await?;
    let took = begun.elapsed();
    tell("a web that dies 10 s after its start, undone", &prober.end().await);
    let said = String::from_utf8_lossy(&second.stdout).into_owned();
    println!("  exit code {:?}, {:.1} s with the build; it said:", second.status.code(), took.as_secs_f64());
    for line in said.lines().filter(|line| line.starts_with("Because") || line.contains("requests")) {
        println!("  {line}");
    }
    ensure!(sides(folder.path(), url).arg("stop").status()?.success(), "the host does not stop");
    host.wait()?;
    Ok(())
}
