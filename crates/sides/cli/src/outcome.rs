//! The last message of a command that cannot continue.

use workspace::Outcome;

/// Says that nothing runs that could carry out an order.
pub(crate) fn no_host() -> Outcome {
    eprintln!("no host is running here; start one with `sides up` (see deploy/host.md)");
    Outcome::NotRunning
}

/// Prints an error with everything behind it, once.
pub(crate) fn explain(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}
