//! What can be typed.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes:
  0  done; for status: every process answers
  1  failed; the message says why
  2  the command line is not understood
  3  no dev runs in this workspace (stop), nor anything on DATABASE_URL (status)
  4  it runs, but not every process answers (status)";

/// Runs the processes of a workspace: web, worker, clock and any other with a Procfile.<name>.
#[derive(Debug, Parser)]
#[command(name = "sides", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// The workspace; by default the nearest folder upwards with a Procfile.<name>.
    #[arg(long, global = true, env = "SIDES_ROOT", value_name = "FOLDER")]
    pub(crate) root: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build, migrate and run everything on this machine, until Ctrl-C.
    ///
    /// After each save it builds again and replaces the processes whose bytes changed; a fault in the build is
    /// shown and takes nothing down.
    ///
    /// Uses the Postgres that DATABASE_URL names, or starts a private one in .sides/. A second `dev` in the
    /// same workspace attaches to the first one's status.
    Dev(DevOptions),
    /// Say what the running `dev` does, or what runs elsewhere on the database of DATABASE_URL.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Change the schema of DATABASE_URL, or else of this workspace's private Postgres.
    #[command(after_help = migrate::cli::EXIT_CODES)]
    Migrate {
        #[command(subcommand)]
        command: migrate::cli::Command,
        #[command(flatten)]
        common: migrate::cli::Common,
    },
    /// Stop the running `dev` and wait until everything has ended.
    Stop,
    /// Print a completion script: `sides completions bash > /etc/bash_completion.d/sides`.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DevOptions {
    /// The address that web listens on. Anything but loopback lets other machines in.
    #[arg(long, env = "HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) host: IpAddr,
    /// Web's port, or the next free one behind it.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    pub(crate) port: u16,
    /// Build with optimisations.
    #[arg(long)]
    pub(crate) release: bool,
    /// Do not build again and replace what changed after each save.
    #[arg(long)]
    pub(crate) no_watch: bool,
    /// Install Postgres first when this machine has none (Debian or Ubuntu, as root).
    #[arg(long)]
    pub(crate) install: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Arguments::command().debug_assert();
    }
}
