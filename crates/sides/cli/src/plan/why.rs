//! `--why`: from what differs through the crates to the process.

use std::{collections::BTreeMap, fmt};

use anyhow::ensure;

use super::{
    guess::{Process, Verdict},
    report::Report,
};
use crate::{
    git::Repository,
    inputs::{Difference, Graph, Input},
};

/// One difference and its way to the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walk {
    pub(super) difference: Difference,
    /// Packages, from the one that differs to the one that builds the program. Empty for a setting.
    pub(super) way: Vec<String>,
}

impl Walk {
    pub(super) fn of(difference: Difference, graph: &Graph, package: &str) -> Self {
        let from = match &difference.input {
            Input::File { package, .. } => Some(package),
            Input::Package { name, .. } => Some(name),
            Input::Setting { .. } => None,
        };
        // What is gone is no longer in the graph: its own name is all that can be said.
        let mut way = match from {
            Some(from) => graph.way(package, from).unwrap_or_else(|| vec![package.to_owned(), from.clone()]),
            None => Vec::new(),
        };
        way.reverse();
        Self { difference, way }
    }
}

impl fmt::Display for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.difference)?;
        // A package is named already.
        let skip = usize::from(matches!(self.difference.input, Input::Package { .. }));
        for name in self.way.iter().skip(skip) {
            write!(f, " → {name}")?;
        }
        Ok(())
    }
}

/// The walks of one process (`""`: of all), and what touches none.
pub(super) fn of(report: &Report, process: &str) -> anyhow::Result<String> {
    let is_asked = |one: &&Process| process.is_empty() || one.name == process;
    let asked: Vec<&Process> = report.processes.iter().filter(is_asked).collect();
    let known: Vec<&str> = report.processes.iter().map(|one| one.name.as_str()).collect();
    ensure!(!asked.is_empty(), "there is no Procfile.{process} here; known are {}", known.join(", "));
    let mut text = String::new();
    for one in asked {
        text += &explain(one);
    }
    if !report.elsewhere.is_empty() && process.is_empty() {
        text += "touches no process:\n";
        for path in &report.elsewhere {
            text += &format!("  {path}\n");
        }
    }
    Ok(text)
}

fn explain(process: &Process) -> String {
    let mut text = format!("{}: {}\n", process.name, process.verdict.words());
    if let Some(unknown) = &process.unknown {
        text += &format!("  {unknown}\n");
    }
    for walk in &process.walks {
        // A program is mostly named as its process is.
        let end = match walk.way.last() {
            Some(last) if *last == process.name => String::new(),
            _ => format!(" → {}", process.name),
        };
        text += &format!("  {walk}{end}\n");
    }
    text += &match (process.verdict, &process.now) {
        (Verdict::Unchanged, Some(now)) if process.walks.is_empty() => {
            let files: usize = now.files.values().map(BTreeMap::len).sum();
            format!(
                "  the same {files} files of {} crates, {} packages from elsewhere and {} settings\n",
                now.files.len(),
                now.packages.len(),
                now.settings.len()
            )
        }
        (Verdict::Unchanged, _) => "  and yet a build gives the same bytes\n".to_owned(),
        (Verdict::Changed, _) => "  and a build gives other bytes\n".to_owned(),
        (Verdict::MayHaveChanged, _) => {
            "  whether the bytes are others, `sides plan --build` tells\n".to_owned()
        }
        (Verdict::New, _) => String::new(),
    };
    text
}

/// What changed since a commit and is in none of the programs.
pub(super) fn elsewhere(repository: &Repository, commit: &str, processes: &[Process]) -> Vec<String> {
    let differs = |path: &String| {
        processes.iter().flat_map(|process| &process.walks).any(|walk| match &walk.difference.input {
            Input::File { path: named, .. } => named == path,
            _ => false,
        })
    };
    // These are told as settings and packages.
    let is_told = |path: &String| {
        ["Cargo.toml", "Cargo.lock"].contains(&path.as_str()) || path.starts_with("Procfile.")
    };
    let changed = repository.changed_since(commit);
    changed.into_iter().filter(|path| !differs(path) && !is_told(path)).collect()
}
