//! Files of other tools with the same kind of name: `Procfile.dev`, with several processes in it.

use std::path::PathBuf;

/// What other tools put behind `Procfile.`: an occasion or a tool, never a process.
const OCCASIONS: &[&str] = &[
    "base",
    "ci",
    "compose",
    "debug",
    "default",
    "demo",
    "dev",
    "development",
    "dist",
    "docker",
    "example",
    "foreman",
    "forego",
    "goreman",
    "heroku",
    "hivemind",
    "honcho",
    "linux",
    "local",
    "mac",
    "macos",
    "minimal",
    "mprocs",
    "overmind",
    "prod",
    "production",
    "qa",
    "sample",
    "stage",
    "staging",
    "template",
    "test",
    "testing",
    "windows",
];

/// A `Procfile.<name>` that says nothing about a process of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// The file.
    pub file: PathBuf,
    /// What is behind the dot.
    pub name: String,
    /// The processes that it names.
    pub processes: Vec<String>,
}

impl std::fmt::Display for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, name, processes } = self;
        let says = if processes.is_empty() { "nothing".to_owned() } else { processes.join(", ") };
        write!(
            f,
            "{} is ignored: it names {says}, so it belongs to another tool; a process {name} would be one line \
             `{name}: …`",
            file.display()
        )
    }
}

/// Whether the text of `Procfile.<name>` is another tool's. One that names its own process never is, whatever else is
/// wrong with it; nor is one that names a single other process, which is a slip of the pen, unless its own name is an
/// occasion.
pub(super) fn processes(name: &str, text: &str) -> Option<Vec<String>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let named: Vec<String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(found, _)| found.trim())
        .filter(|found| !found.is_empty() && !found.contains(|c: char| c.is_whitespace() || c.is_control()))
        .map(str::to_owned)
        .collect();
    let is_ours = named.iter().any(|found| found == name);
    (!is_ours && (named.len() > 1 || OCCASIONS.contains(&name))).then_some(named)
}

/// A file that cannot even be read as text is not ours, when its name is an occasion.
pub(super) fn is_occasion(name: &str) -> bool {
    OCCASIONS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_tools_are_told_from_slips() {
        let foreign = |name: &str, text: &str| processes(name, text).is_some();
        assert!(foreign("dev", "web: bin/rails s -p ${PORT:-3000}\ncss: yarn watch"));
        assert!(foreign("prod", "web: ./web"));
        assert!(foreign("dev", "# nothing yet\n"));
        assert!(foreign("full", "web: ./web\nworker: ./worker\n"));
        assert!(foreign("staging", "release: ./migrate && echo done"));
        assert!(!foreign("dev", "dev: ./dev"), "a process may be called so");
        assert!(!foreign("web", "web: web\nworker: worker"), "its own process is named");
        assert!(!foreign("web", "wbe: web"), "a slip of the pen");
        assert!(!foreign("mail", ""), "an empty file says nothing of whose it is");
    }
}
