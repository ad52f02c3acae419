//! Runs a program to its end and shows little of it.

use std::{
    io,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{InstallError, Need, error::Failure};

/// How often a wait is said to go on.
const PROGRESS: Duration = Duration::from_secs(5);
/// How much of a failed program's output is kept.
const LINES: usize = 20;

/// For what programs are run, and who hears of it.
pub(crate) struct Runner<'a> {
    pub(crate) need: Need,
    /// What installs it by hand.
    pub(crate) by_hand: String,
    pub(crate) say: &'a mut dyn FnMut(&str),
}

impl Runner<'_> {
    /// Says every few seconds that `what` goes on, and shows the program's output only where it fails.
    pub(crate) fn run(&mut self, mut command: Command, typed: &str, what: &str) -> Result<(), InstallError> {
        let failed = |source| InstallError::Run { program: typed.to_owned(), source };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(failed)?;
        let waiting = thread::spawn(move || child.wait_with_output());
        let begun = Instant::now();
        let mut said = begun;
        while !waiting.is_finished() {
            thread::sleep(Duration::from_millis(50));
            if said.elapsed() >= PROGRESS {
                said = Instant::now();
                (self.say)(&format!("{what} … {} s", begun.elapsed().as_secs()));
            }
        }
        let Ok(output) = waiting.join() else {
            return Err(failed(io::Error::other("its output could not be read")));
        };
        let output = output.map_err(failed)?;
        if output.status.success() {
            return Ok(());
        }
        let failure = Failure {
            command: typed.to_owned(),
            status: output.status,
            output: tail(&[output.stdout, output.stderr].concat()),
        };
        Err(InstallError::Failed { need: self.need, failures: vec![failure], command: self.by_hand.clone() })
    }
}

fn tail(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_named_with_its_last_words_and_what_to_type() {
        let mut said = Vec::new();
        let mut say = |line: &str| said.push(line.to_owned());
        let mut runner = Runner { need: Need::Jq, by_hand: "apk add jq".to_owned(), say: &mut say };
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        assert!(runner.run(shell("echo much; exit 0"), "true", "trying").is_ok());
        let earlier = runner.run(shell("echo no such host >&2; exit 100"), "get list", "trying").unwrap_err();
        let error = runner.run(shell("seq 30; exit 3"), "get it", "trying").unwrap_err();
        let text = error.after(earlier.failures()).to_string();
        assert!(
            text.starts_with("could not get jq\n  `get list` failed (exit status: 100)\n    no such host\n"),
            "{text}"
        );
        assert!(
            text.contains("`get it` failed (exit status: 3)\n    11\n") && text.contains("    30\n"),
            "{text}"
        );
        assert!(text.ends_with("install it yourself: apk add jq"), "{text}");
        assert!(said.is_empty(), "{said:?}");
    }
}
