//! What a program says of itself.

use std::{path::Path, process::Stdio, time::Duration};

use manifest::Manifest;
use platform::local::bind_to_supervisor;
use tokio::{process::Command, time};

/// A program that is only asked what it is answers at once.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// What a program says of itself; nothing when it does not know the question.
pub async fn manifest_of(program: &Path) -> Option<Manifest> {
    let mut command = Command::new(program);
    // Without its settings, so that a program which does not know the question cannot begin to work.
    command.arg("--manifest").env_clear().stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    bind_to_supervisor(&mut command, None);
    let output = time::timeout(ANSWER_LIMIT, command.output()).await.ok()?.ok()?;
    serde_json::from_slice(&output.stdout).ok()
}
