//! What `cargo run` starts: a program that is built in a second, since it uses only the standard library.
//!
//! `cargo run -- dev` in a fresh clone would otherwise compile the command line for minutes before it could say that
//! Postgres is missing, and then compile most dependencies again for the processes, which use other features of
//! them. This one looks for Postgres first, installs it while cargo builds the whole workspace in one go, and then
//! becomes the command line.
//!
//! ```no_run
//! // The default member of a workspace: `cargo run -- dev` builds `acme`, a program that calls `sides_cli::main`, and becomes it.
//! fn main() -> std::process::ExitCode {
//!     sides_launch::run("acme")
//! }
//! ```

mod build;
mod words;

use std::{
    env,
    ffi::OsString,
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode},
    thread,
};

use install::{Consent, InstallError, Need};
use words::Words;

/// Tells the command line that everything has just been built.
const BUILT: &str = "SIDES_BUILT";
/// Something that is needed is missing: `EX_UNAVAILABLE`.
const UNAVAILABLE: u8 = 69;

/// Builds `program`, a binary of this workspace, and becomes it, with this process's arguments.
///
/// Where these are `dev …`, Postgres is installed first if it is missing, and everything that the workspace has is
/// built with it. Returns only when that failed.
#[must_use]
pub fn run(program: &str) -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let words = Words::read(&arguments);
    let installing = match postgres(&words) {
        Ok(installing) => installing,
        Err(error) => return fail(&error),
    };
    let profile = build::Profile::here();
    let mut cargo = match build::start(&profile, (!words.dev).then_some(program)) {
        Ok(cargo) => cargo,
        Err(error) => {
            eprintln!("error: cannot run cargo: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(Err(error)) = installing.and_then(|thread| thread.join().ok()) {
        // Nothing is started without it: the rest of the build would be for nothing.
        drop(cargo.kill().and_then(|()| cargo.wait()));
        return fail(&error);
    }
    match cargo.wait() {
        Ok(status) if status.success() => {}
        // It has said why.
        Ok(_) => return ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: cannot wait for cargo: {error}");
            return ExitCode::FAILURE;
        }
    }
    let mut command = Command::new(profile.folder().join(program));
    command.args(arguments);
    if words.dev {
        command.env(BUILT, "1");
    }
    let error = command.exec();
    eprintln!("error: cannot run {}: {error}", profile.folder().join(program).display());
    ExitCode::FAILURE
}

/// Installs Postgres beside what follows, where `dev` needs one of its own and there is none. Whether it may is
/// known when this returns: a person is asked, and a refusal given, before anything is compiled.
fn postgres(words: &Words) -> Result<Option<thread::JoinHandle<Result<bool, InstallError>>>, InstallError> {
    if !words.dev || words.help || words.names_database() || Need::Postgres.is_met() {
        return Ok(None);
    }
    let consent = install::ask(Need::Postgres, Consent::of(words.yes, words.no), &mut say)?;
    Ok(Some(thread::spawn(move || install::ensure(Need::Postgres, consent, &mut say))))
}

fn say(line: &str) {
    eprintln!("{line}");
}

fn fail(error: &InstallError) -> ExitCode {
    eprintln!("error: there is no database: DATABASE_URL is not set, and {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        eprintln!("  because: {cause}");
        source = cause.source();
    }
    ExitCode::from(UNAVAILABLE)
}
