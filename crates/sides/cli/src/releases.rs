//! `sides releases`: the kept releases and their verdicts.

use clap::Args;
use serde_json::{Value, json};

use terminal::{Palette, table};
use workspace::{
    Outcome, Workspace,
    releases::{Entry, Seen, Set, Store},
};

const HEAD: [&str; 5] = ["NUMBER", "BEGUN", "SEEN", "NOW", "BUILDS"];

#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Lists every set that was released here, the newest first.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<Outcome> {
    let Some(store) = Store::existing(workspace) else {
        let none = if options.json {
            "[]"
        } else {
            "nothing has been released here yet; start with `sides \
                                                    release`"
        };
        println!("{none}");
        return Ok(Outcome::NothingToDo);
    };
    let (history, running) = (store.history()?, store.running()?);
    let next = history.last_good_beside(&running).cloned();
    let entries = history.entries.iter().rev();
    if options.json {
        let all: Vec<Value> = entries.map(|entry| as_json(&store, entry, &running)).collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(Outcome::Done);
    }
    let mut is_marked = false;
    let rows: Vec<Vec<String>> = entries
        .map(|entry| {
            let is_next = !is_marked && entry.seen == Seen::Good && Some(&entry.set) == next.as_ref();
            is_marked |= is_next;
            row(&store, entry, &running, is_next)
        })
        .collect();
    print!("{}", table(Palette::for_stdout(), &HEAD, &rows));
    println!("`sides rollback --to NUMBER` returns to any of them whose builds are still kept.");
    Ok(Outcome::Done)
}

fn is_kept(store: &Store, set: &Set) -> bool {
    set.iter().all(|(process, digest)| store.find(process, digest).is_some())
}

fn as_json(store: &Store, entry: &Entry, running: &Set) -> Value {
    json!({
        "number": entry.number,
        "at": entry.at,
        "seen": entry.seen,
        "runs": entry.set == *running,
        "kept": is_kept(store, &entry.set),
        "builds": entry.set,
    })
}

fn row(store: &Store, entry: &Entry, running: &Set, is_next: bool) -> Vec<String> {
    let builds: Vec<String> =
        entry.set.iter().map(|(process, digest)| format!("{process} {digest}")).collect();
    let now = match () {
        () if entry.set == *running => "runs",
        () if !is_kept(store, &entry.set) => "not kept",
        () if is_next => "next rollback",
        () => "kept",
    };
    vec![
        entry.number.to_string(),
        entry.at.format("%F %TZ").to_string(),
        entry.seen.in_words().to_owned(),
        now.to_owned(),
        builds.join(", "),
    ]
}
