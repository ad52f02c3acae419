//! Why migrations could not be tried.

use crate::{MigrateError, Said, Site, script::Script};

/// Why nothing could be tried.
#[derive(Debug, thiserror::Error)]
pub enum ShadowError {
    /// No scratch database.
    #[error(
        "no scratch database can be made to try the migrations on: {0}\n\
         install Postgres' server programs on this machine, or name another server with --shadow URL, or give the \
         user the right (ALTER ROLE … CREATEDB)"
    )]
    Make(Said),
    /// A migration does not even apply to an empty database.
    #[error("{site}: {said}\nit cannot be applied to a fresh database; correct it, and check again")]
    Apply {
        /// Which statement.
        site: Box<Site>,
        /// What Postgres said.
        said: Said,
    },
    /// An extension is not installed beside the scratch server.
    #[error(
        "{site}: {said}\nthe scratch server does not have this extension; install its package on this machine, \
         or use a server that has it with --shadow URL"
    )]
    NoExtension {
        /// Which statement.
        site: Box<Site>,
        /// What Postgres said.
        said: Said,
    },
}

/// Why a statement of a script could not be applied: an extension that is missing is told from what is wrong.
pub(crate) fn apply_error(script: &Script<'_>, index: usize, said: Said) -> MigrateError {
    let mut site = script.site(index);
    let statement = &script.statements[index];
    site.line += said.lines_before(&statement.text);
    let site = Box::new(site);
    let makes_extension = statement.text.to_uppercase().starts_with("CREATE EXTENSION");
    if makes_extension && said.code().is_some_and(|code| ["0A000", "58P01", "42704"].contains(&code)) {
        return ShadowError::NoExtension { site, said }.into();
    }
    ShadowError::Apply { site, said }.into()
}
