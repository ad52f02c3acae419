//! `sides manual`: man pages, made from the same definitions as `--help`.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};

use crate::cli::Arguments;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The directory to write to; created if missing. `man -l FOLDER/sides-release.1` shows one.
    #[arg(value_name = "FOLDER", default_value = "/usr/local/share/man/man1")]
    folder: PathBuf,
}

/// Writes one page for each command, `sides.1` first.
pub(crate) fn write(options: &Options) -> anyhow::Result<()> {
    let folder = &options.folder;
    let why = || format!("cannot write man pages to {}", folder.display());
    fs::create_dir_all(folder).with_context(why)?;
    clap_mangen::generate_to(Arguments::command(), folder).with_context(why)?;
    println!("man pages written; read the first one with: man -l {}", folder.join("sides.1").display());
    Ok(())
}
