//! Which crates a program consists of, and through which path.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    lock::Lock,
    packages::{self, Package},
    tree::Tree,
};

/// The workspace's packages and those from elsewhere, with what each is built with.
#[derive(Debug)]
pub struct Graph {
    /// By folder.
    pub(super) packages: BTreeMap<String, Package>,
    pub(super) lock: Lock,
}

impl Graph {
    /// Reads every manifest of a tree.
    pub fn read(tree: &impl Tree) -> Self {
        Self { packages: packages::all(tree), lock: Lock::read(tree) }
    }

    /// The package that builds a program of this name.
    pub fn package_of(&self, program: &str) -> Option<&Package> {
        let builds = |package: &&Package| package.programs.iter().any(|name| name == program);
        self.packages.values().find(builds)
    }

    /// The packages of the workspace that a package is built with, itself first.
    pub(super) fn closure<'a>(&'a self, of: &'a Package) -> Vec<&'a Package> {
        let mut reached = vec![of];
        let mut at = 0;
        while at < reached.len() {
            for folder in &reached[at].crates {
                if let Some(package) = self.packages.get(folder)
                    && reached.iter().all(|known| known.folder != package.folder)
                {
                    reached.push(package);
                }
            }
            at += 1;
        }
        reached
    }

    /// The shortest way from a package to another by what is built with what, both ends included.
    pub fn way(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut open = VecDeque::from([vec![from.to_owned()]]);
        let mut seen = BTreeSet::from([from.to_owned()]);
        while let Some(way) = open.pop_front() {
            let last = way.last()?;
            if last == to {
                return Some(way);
            }
            for next in self.next(last) {
                if seen.insert(next.clone()) {
                    open.push_back(way.iter().cloned().chain([next]).collect());
                }
            }
        }
        None
    }

    fn next(&self, name: &str) -> Vec<String> {
        match self.packages.values().find(|package| package.name == name) {
            Some(package) => {
                let own = package.crates.iter().filter_map(|folder| self.packages.get(folder));
                let named = package.dependencies.iter().map(|dependency| dependency.package.clone());
                own.map(|package| package.name.clone()).chain(named).collect()
            }
            None => self.lock.dependencies_of(name),
        }
    }
}
