//! The plan for a person at a terminal.

use deploy::plan::{Migrations, Order, Process, Report, Running, Verdict, phase_name, short};
use terminal::{Palette, table, tell};
use workspace::Outcome;

const HEAD: [&str; 4] = ["PROCESS", "RUNS", "VERDICT", "WHY"];

pub(super) fn of(report: &Report, palette: Palette) -> String {
    let rows: Vec<Vec<String>> = report.processes.iter().map(row).collect();
    let mut text = table(palette, &HEAD, &rows);
    text += &format!("\n{}\n", migrations(&report.migrations));
    text += &format!("{}\n", order(report, palette));
    let needless = report.needless();
    if !needless.is_empty() {
        text +=
            &format!("{} did not change after all: a build gives the running bytes.\n", needless.join(", "));
    }
    for note in report.notes.iter().chain(&report.place.no_git).cloned().chain(uncommitted(report)) {
        text += &format!("{}\n", tell::notice(palette, &note));
    }
    text
}

fn row(process: &Process) -> Vec<String> {
    let runs: Vec<String> = process.runs.iter().map(running).collect();
    let runs = if runs.is_empty() { "-".to_owned() } else { runs.join(", ") };
    vec![process.name.clone(), runs, process.verdict.words().to_owned(), process.reason()]
}

/// A release and its commit.
pub(super) fn running(running: &Running) -> String {
    let release = running.release.get(..12).unwrap_or(&running.release);
    match &running.commit {
        Some(commit) => format!("{release} ({})", short(commit)),
        None => release.to_owned(),
    }
}

fn migrations(migrations: &Migrations) -> String {
    if !migrations.are_known {
        let newest = migrations.all.last().map(migrate::Migration::name).unwrap_or_default();
        return format!(
            "Migrations: {} in the directory, newest {newest}; it is not known which are applied.",
            migrations.all.len()
        );
    }
    if migrations.pending.is_empty() {
        return "Migrations: none to run.".to_owned();
    }
    let lines = migrations.pending.iter().map(|one| format!("\n  {:8}  {}", phase_name(one.phase), one.name));
    format!("Migrations to run:{}", lines.collect::<String>())
}

fn order(report: &Report, palette: Palette) -> String {
    match &report.order {
        Order::Found(plan) => plan.to_string(),
        Order::Refused(refused) => tell::fault(palette, &format!("a release would be refused: {refused}")),
        Order::Unknown(_) if report.outcome() == Outcome::NothingToDo => {
            "Nothing to do: no process has changed.".to_owned()
        }
        Order::Unknown(why) => format!("Order: not known yet; {why}."),
    }
}

/// What is not in a commit is released anyway.
fn uncommitted(report: &Report) -> Option<String> {
    let changes = report.processes.iter().any(|process| process.verdict != Verdict::Unchanged);
    let count = report.place.uncommitted;
    let files = if count == 1 { "1 file is" } else { &format!("{count} files are") };
    (changes && count > 0).then(|| format!("{files} not committed; a release would include them as they are"))
}
