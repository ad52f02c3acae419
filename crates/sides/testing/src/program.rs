//! A real process under test: its output, its answers, its end.

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::wait_until;

const PATIENCE: Duration = Duration::from_secs(60);

/// A child process. Killed when dropped.
pub struct Program {
    child: Child,
    output: Arc<Mutex<String>>,
}

/// The executable of an example of the package under test, which `cargo test` has built beside the test.
///
/// # Panics
/// When it is not there: `cargo test --test it` alone does not build it.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has an executable");
    let profile = test.ancestors().nth(2).expect("it lies in target/<profile>/deps");
    let example = profile.join("examples").join(name);
    assert!(example.exists(), "{} is missing: build it with cargo build --examples", example.display());
    example
}

/// Sees to it that this machine has what a test needs. What is done about it is said beside the tests' own output,
/// which the harness keeps back.
///
/// # Panics
/// When it may not be installed or cannot be had: a test never passes without having run.
pub fn need(need: install::Need) {
    let consent = match install::Consent::of(true, false) {
        // Nobody is asked in the middle of the tests.
        install::Consent::Ask => install::Consent::Given,
        consent => consent,
    };
    let mut say = |line: &str| drop(writeln!(std::io::stderr(), "{line}"));
    if let Err(error) = install::ensure(need, consent, &mut say) {
        let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
        let causes: String = causes.map(|cause| format!(": {cause}")).collect();
        panic!("this test needs {}: {error}{causes}", need.name());
    }
}

/// The browser of this machine, installed first if it is missing.
///
/// # Panics
/// As [`need`].
#[must_use]
pub fn browser() -> install::Browser {
    need(install::Need::Browser);
    install::browser().expect("a browser was just found")
}

/// The folder of a program that a script under test calls by its name, installed first if it is missing.
///
/// # Panics
/// As [`need`].
#[must_use]
pub fn folder_of(name: &str, from: install::Need) -> PathBuf {
    need(from);
    let program = install::program(name).or_else(|| postgres::program(name));
    let program = program.unwrap_or_else(|| panic!("{} has no {name}", from.name()));
    program.parent().expect("a program lies in a folder").to_owned()
}

impl Program {
    /// Starts it and listens to both its outputs.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let output = Arc::default();
        collect(child.stdout.take().expect("its output is a pipe"), &output);
        collect(child.stderr.take().expect("its errors are a pipe"), &output);
        Self { child, output }
    }

    /// Everything it has said so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has said this.
    ///
    /// # Panics
    /// When it does not, showing what it said instead.
    pub async fn says(&self, text: &str) {
        let _shown = Shown(self);
        wait_until(&format!("{text:?} is said"), PATIENCE, async || self.output().contains(text)).await;
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal. To a process that has ended it is none, as its end was not asked for yet.
    ///
    /// # Panics
    /// When its end was seen already.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process' id fits");
        kill(Pid::from_raw(pid), signal).expect("the process was not waited for yet");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it goes on.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the process ends", PATIENCE, async || {
            status = self.child.try_wait().expect("a child can be waited for");
            status.is_some()
        })
        .await;
        status.expect("it has ended")
    }

    /// Where its ops server answers, as its log says in JSON.
    ///
    /// # Panics
    /// When it does not say so.
    pub async fn ops_address(&self) -> String {
        const BEFORE: &str = "\"ops.address\":\"";
        self.says(BEFORE).await;
        let output = self.output();
        let (_, rest) = output.rsplit_once(BEFORE).expect("it said so");
        rest.split('"').next().expect("the value ends").to_owned()
    }

    /// Asks its ops server: the status and the body.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let address = self.ops_address().await;
        get(&address, path)
            .await
            .unwrap_or_else(|error| panic!("{address}{path}: {error}\n{}", self.output()))
    }

    /// Waits until the answer has this status and contains this text.
    ///
    /// # Panics
    /// When it never does, showing what the process said.
    pub async fn answers(&self, path: &str, status: u16, text: &str) {
        let address = self.ops_address().await;
        let _shown = Shown(self);
        wait_until(&format!("{path} answers {status} with {text:?}"), PATIENCE, async || {
            get(&address, path).await.is_ok_and(|(code, body)| code == status && body.contains(text))
        })
        .await;
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Shows what the process said when the test fails meanwhile.
struct Shown<'a>(&'a Program);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the process said:\n{}", self.0.output());
        }
    }
}

fn collect(pipe: impl Read + Send + 'static, output: &Arc<Mutex<String>>) {
    let output = output.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut all = output.lock().unwrap_or_else(PoisonError::into_inner);
            all.push_str(&line);
            all.push('\n');
        }
    });
}

async fn get(address: &str, path: &str) -> std::io::Result<(u16, String)> {
    let ask = async || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    let answer = tokio::time::timeout(Duration::from_secs(10), ask()).await??;
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    status.map(|status| (status, body.to_owned())).ok_or_else(|| std::io::Error::other("no HTTP"))
}
