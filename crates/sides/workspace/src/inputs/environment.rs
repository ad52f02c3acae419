//! The parts of the environment and of the configuration outside the workspace that reach the compiler.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use super::digest;

/// Cargo's own variables that change what is built.
const PREFIXES: [&str; 3] = ["CARGO_PROFILE_", "CARGO_BUILD_", "CARGO_TARGET_"];
/// Others that cargo, the compiler and build scripts in C listen to.
const NAMES: [&str; 14] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_BOOTSTRAP",
    "CARGO_UNSTABLE_BUILD_STD",
    "CC",
    "CXX",
    "AR",
    "CFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "SOURCE_DATE_EPOCH",
];
/// Where and how fast is no part of what.
const BESIDE: [&str; 5] = [
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_BUILD_DIR",
    "CARGO_BUILD_JOBS",
    "CARGO_BUILD_INCREMENTAL",
];
/// Macros that take a variable into the program, and the words by which a build script says that it listens to one.
const TAKES_IN: [&str; 2] = ["env!(\"", "rerun-if-env-changed="];

/// The variables that are set and steer a build, each with its value.
pub(super) fn steering(all: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let counts = |name: &str| {
        !BESIDE.contains(&name)
            && (NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
    };
    all.filter(|(name, value)| counts(name) && !value.is_empty()).collect()
}

/// The variables that a source file takes into the program; those that cargo sets by itself are none.
pub(super) fn named_in(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for marker in TAKES_IN {
        for rest in text.split(marker).skip(1) {
            let is_part = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
            let name: String = rest.chars().take_while(is_part).collect();
            let is_cargos = name.starts_with("CARGO_") || name == "OUT_DIR";
            if !name.is_empty() && !is_cargos {
                names.insert(name);
            }
        }
    }
    names
}

/// What a taken-in variable is now. It may be a secret, so only its digest is kept.
pub(super) fn value_of(name: &str) -> Option<String> {
    env::var(name).ok().map(|value| digest(value.as_bytes()))
}

/// Cargo's configuration above the workspace and in its home, by path, each with its digest.
pub(super) fn configuration(root: &Path) -> BTreeMap<String, String> {
    let above = root.ancestors().skip(1).map(|folder| folder.join(".cargo"));
    let home = env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let files = above.chain(home).flat_map(|folder| ["config.toml", "config"].map(|name| folder.join(name)));
    let read = |file: PathBuf| Some((file.display().to_string(), digest(&fs::read(&file).ok()?)));
    files.filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_the_compiler_counts_and_where_it_works_does_not() {
        let set = [
            ("CARGO_PROFILE_RELEASE_LTO", "off"),
            ("CARGO_BUILD_RUSTFLAGS", "-C target-cpu=native"),
            ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "mold"),
            ("RUSTFLAGS", "-C debuginfo=1"),
            ("RUSTC_WRAPPER", ""),
            ("CARGO_TARGET_DIR", "/tmp/target"),
            ("CARGO_BUILD_JOBS", "2"),
            ("PATH", "/bin"),
        ];
        let all = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let names: Vec<String> = steering(all).into_keys().collect();
        let expected = [
            "CARGO_BUILD_RUSTFLAGS",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
            "RUSTFLAGS",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn variables_that_a_source_takes_in_are_found() {
        let text = r#"const A: &str = env!("BUILD_NUMBER"); let b = option_env!("FLAVOUR"); env!("CARGO_PKG_NAME");
            println!("cargo:rerun-if-env-changed=API_BASE"); include!(concat!(env!("OUT_DIR"), "/x.rs"));"#;
        let names: Vec<String> = named_in(text).into_iter().collect();
        assert_eq!(names, ["API_BASE", "BUILD_NUMBER", "FLAVOUR"]);
    }
}
