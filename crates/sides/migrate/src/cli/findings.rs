//! The findings of `check` as text.

use std::path::Path;

use super::shown::on_one_line;
use crate::{
    check::{Checked, Finding, annotation},
    recipe::Instead,
};

/// What a person reads about one migration.
pub(crate) fn lines(folder: &Path, checked: &Checked) -> Vec<String> {
    let verdict = if checked.is_refused() { "refused" } else { "ok" };
    let mut lines = vec![format!("{verdict:8} {}  {}", checked.name, checked.phase)];
    lines.extend(checked.problems.iter().map(|problem| format!("  {problem}")));
    for finding in &checked.statements {
        let witness = finding
            .witness
            .iter()
            .map(|witness| format!("  line {}: {}", finding.line, on_one_line(witness)));
        lines.extend(witness);
        let Some(reason) = finding.class.refused else { continue };
        let place = format!("{}:{}", folder.join(&checked.name).join("up.sql").display(), finding.line);
        match &finding.accepted {
            Some(why) => lines.push(format!("  {place}: accepted although it {reason}: {why}")),
            None => {
                lines.push(format!("  {place}: `{}` {reason}", finding.statement));
                lines.extend(instead(finding).lines().map(|line| format!("    {line}")));
            }
        }
    }
    lines
}

/// The same for a CI run.
pub(crate) fn commands(folder: &Path, checked: &Checked) -> Vec<String> {
    let file = |name: &str| folder.join(&checked.name).join(name).display().to_string();
    let refused = checked.statements.iter().filter(|finding| finding.is_refused()).map(|finding| {
        let reason = finding.class.refused.map(|reason| reason.to_string()).unwrap_or_default();
        let message = format!("{} {reason}\n{}", finding.statement, instead(finding));
        annotation(&file("up.sql"), finding.line, "must not run as it is", &message)
    });
    let problems = checked
        .problems
        .iter()
        .map(|problem| annotation(&file("metadata.toml"), 1, "does not fit its statements", problem));
    refused.chain(problems).collect()
}

fn instead(finding: &Finding) -> String {
    match &finding.instead {
        None => String::new(),
        Some(Instead::Advice(advice)) => format!("by hand: {advice}"),
        Some(Instead::Batches(text)) => {
            format!(
                "write instead, as a migration of its own with phase = \"backfill\" (check --fix does it):\n{text};"
            )
        }
        Some(Instead::Statements(statements)) => {
            let text: Vec<_> = statements.iter().map(|statement| format!("{statement};")).collect();
            format!(
                "write instead, with run_in_transaction = false (check --fix does it):\n{}",
                text.join("\n")
            )
        }
        Some(Instead::Series(parts)) => {
            let text = parts.iter().map(|part| {
                let kind = if part.backfill { " (phase = \"backfill\")" } else { "" };
                let up: Vec<_> = part.up.iter().map(|statement| format!("{statement};")).collect();
                format!("-- {}{kind}\n{}", part.suffix, up.join("\n"))
            });
            let text: Vec<_> = text.collect();
            format!("write instead, a migration each (check --fix does it):\n{}", text.join("\n"))
        }
    }
}
