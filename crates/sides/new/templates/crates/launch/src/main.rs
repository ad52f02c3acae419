//! What `cargo run` starts in this workspace.

use std::process::ExitCode;

fn main() -> ExitCode {
    sides_launch::run("sides")
}
