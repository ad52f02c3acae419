//! Who acts, and why, for the ledgers.

use platform::place::Why;

/// The person, as the machine knows them: `ann@host`.
pub fn am_i() -> String {
    format!("{}@{}", user(), this_machine())
}

/// Services have no `USER`; a container may have users that nothing names.
fn user() -> String {
    let id = nix::unistd::getuid();
    let named = || nix::unistd::User::from_uid(id).ok().flatten().map(|user| user.name);
    std::env::var("USER").ok().or_else(named).unwrap_or_else(|| id.to_string())
}

/// The name by which this machine's processes say where they live; empty when it has none.
pub fn this_machine() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Why a command is given: what the person said, or else the command itself.
pub fn why(reason: Option<String>, command: &str) -> Why {
    Why { asked_by: am_i(), reason: reason.unwrap_or_else(|| format!("sides {command}")) }
}
