//! `sides completions <shell>`.

use clap::CommandFactory as _;

use crate::{cli::Arguments, outcome::Outcome};

#[expect(clippy::unnecessary_wraps, reason = "every command has this shape")]
pub(crate) fn print(shell: clap_complete::Shell) -> anyhow::Result<Outcome> {
    clap_complete::generate(shell, &mut Arguments::command(), "sides", &mut std::io::stdout());
    Ok(Outcome::Done)
}
