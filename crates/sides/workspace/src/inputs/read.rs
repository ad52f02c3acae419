//! The inputs of a program, read from a tree.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    env,
    path::Path,
};

use anyhow::Context as _;
use platform::procfile::{self, Procfile};
use tokio::process::Command;

use super::{
    Inputs,
    crates::Graph,
    digest, environment,
    manifests::{of_package, of_workspace},
    packages::{Package, table},
    sources,
    tree::{Tree, join},
};

/// How builds are made: raised when this program builds in another way from then on.
const BUILT_BY: &str = "1";

/// Files of the root that steer cargo.
const STEERING: [&str; 4] = [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain"];

/// A tree with its packages.
pub struct Sources<'a, T> {
    tree: &'a T,
    /// Who links whom.
    pub graph: Graph,
    /// By folder: programs share most of their crates, and each is read once.
    files: RefCell<BTreeMap<String, BTreeMap<String, String>>>,
    /// By folder: the variables that its sources take into the program.
    taken_in: RefCell<BTreeMap<String, BTreeSet<String>>>,
    /// The variables and the configuration outside of the tree that steer cargo and the compiler.
    environment: BTreeMap<String, String>,
}

impl<'a, T: Tree> Sources<'a, T> {
    /// Reads what all programs of a tree share; their files are read when they are asked for.
    pub fn of(tree: &'a T) -> Self {
        let set = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let mut environment = environment::steering(set);
        // The folder of a commit's tree is that of the work tree: what lies around it is the same.
        let root = env::current_dir().unwrap_or_default();
        environment.extend(environment::configuration(&root));
        Self {
            tree,
            graph: Graph::read(tree),
            files: RefCell::default(),
            taken_in: RefCell::default(),
            environment,
        }
    }

    /// The inputs of a process: of what its Procfile in this tree starts. `None` when there is none that is understood,
    /// or no package here builds its program.
    pub fn inputs(&self, process: &str, toolchain: &str) -> Option<Inputs> {
        let file = format!("Procfile.{process}");
        let procfile = &procfile::parse(process, Path::new(&file), &self.tree.text(&file)?).ok()?;
        let package = self.graph.package_of(&procfile.program)?;
        let packages = self.graph.closure(package);
        let mut inputs = Inputs::default();
        for package in &packages {
            inputs.files.insert(package.name.clone(), self.files_of(package));
        }
        inputs.packages = self.graph.lock.reached(packages.iter().map(|package| linked(package)));
        let root = table(self.tree, "Cargo.toml").unwrap_or_default();
        inputs.settings.extend(of_workspace(&root, &packages));
        for path in STEERING {
            if let Some(text) = self.tree.text(path) {
                inputs.settings.insert(path.to_owned(), digest(text.as_bytes()));
            }
        }
        inputs.settings.insert(format!("Procfile.{}", procfile.name), command_line(procfile));
        inputs.settings.insert("toolchain".to_owned(), toolchain.to_owned());
        inputs.settings.insert("way of building".to_owned(), BUILT_BY.to_owned());
        inputs.settings.extend(self.environment.clone());
        let taken_in =
            packages.iter().flat_map(|package| self.taken_in.borrow().get(&package.folder).cloned());
        for name in taken_in.flatten() {
            if let Some(value) = environment::value_of(&name) {
                inputs.settings.insert(format!("environment {name}"), value);
            }
        }
        Some(inputs)
    }

    /// The files of a package, each with the digest of its content.
    fn files_of(&self, package: &Package) -> BTreeMap<String, String> {
        if let Some(known) = self.files.borrow().get(&package.folder) {
            return known.clone();
        }
        let folders: BTreeSet<&str> = self.graph.packages.keys().map(String::as_str).collect();
        let mut files = BTreeMap::new();
        for path in sources::files(self.tree, &package.folder, &folders) {
            let content = self.tree.read(&path).unwrap_or_default();
            if path.ends_with(".rs") {
                let names = environment::named_in(&String::from_utf8_lossy(&content));
                self.taken_in.borrow_mut().entry(package.folder.clone()).or_default().extend(names);
            }
            files.insert(path, digest(&content));
        }
        let manifest = join(&package.folder, "Cargo.toml");
        let relevant = table(self.tree, &manifest).map(of_package).unwrap_or_default();
        files.insert(manifest, digest(relevant.as_bytes()));
        self.files.borrow_mut().insert(package.folder.clone(), files.clone());
        files
    }
}

/// The line as it is started, word by word.
fn command_line(procfile: &Procfile) -> String {
    let words = std::iter::once(&procfile.program).chain(&procfile.arguments);
    words.map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" ")
}

fn linked(package: &Package) -> (&str, BTreeSet<&str>) {
    (&package.name, package.dependencies.iter().map(|dependency| dependency.package.as_str()).collect())
}

/// The compiler that cargo uses in this folder, in its own words.
///
/// # Errors
/// When it cannot be run.
pub async fn toolchain(folder: &Path) -> anyhow::Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").current_dir(folder).kill_on_drop(true).output().await;
    let output = output.context("cannot run rustc: is it in PATH?")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Folder;

    #[test]
    fn a_program_is_made_of_its_crates_and_no_others() {
        let tree = Folder::new(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.."));
        let sources = Sources::of(&tree);
        let of = |name: &str| sources.inputs(name, "rustc").unwrap();
        let (web, clock) = (of("web"), of("clock"));
        assert!(web.files.contains_key("models") && !clock.files.contains_key("models"));
        assert!(!web.files.contains_key("release"), "the planner is in no process");
        assert!(web.files["web"].contains_key("crates/web/assets/style.css"));
        assert!(web.packages.contains_key("maud") && !clock.packages.contains_key("maud"));
        assert!(!web.packages.contains_key("fantoccini"), "only tests use it");
        assert!(web.settings.contains_key("Cargo.toml [profile.release]"));
        assert!(web.settings.contains_key("Cargo.toml [workspace.dependencies.maud]"));
        let way = sources.graph.way("web", "serde_json").unwrap();
        assert_eq!((way[0].as_str(), way.last().unwrap().as_str()), ("web", "serde_json"));
    }
}
