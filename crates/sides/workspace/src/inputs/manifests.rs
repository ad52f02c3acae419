//! The parts of a `Cargo.toml` that can change a program's bytes.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::packages::{Package, sub};

/// Sections of a package's manifest that no build of a program looks at.
const WITHOUT: [&str; 7] =
    ["dev-dependencies", "dev_dependencies", "bench", "test", "example", "lints", "badges"];

/// A package's manifest without what only tests, benchmarks and lints use.
pub(super) fn of_package(mut manifest: Table) -> String {
    for section in WITHOUT {
        manifest.remove(section);
    }
    if let Some(targets) = manifest.get_mut("target").and_then(Value::as_table_mut) {
        for (_, target) in targets.iter_mut() {
            if let Some(target) = target.as_table_mut() {
                target.remove("dev-dependencies");
            }
        }
    }
    manifest.to_string()
}

/// The root's manifest: profile, patches, what members inherit, and the dependencies that these packages name.
pub(super) fn of_workspace(root: &Table, packages: &[&Package]) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let mut note = |name: &str, value: Option<&Value>| {
        if let Some(value) = value {
            settings.push((format!("Cargo.toml [{name}]"), value.to_string()));
        }
    };
    note("profile.release", sub(root, &["profile"]).and_then(|profile| profile.get("release")));
    note("patch", root.get("patch"));
    note("replace", root.get("replace"));
    if let Some(workspace) = sub(root, &["workspace"]) {
        note("workspace.package", workspace.get("package"));
        note("workspace.resolver", workspace.get("resolver"));
        let named = packages.iter().flat_map(|package| &package.dependencies);
        let named: BTreeSet<&str> =
            named.filter(|one| one.from_workspace).map(|one| one.key.as_str()).collect();
        for (key, value) in sub(workspace, &["dependencies"]).into_iter().flatten() {
            if named.contains(key.as_str()) {
                note(&format!("workspace.dependencies.{key}"), Some(value));
            }
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_use_does_not_count() {
        let text = |more: &str| {
            let text = format!("[package]\nname = \"a\"\n[dependencies]\nserde = \"1\"\n{more}");
            of_package(text.parse().unwrap())
        };
        let plain = text("");
        for more in [
            "[dev-dependencies]\nx = \"1\"\n",
            "[lints]\nworkspace = true\n",
            "[target.'cfg(unix)'.dev-dependencies]\nx = \"1\"\n[[bench]]\nname = \"b\"\n",
        ] {
            assert_eq!(text(more).replace("[target.\"cfg(unix)\"]\n", "").trim(), plain.trim(), "{more}");
        }
        assert_ne!(text("itoa = \"1\"\n"), plain);
        assert_ne!(text("[features]\ndefault = []\n"), plain);
    }
}
