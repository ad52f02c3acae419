//! `Cargo.lock`: which external packages a program may link, in which versions.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::tree::Tree;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Lock {
    #[serde(default, rename = "package")]
    packages: Vec<Locked>,
}

#[derive(Debug, Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Lock {
    /// An empty one where there is none.
    pub(super) fn read(tree: &impl Tree) -> Self {
        tree.text("Cargo.lock").and_then(|text| toml::from_str(&text).ok()).unwrap_or_default()
    }

    /// Every package from elsewhere that these packages of the workspace can reach, each started from the
    /// dependencies it is built with. Features and platforms are not looked at: it is an upper bound.
    pub(super) fn reached<'a>(
        &'a self,
        members: impl IntoIterator<Item = (&'a str, BTreeSet<&'a str>)>,
    ) -> BTreeMap<String, Vec<String>> {
        let mut open: Vec<&Locked> = Vec::new();
        for (member, linked) in members {
            let Some(member) = self.packages.iter().find(|one| one.name == member && one.source.is_none())
            else {
                continue;
            };
            // Its tests' dependencies stand there too.
            let ours = |entry: &&String| linked.contains(name(entry));
            open.extend(member.dependencies.iter().filter(ours).filter_map(|entry| self.find(entry)));
        }
        let mut reached: BTreeSet<(&str, String)> = BTreeSet::new();
        while let Some(package) = open.pop() {
            if package.source.is_some() && reached.insert((&package.name, package.version_in_full())) {
                open.extend(package.dependencies.iter().filter_map(|entry| self.find(entry)));
            }
        }
        let mut packages: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, version) in reached {
            packages.entry(name.to_owned()).or_default().push(version);
        }
        packages
    }

    /// The names of what a package from elsewhere is built with.
    pub(super) fn dependencies_of(&self, package: &str) -> Vec<String> {
        let of = self.packages.iter().filter(|one| one.name == package && one.source.is_some());
        of.flat_map(|one| one.dependencies.iter().map(|entry| name(entry).to_owned())).collect()
    }

    /// An entry is `name`, `name version` or `name version (source)`: as much as it takes to be the only one.
    fn find(&self, entry: &str) -> Option<&Locked> {
        let mut words = entry.split(' ');
        let (name, version) = (words.next()?, words.next());
        self.packages
            .iter()
            .find(|one| one.name == name && version.is_none_or(|version| one.version == version))
    }
}

impl Locked {
    fn version_in_full(&self) -> String {
        let content = self.checksum.as_deref().or(self.source.as_deref()).unwrap_or_default();
        format!("{} {content}", self.version)
    }
}

fn name(entry: &str) -> &str {
    entry.split(' ').next().unwrap_or(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 4
[[package]]
name = "web"
version = "0.1.0"
dependencies = ["serde", "for-tests", "models"]
[[package]]
name = "models"
version = "0.1.0"
dependencies = ["itoa 2.0.0"]
[[package]]
name = "serde"
version = "1.0.0"
source = "registry"
checksum = "aa"
dependencies = ["itoa 1.0.0"]
[[package]]
name = "itoa"
version = "1.0.0"
source = "registry"
checksum = "bb"
[[package]]
name = "itoa"
version = "2.0.0"
source = "registry"
checksum = "cc"
[[package]]
name = "for-tests"
version = "1.0.0"
source = "registry"
"#;

    #[test]
    fn what_tests_use_is_left_out_and_each_version_is_told_apart() {
        let lock: Lock = toml::from_str(LOCK).unwrap();
        let linked = BTreeSet::from(["serde", "models"]);
        let reached = lock.reached([("web", linked.clone())]);
        let expected = [("itoa", vec!["1.0.0 bb"]), ("serde", vec!["1.0.0 aa"])];
        let expected: BTreeMap<_, Vec<String>> = expected
            .into_iter()
            .map(|(name, all)| (name.to_owned(), all.into_iter().map(str::to_owned).collect()))
            .collect();
        assert_eq!(reached, expected);
        let both = lock.reached([("web", linked), ("models", BTreeSet::from(["itoa"]))]);
        assert_eq!(both["itoa"], ["1.0.0 bb", "2.0.0 cc"]);
    }
}
