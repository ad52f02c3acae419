//! What another place is given: the kept program, and how to start it.

use platform::place::{Bundle, BundleFile};

use workspace::releases::{Digest, Store};

/// The files of a release; nothing when it is not kept here: then the place may have it.
pub(super) fn of(store: &Store, process: &str, digest: &Digest) -> anyhow::Result<Option<Bundle>> {
    let Some(record) = store.record(process, digest) else { return Ok(None) };
    let source = store.program(process, digest)?;
    // There it lies beside nothing else, wherever it was built.
    let name = record.program.rsplit('/').next().unwrap_or(process).to_owned();
    let command = shell_words::join([&name].into_iter().chain(&record.arguments));
    Ok(Some(Bundle { command, files: vec![BundleFile { name, source }] }))
}
