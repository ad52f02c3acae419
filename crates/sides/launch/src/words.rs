//! The parts of the command line that must be known before the command line is built.

use std::{env, ffi::OsString};

/// The few words that matter here; all of them are read again by the command line itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// The command is `dev`.
    pub(crate) dev: bool,
    pub(crate) help: bool,
    /// Install without asking.
    pub(crate) yes: bool,
    /// Install nothing.
    pub(crate) no: bool,
}

impl Words {
    pub(crate) fn read(arguments: &[OsString]) -> Self {
        let has = |wanted: &[&str]| arguments.iter().any(|word| wanted.iter().any(|one| word == one));
        let command = arguments.iter().find(|word| !word.to_string_lossy().starts_with('-'));
        Self {
            dev: command.is_some_and(|word| word == "dev"),
            help: has(&["--help", "-h"]),
            yes: has(&["--yes", "-y", "--install"]),
            no: has(&["--no-install"]),
        }
    }

    /// Whether the database is somebody else's concern.
    pub(crate) fn names_database(&self) -> bool {
        env::var_os("DATABASE_URL").is_some_and(|url| !url.to_string_lossy().trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Words {
        Words::read(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn only_the_command_dev_is_dev() {
        assert!(read("dev").dev && read("--json dev --port 1").dev);
        assert!(!read("").dev && !read("plan dev").dev && !read("logs --dev").dev);
    }

    #[test]
    fn what_was_said_about_installing_is_heard() {
        assert_eq!(read("dev --yes"), Words { dev: true, yes: true, ..Words::default() });
        assert_eq!(read("dev --no-install"), Words { dev: true, no: true, ..Words::default() });
    }
}
