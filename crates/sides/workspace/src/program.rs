//! What a program says of itself, and where this one is.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use manifest::Manifest;
use platform::local::bind_to_supervisor;
use tokio::{process::Command, time};

/// A program that is only asked what it is answers at once.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The file of this program, also when another one lies there meanwhile.
///
/// # Errors
/// When the system does not say it.
pub fn own_program() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    // As the kernel shows it after the file was replaced.
    let text = program.to_string_lossy();
    Ok(text.strip_suffix(" (deleted)").map_or_else(|| program.clone(), PathBuf::from))
}

/// What became of the question what a program is.
#[derive(Debug)]
pub enum Answer {
    /// It said so.
    Said(Box<Manifest>),
    /// It does not know the question.
    Nothing,
    /// It had not ended in time: the machine is busy, or the program does not know the question and went to work.
    Late,
}

/// Asks a program what it is.
pub async fn ask_manifest(program: &Path) -> Answer {
    let mut command = Command::new(program);
    // Without its settings, so that a program which does not know the question cannot begin to work.
    command.arg("--manifest").env_clear().stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    bind_to_supervisor(&mut command, None);
    match time::timeout(ANSWER_LIMIT, command.output()).await {
        Err(_) => Answer::Late,
        Ok(Err(_)) => Answer::Nothing,
        Ok(Ok(output)) => serde_json::from_slice(&output.stdout)
            .map_or(Answer::Nothing, |said| Answer::Said(Box::new(said))),
    }
}

/// What a program says of itself; nothing when it does not say it.
pub async fn manifest_of(program: &Path) -> Option<Manifest> {
    match ask_manifest(program).await {
        Answer::Said(manifest) => Some(*manifest),
        Answer::Nothing | Answer::Late => None,
    }
}
