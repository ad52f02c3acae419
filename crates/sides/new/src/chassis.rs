//! Where the new workspace finds the crates of sides.

use std::path::{Component, Path, PathBuf};

use crate::NewError;

/// The crates that an application uses: its name for each, and the package.
const CRATES: &[(&str, &str)] = &[
    ("controller", "sides-controller"),
    ("database", "sides-database"),
    ("job", "sides-job"),
    ("manifest", "sides-manifest"),
    ("migrate-build", "sides-migrate-build"),
    ("process", "sides-process"),
    ("queue", "sides-queue"),
    ("schedule", "sides-schedule"),
    ("scheduler", "sides-scheduler"),
    ("sides-cli", "sides-cli"),
    ("sides-launch", "sides-launch"),
    ("sides-migrate", "sides-migrate"),
    ("sides-web", "sides-web"),
    ("testing", "sides-testing"),
];

/// Where a package is in `crates/sides`.
fn folder(package: &str) -> &str {
    package.strip_prefix("sides-").unwrap_or(package)
}

/// Where the crates of sides come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chassis {
    /// A checkout on this machine: its folder as given, and where that is.
    Path {
        /// As it was given.
        given: PathBuf,
        /// The same folder, from the root of the file system.
        folder: PathBuf,
    },
    /// A repository.
    Git(String),
}

impl Chassis {
    /// The checkout in this folder.
    ///
    /// # Errors
    /// When there is none.
    pub fn at(given: &Path) -> Result<Self, NewError> {
        let none = || NewError::NoChassis(given.to_owned());
        let folder = given.canonicalize().map_err(|_| none())?;
        if !folder.join("crates/sides/process/Cargo.toml").is_file() {
            return Err(none());
        }
        Ok(Self::Path { given: given.to_owned(), folder })
    }

    /// The checkout that this program was built from, where that is still there.
    #[must_use]
    pub fn of_this_build() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3)?;
        Self::at(root).ok()
    }

    /// The versions of all libraries that sides itself is built with.
    pub(crate) fn lock_file(&self) -> Option<PathBuf> {
        let Self::Path { folder, .. } = self else { return None };
        Some(folder.join("Cargo.lock")).filter(|file| file.is_file())
    }

    /// The lines of `[workspace.dependencies]` in the workspace that lies in `root`, a path from the root of the file
    /// system.
    pub(crate) fn dependencies(&self, root: &Path) -> String {
        let lines = CRATES.iter().map(|(name, package)| {
            let from = match self {
                Self::Path { given, folder: checkout } => {
                    let checkout = if given.is_relative() { way(root, checkout) } else { checkout.clone() };
                    format!(
                        "path = {:?}",
                        checkout.join("crates/sides").join(folder(package)).display().to_string()
                    )
                }
                Self::Git(url) => format!("git = {url:?}"),
            };
            let package = if name == package { String::new() } else { format!("package = {package:?}, ") };
            format!("{name} = {{ {package}{from} }}")
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// The way from one folder to another.
fn way(from: &Path, to: &Path) -> PathBuf {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (from.components().collect(), to.components().collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n(Component::ParentDir, from.len() - same);
    up.chain(to[same..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_checkout_stays_relative() {
        assert_eq!(way(Path::new("/home/ann/acme"), Path::new("/home/ann/sides")), Path::new("../sides"));
        assert_eq!(way(Path::new("/srv/a/b"), Path::new("/opt/sides")), Path::new("../../../opt/sides"));
        let chassis = Chassis::Path { given: "../sides".into(), folder: "/home/ann/sides".into() };
        let lines = chassis.dependencies(Path::new("/home/ann/acme"));
        assert!(lines.contains("sides-cli = { path = \"../sides/crates/sides/cli\" }"), "{lines}");
        let git = Chassis::Git("https://example.com/sides".to_owned()).dependencies(Path::new("/a"));
        assert!(
            git.contains("job = { package = \"sides-job\", git = \"https://example.com/sides\" }"),
            "{git}"
        );
    }

    #[test]
    fn every_crate_is_where_it_is_said_to_be() {
        let sides = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for (_, package) in CRATES {
            let text = std::fs::read_to_string(sides.join(folder(package)).join("Cargo.toml")).unwrap();
            assert!(text.contains(&format!("name = \"{package}\"")), "{package}");
        }
        assert!(Chassis::of_this_build().is_some());
        assert!(matches!(Chassis::at(Path::new("/nowhere")), Err(NewError::NoChassis(_))));
    }
}
