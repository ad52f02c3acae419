//! A running `sides dev`.

use std::{
    io::{BufRead as _, BufReader, Read},
    os::unix::process::CommandExt as _,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use testing::wait_until;

use crate::sandbox::PATIENCE;

/// Killed with this value.
pub(crate) struct Dev {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Dev {
    /// In a process group of its own, as a shell would start it.
    pub(crate) fn start(mut command: Command) -> Self {
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = Arc::default();
        collect(child.stdout.take().unwrap(), &said);
        collect(child.stderr.take().unwrap(), &said);
        Self { child, said }
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Everything it printed so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    /// Waits for a line with this text and returns it.
    pub(crate) async fn says(&mut self, text: &str) -> String {
        let mut found = None;
        let begun = std::time::Instant::now();
        while found.is_none() {
            found = self.said.lock().unwrap().iter().find(|line| line.contains(text)).cloned();
            let is_over = begun.elapsed() > PATIENCE || self.child.try_wait().unwrap().is_some();
            if is_over && !self.said().contains(text) {
                panic!("it never said {text:?}, but:\n{}", self.said());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        found.unwrap()
    }

    /// Waits until all answer and returns the page's address.
    pub(crate) async fn ready(&mut self) -> String {
        let line = self.says("everything answers").await;
        line.split_whitespace().find(|word| word.starts_with("http://")).unwrap_or_default().to_owned()
    }

    /// As Ctrl-C does it: everything in the terminal's foreground group gets it.
    pub(crate) fn interrupt(&self) {
        killpg(Pid::from_raw(self.pid()), Signal::SIGINT).unwrap();
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        self.ended_within(PATIENCE).await
    }

    pub(crate) async fn ended_within(&mut self, patience: Duration) -> ExitStatus {
        wait_until("dev has ended", patience, async || self.child.try_wait().unwrap().is_some()).await;
        self.child.wait().unwrap()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("dev said:\n{}", self.said());
        }
        // Already gone: fine.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn collect(pipe: impl Read + Send + 'static, said: &Arc<Mutex<Vec<String>>>) {
    let said = Arc::clone(said);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            said.lock().unwrap().push(line);
        }
    });
}
