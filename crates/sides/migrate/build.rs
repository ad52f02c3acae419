//! Puts the migrations into the binary, and again whenever a file or folder among them changes.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() {
    // Asked when it runs: a kept target folder may have been built in another checkout.
    let own = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let folder = Path::new(&own).join("../../../migrations");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut migrations: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the workspace has a folder migrations")
        .map(|entry| entry.expect("its entries can be read").path())
        .filter(|path| path.is_dir())
        .collect();
    migrations.sort();
    let list: String = migrations.iter().map(|path| embedded(path)).collect();
    let target = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("embedded.rs");
    fs::write(target, format!("&[\n{list}]\n")).expect("cargo's OUT_DIR can be written");
}

fn embedded(folder: &Path) -> String {
    let name = folder.file_name().expect("a folder in a folder has a name").to_string_lossy();
    // A folder's own time changes when a file comes or goes, a file's when it is edited.
    println!("cargo::rerun-if-changed={}", folder.display());
    let text = |file: &str| {
        let path = folder.join(file);
        path.exists().then(|| {
            println!("cargo::rerun-if-changed={}", path.display());
            format!("include_str!({:?})", path.to_string_lossy())
        })
    };
    let up = text("up.sql").unwrap_or_else(|| panic!("migrations/{name} has no up.sql"));
    let (down, metadata) = (optional(text("down.sql")), optional(text("metadata.toml")));
    format!("    Embedded {{ name: {name:?}, up: {up}, down: {down}, metadata: {metadata} }},\n")
}

fn optional(text: Option<String>) -> String {
    text.map_or_else(|| "None".to_owned(), |text| format!("Some({text})"))
}
