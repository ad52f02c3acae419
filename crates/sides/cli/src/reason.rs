//! `--reason`, an argument that several commands share.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Reason {
    /// Why, for the ledger.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}
