//! Who asks, and why: for ledgers.

use platform::place::Why;

/// The person, as the machine knows them: `ann@host`.
pub(crate) fn am_i() -> String {
    let user = std::env::var("USER").unwrap_or_else(|_| nix::unistd::getuid().to_string());
    let host = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned());
    format!("{user}@{}", host.unwrap_or_default())
}

/// Why a command is given: what the person said, or else the command itself.
pub(crate) fn why(reason: Option<String>, command: &str) -> Why {
    Why { asked_by: am_i(), reason: reason.unwrap_or_else(|| format!("sides {command}")) }
}
