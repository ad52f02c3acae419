//! `sides completions <shell>`.

use std::io::{self, Write as _};

use clap::{Args, CommandFactory as _};

use crate::cli::Arguments;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// For which shell.
    shell: clap_complete::Shell,
}

/// Prints the script. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn print(options: &Options) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "sides", &mut script);
    match io::stdout().write_all(&script) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
