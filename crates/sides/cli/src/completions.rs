//! `sides completions <shell>`.

use clap::CommandFactory as _;

use crate::cli::Arguments;

pub(crate) fn print(shell: clap_complete::Shell) {
    clap_complete::generate(shell, &mut Arguments::command(), "sides", &mut std::io::stdout());
}
