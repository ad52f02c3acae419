//! `--why`: the path from each difference through the crates to the process.

use std::collections::BTreeMap;

use anyhow::ensure;
use deploy::plan::{Process, Report, Verdict};

/// The walks of one process (`""`: of all), and what touches none.
pub(super) fn of(report: &Report, process: &str) -> anyhow::Result<String> {
    let is_asked = |one: &&Process| process.is_empty() || one.name == process;
    let asked: Vec<&Process> = report.processes.iter().filter(is_asked).collect();
    let known: Vec<&str> = report.processes.iter().map(|one| one.name.as_str()).collect();
    ensure!(!asked.is_empty(), "there is no Procfile.{process} here; the processes are {}", known.join(", "));
    let mut text = String::new();
    for one in asked {
        text += &explain(one);
    }
    if !report.unused_changes.is_empty() && process.is_empty() {
        text += "touches no process:\n";
        for path in &report.unused_changes {
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
                "  unchanged: {files} files in {} crates, {} external packages and {} settings\n",
                now.files.len(),
                now.packages.len(),
                now.settings.len()
            )
        }
        (Verdict::Unchanged, _) => "  but a build gives the same bytes\n".to_owned(),
        (Verdict::Changed, _) => "  and a build gives different bytes\n".to_owned(),
        (Verdict::MayHaveChanged, _) => "  `sides plan --build` shows whether the bytes differ\n".to_owned(),
        (Verdict::New, _) => String::new(),
    };
    text
}
