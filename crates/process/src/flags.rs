//! `--help`, `--version`, `--manifest`: answered before anything else is done.

use std::process::ExitCode;

use serde_json::json;

use crate::{Definition, Environment};

/// The wrong use of a command, as most command lines report it.
const USAGE: u8 = 2;

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Run,
    Help,
    Version,
    Manifest,
    Unknown(String),
}

pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Asked {
    let mut asked = Asked::Run;
    for argument in arguments {
        asked = match (asked, argument.as_str()) {
            (Asked::Run, "--help" | "-h") => Asked::Help,
            (Asked::Run, "--version" | "-V") => Asked::Version,
            (Asked::Run, "--manifest") => Asked::Manifest,
            _ => return Asked::Unknown(argument),
        };
    }
    asked
}

/// Answers on standard output; `None` when the process is to run.
pub(crate) fn answer(
    asked: &Asked,
    definition: &Definition,
    release: &str,
    environment: &Environment,
) -> Option<ExitCode> {
    let (name, version) = (definition.name, env!("CARGO_PKG_VERSION"));
    match asked {
        Asked::Run => return None,
        Asked::Help => println!("{}", help(name, environment)),
        Asked::Version => println!("{name} {version} (release {release})"),
        Asked::Manifest => {
            println!("{}", json!({ "process": name, "version": version, "release": release }));
        }
        Asked::Unknown(argument) => {
            eprintln!("{name}: {argument:?} is not known; {name} --help says what is");
            return Some(ExitCode::from(USAGE));
        }
    }
    Some(ExitCode::SUCCESS)
}

fn help(name: &str, environment: &Environment) -> String {
    let asked = environment.asked();
    let width = asked.iter().map(|one| one.name.len()).max().unwrap_or(0);
    let variables: String =
        asked.iter().map(|one| format!("  {:width$}  {}\n", one.name, one.default)).collect();
    format!(
        "Usage: {name} [--help | --version | --manifest]\n\n\
         Runs the {name} process until SIGTERM or Ctrl-C. All configuration is in the environment:\n\n\
         {variables}\n\
         Exits with 0 when it was stopped, 1 when it failed, 78 when the configuration is wrong."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(arguments: &[&str]) -> Asked {
        read(arguments.iter().map(ToString::to_string))
    }

    #[test]
    fn one_flag_or_none() {
        assert_eq!(asked(&[]), Asked::Run);
        assert_eq!(asked(&["-h"]), Asked::Help);
        assert_eq!(asked(&["--manifest"]), Asked::Manifest);
        assert_eq!(asked(&["start"]), Asked::Unknown("start".to_owned()));
        assert_eq!(asked(&["--help", "--version"]), Asked::Unknown("--version".to_owned()));
    }

    #[test]
    fn help_lists_every_variable_that_is_read() {
        let mut environment = Environment::default();
        environment.number("WORKER_CONCURRENCY", 16, 1..=1000);
        environment.secret("ADMIN_TOKEN");
        let help = help("worker", &environment);
        assert!(help.contains("  WORKER_CONCURRENCY  16\n"), "{help}");
        assert!(help.contains("  ADMIN_TOKEN         unset, secret\n"), "{help}");
    }
}
