//! The plan as a summary for a pull request.

use deploy::plan::{Order, Process, Report, Verdict, phase_name};
use workspace::Outcome;

use super::text::running;

/// Reasons of one process beyond these are counted.
const SHOWN: usize = 10;

pub(super) fn of(report: &Report) -> String {
    let mut text = format!("## Release plan: {}\n\n", title(report));
    text += "| Process | Runs | Verdict | Why |\n|---|---|---|---|\n";
    for process in &report.processes {
        let runs: Vec<String> = process.runs.iter().map(|one| format!("`{}`", running(one))).collect();
        let runs = if runs.is_empty() { "–".to_owned() } else { runs.join(", ") };
        let verdict = match process.verdict {
            Verdict::Unchanged => "unchanged".to_owned(),
            other => format!("**{}**", other.words()),
        };
        text += &format!("| {} | {runs} | {verdict} | {} |\n", process.name, cell(&process.reason()));
    }
    text += &migrations(report);
    text += &order(report);
    text += &details(&report.processes);
    for note in report.notes.iter().chain(&report.place.no_git) {
        text += &format!("\n> {}\n", cell(note));
    }
    text
}

fn title(report: &Report) -> String {
    let changed = report.processes.iter().filter(|process| process.verdict != Verdict::Unchanged);
    let names: Vec<&str> = changed.map(|process| process.name.as_str()).collect();
    match report.outcome() {
        Outcome::Refused => "refused".to_owned(),
        Outcome::NothingToDo => "nothing to do".to_owned(),
        _ if names.is_empty() => "migrations only".to_owned(),
        _ => names.join(", "),
    }
}

fn migrations(report: &Report) -> String {
    let migrations = &report.migrations;
    if !migrations.are_known {
        return "\nIt is not known which migrations are applied.\n".to_owned();
    }
    if migrations.pending.is_empty() {
        return "\nNo migrations.\n".to_owned();
    }
    let lines = migrations.pending.iter().map(|one| format!("- {}: `{}`\n", phase_name(one.phase), one.name));
    format!("\n**Migrations**\n\n{}", lines.collect::<String>())
}

fn order(report: &Report) -> String {
    match &report.order {
        Order::Found(plan) if plan.is_empty() => String::new(),
        Order::Found(plan) => {
            let steps = plan
                .steps
                .iter()
                .enumerate()
                .map(|(at, step)| format!("{}. {}\n", at + 1, cell(&step.to_string())));
            let mut text = format!("\n**Order**\n\n{}", steps.collect::<String>());
            if let Some(number) = plan.point_of_no_return() {
                text += &format!("\nThere is no way back after step {number}.\n");
            }
            text.extend(plan.notes.iter().map(|note| format!("\n{}.\n", cell(note))));
            text
        }
        Order::Refused(refused) => {
            let witnesses = refused.witnesses.iter().map(|one| format!("- {}\n", cell(one)));
            let next = refused.next.as_ref().map(|next| format!("\n{}\n", cell(next)));
            format!(
                "\n**A release would be refused**: {}\n\n{}{}",
                cell(&refused.reason),
                witnesses.collect::<String>(),
                next.unwrap_or_default()
            )
        }
        Order::Unknown(_) if report.outcome() == Outcome::NothingToDo => String::new(),
        Order::Unknown(why) => format!("\nOrder: not known yet; {}.\n", cell(why)),
    }
}

fn details(processes: &[Process]) -> String {
    let walks: Vec<&Process> = processes.iter().filter(|process| process.walks.len() > 1).collect();
    if walks.is_empty() {
        return String::new();
    }
    let mut text = "\n<details><summary>Everything that changed</summary>\n\n".to_owned();
    for process in walks {
        text += &format!("{}\n\n", process.name);
        for walk in process.walks.iter().take(SHOWN) {
            text += &format!("- {}\n", cell(&walk.to_string()));
        }
        if process.walks.len() > SHOWN {
            text += &format!("- and {} more\n", process.walks.len() - SHOWN);
        }
        text.push('\n');
    }
    text + "</details>\n"
}

/// Text that breaks neither a table nor the page around it.
fn cell(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_stays_in_its_cell() {
        assert_eq!(cell("a | b\n<script> & c"), "a \\| b &lt;script> &amp; c");
    }
}
