//! `--help`, `--version`, `--manifest`: answered before anything else is done.

use std::process::ExitCode;

use crate::{Definition, Environment, declaration, environment::Asked, settings::Settings};

/// The wrong use of a command, as most command lines report it.
const USAGE: u8 = 2;

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    Run,
    Help,
    Version,
    Manifest,
    Unknown(String),
}

pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Flag {
    let mut flag = Flag::Run;
    for argument in arguments {
        flag = match (flag, argument.as_str()) {
            (Flag::Run, "--help" | "-h") => Flag::Help,
            (Flag::Run, "--version" | "-V") => Flag::Version,
            (Flag::Run, "--manifest") => Flag::Manifest,
            _ => return Flag::Unknown(argument),
        };
    }
    flag
}

/// Answers on standard output; `None` when the process is to run.
pub(crate) fn answer(
    flag: &Flag,
    definition: &Definition,
    settings: &Settings,
    environment: &Environment,
) -> Option<ExitCode> {
    let (name, version) = (definition.name, env!("CARGO_PKG_VERSION"));
    if *flag != Flag::Run {
        terminal::end_with_reader();
    }
    match flag {
        Flag::Run => return None,
        Flag::Help => println!("{}", help(definition, environment)),
        Flag::Version => println!("{name} {version} (release {})", settings.release),
        Flag::Manifest => {
            let mut manifest = definition.declaration.manifest(name, settings.commit.as_deref());
            let digest = declaration::own_digest();
            let said = digest.map_err(|error| error.to_string()).and_then(|digest| {
                manifest.digest = digest;
                serde_json::to_string_pretty(&manifest).map_err(|error| error.to_string())
            });
            match said {
                Ok(said) => println!("{said}"),
                Err(error) => {
                    eprintln!("{name}: cannot write the manifest: {error}");
                    return Some(ExitCode::FAILURE);
                }
            }
        }
        Flag::Unknown(argument) => {
            eprintln!("{name}: unknown argument {argument:?}; see {name} --help");
            return Some(ExitCode::from(USAGE));
        }
    }
    Some(ExitCode::SUCCESS)
}

fn help(definition: &Definition, environment: &Environment) -> String {
    let Definition { name, about, .. } = definition;
    let asked = environment.asked();
    let width = |of: fn(&Asked) -> &str| asked.iter().map(|one| of(one).len()).max().unwrap_or(0);
    let (names, defaults) = (width(|one| &one.name), width(|one| &one.default));
    let line = |one: &Asked| {
        let line = format!("  {:names$}  {:defaults$}  {}", one.name, one.default, one.about);
        line.trim_end().to_owned() + "\n"
    };
    let variables: String = asked.iter().map(line).collect();
    format!(
        "{about}\n\nUsage: {name} [--help | --version | --manifest]\n\nRuns until SIGTERM or Ctrl-C. \
         Configuration comes from the environment (name, default, meaning):\n\n{variables}\nExits with 0 after a \
         normal stop, 1 after a failure, 78 if the configuration is invalid."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag(arguments: &[&str]) -> Flag {
        read(arguments.iter().map(ToString::to_string))
    }

    #[test]
    fn one_flag_or_none() {
        assert_eq!(flag(&[]), Flag::Run);
        assert_eq!(flag(&["-h"]), Flag::Help);
        assert_eq!(flag(&["--manifest"]), Flag::Manifest);
        assert_eq!(flag(&["start"]), Flag::Unknown("start".to_owned()));
        assert_eq!(flag(&["--help", "--version"]), Flag::Unknown("--version".to_owned()));
    }

    #[test]
    fn help_lists_every_variable_that_is_read() {
        let mut environment = Environment::default();
        environment.number("WORKER_CONCURRENCY", 16, 1..=1000);
        environment.about("WORKER_CONCURRENCY", "how many jobs run at once");
        environment.secret("ADMIN_TOKEN");
        let help = help(&Definition::new("worker", "Runs jobs."), &environment);
        assert!(help.starts_with("Runs jobs.\n"), "{help}");
        assert!(help.contains("  WORKER_CONCURRENCY  16             how many jobs run at once\n"), "{help}");
        assert!(help.contains("  ADMIN_TOKEN         unset, secret\n"), "{help}");
    }
}
