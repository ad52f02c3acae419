//! Builds the workspace with the same cargo and profile that built this program.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::{Child, Command},
};

/// Where this program lies, and by that how it was built.
pub(crate) struct Profile(PathBuf);

impl Profile {
    pub(crate) fn here() -> Self {
        let own = env::current_exe().unwrap_or_default();
        Self(own.parent().unwrap_or(Path::new(".")).to_owned())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// cargo keeps the profile `dev` in a folder `debug`, and every other one under its own name.
    fn name(&self) -> &str {
        match self.0.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(other) => other,
        }
    }
}

/// Starts building one program of the workspace, or all of them. With `--workspace` either way: so every dependency
/// has the same features, whatever is asked for, and is compiled once.
pub(crate) fn start(profile: &Profile, program: Option<&str>) -> io::Result<Child> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--workspace", "--profile", profile.name()]);
    match program {
        // Nothing to see in the half second that it takes when nothing has changed.
        Some(program) => cargo.args(["--quiet", "--bin", program]),
        None => cargo.arg("--bins"),
    };
    // They describe this package; build scripts watch them and would run again.
    let describes_this =
        |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|one| name.starts_with(one));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(describes_this) {
            cargo.env_remove(name);
        }
    }
    cargo.spawn()
}
