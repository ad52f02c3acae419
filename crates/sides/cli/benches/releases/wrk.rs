//! Clients that are not ours: `wrk`, where it is installed.

use std::{
    fs,
    io::Read as _,
    process::{Child, Command, Stdio},
};

use anyhow::Context as _;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

/// Between two requests of one client, in milliseconds: it is to see what happens, not to be the load.
const PAUSE: &str = "function delay() return 10 end\n";

/// One that runs.
pub(crate) struct Wrk {
    child: Child,
    _folder: TempDir,
}

impl Wrk {
    /// None where there is no such program.
    pub(crate) fn start(address: &str, path: &str, clients: usize) -> anyhow::Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let script = folder.path().join("pause.lua");
        fs::write(&script, PAUSE)?;
        let mut command = Command::new("wrk");
        command.args(["--threads", "1", "--duration", "12h", "--timeout", "30s", "--connections"]);
        command.arg(clients.to_string()).arg("--script").arg(&script).arg(format!("{address}{path}"));
        match command.stdout(Stdio::piped()).spawn() {
            Ok(child) => Ok(Some(Self { child, _folder: folder })),
            Err(_) => {
                println!("wrk is not installed (on Debian: apt-get install wrk): only our own clients ask");
                Ok(None)
            }
        }
    }

    /// Ends it: what it says that it saw.
    pub(crate) fn end(mut self) -> anyhow::Result<String> {
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGINT)?;
        let mut said = String::new();
        let mut stdout = self.child.stdout.take().context("its output is piped")?;
        stdout.read_to_string(&mut said)?;
        self.child.wait()?;
        let is_told = |line: &&str| {
            ["requests in", "Socket errors", "Non-2xx"].iter().any(|words| line.contains(words))
        };
        let told: Vec<&str> = said.lines().map(str::trim).filter(is_told).collect();
        Ok(format!("wrk: {}", told.join("; ")))
    }
}

impl Drop for Wrk {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
