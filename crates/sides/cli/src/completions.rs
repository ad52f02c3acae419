//! `sides completions <shell>`, and the completion of names while somebody types.

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_complete::{
    Shell,
    env::{CompleteEnv, Shells},
};

use crate::cli::Arguments;

/// The variable in which the script says for which shell it asks.
const ASKS: &str = "SIDES_COMPLETE";
const NAME: &str = "sides";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// For which shell.
    shell: Shell,
}

/// Prints the script, which asks this program for everything: flags, commands and names that exist.
pub(crate) fn print(options: &Options) -> anyhow::Result<()> {
    let shell = options.shell.to_string();
    let shells = Shells::builtins();
    let completer =
        shells.completer(&shell).with_context(|| format!("there are no completions for {shell}"))?;
    let mut script = Vec::new();
    completer.write_registration(ASKS, NAME, NAME, NAME, &mut script)?;
    match io::stdout().write_all(&script) {
        // A reader that has seen enough (`| head`) is not a failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Answers the script and ends, where it is the script that asks.
pub(crate) fn answer() {
    CompleteEnv::with_factory(Arguments::command).var(ASKS).bin(NAME).complete();
}
