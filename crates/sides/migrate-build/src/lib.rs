//! For the build script of a crate that embeds a folder of migrations with diesel's `embed_migrations!`.
//!
//! Two things diesel's macro cannot do: have cargo build the crate again when only a migration changed, and keep what
//! `metadata.toml` says beside `run_in_transaction` (the phase, its reason, what is accepted).
//!
//! ```no_run
//! // build.rs
//! sides_migrate_build::watch("../../migrations");
//! ```
//!
//! The crate then takes the second with `include!(concat!(env!("OUT_DIR"), "/metadata.rs"))`, a value of
//! `&[(&str, &str)]`: each migration that has a `metadata.toml`, by the name of its folder, with that file's text.

use std::{env, fmt::Write as _, fs, path::Path};

/// Watches `folder`, a path from the crate's `Cargo.toml`, and writes `$OUT_DIR/metadata.rs`.
///
/// # Panics
/// When the folder cannot be read, or cargo did not start the build script.
pub fn watch(folder: &str) {
    // Cargo looks at everything below a folder.
    println!("cargo::rerun-if-changed={folder}");
    // Asked when it runs: a kept target folder may have been built in another checkout.
    let own = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let target = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("metadata.rs");
    let source = metadata(&Path::new(&own).join(folder));
    fs::write(target, source).expect("cargo's OUT_DIR can be written");
}

/// The files `metadata.toml` of a folder of migrations, as an expression of Rust.
fn metadata(folder: &Path) -> String {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()));
    let mut found: Vec<(String, String)> = entries
        .map(|entry| entry.expect("its entries can be read"))
        .filter_map(|entry| {
            let text = fs::read_to_string(entry.path().join("metadata.toml")).ok()?;
            Some((entry.file_name().to_string_lossy().into_owned(), text))
        })
        .collect();
    found.sort();
    let mut source = "&[\n".to_owned();
    for (name, text) in found {
        writeln!(source, "    ({name:?}, {text:?}),").expect("a string takes everything");
    }
    source + "]\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metadata_file_is_there_by_its_migrations_name() {
        let folder = env::temp_dir().join(format!("sides-migrate-build-{}", std::process::id()));
        for (name, text) in [("2_b", "phase = \"contract\"\n"), ("1_a", "accept = \"small\"")] {
            fs::create_dir_all(folder.join(name)).expect("a folder can be made");
            fs::write(folder.join(name).join("metadata.toml"), text).expect("a file can be written");
        }
        fs::create_dir_all(folder.join("3_c")).expect("a folder can be made");
        let source = metadata(&folder);
        fs::remove_dir_all(&folder).expect("the folder can be removed");
        assert_eq!(
            source,
            "&[\n    (\"1_a\", \"accept = \\\"small\\\"\"),\n    (\"2_b\", \"phase = \\\"contract\\\"\\n\"),\n]\n"
        );
    }
}
