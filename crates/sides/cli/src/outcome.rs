//! The last message of a command that cannot continue.

use std::io::{self, Write as _};

use workspace::Outcome;

/// Says that nothing runs that could carry out an order.
pub(crate) fn no_host() -> Outcome {
    eprintln!("no host is running here; start one with `sides up` (see deploy/README.md)");
    Outcome::NotRunning
}

/// Prints an error with everything behind it, once. Where that cannot be written, as into a log on a full disk, the exit code
/// says it still.
pub(crate) fn explain(error: &anyhow::Error) {
    let causes = error.chain().skip(1).map(|cause| format!("  because: {cause}\n"));
    let text = format!("error: {error}\n") + &causes.collect::<String>();
    drop(io::stderr().write_all(text.as_bytes()));
}
