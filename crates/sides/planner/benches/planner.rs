//! How long a plan takes: `cargo bench -p sides-planner`. Prints a table, asserts nothing about time.

use std::{collections::BTreeMap, fs, time::Instant};

use sides_planner::{
    Catalogue, Change, Column, Handled, Manifest, Phase, Process, SchemaStep, TableUse, World, WorldFault,
    plan,
};

fn main() {
    println!("{:<44} {:>9} {:>10} {:>10} {:>10}", "world", "processes", "migrations", "time", "memory");
    for (processes, steps) in [(4, 5), (10, 50), (30, 200)] {
        for knot in KNOTS {
            time(knot, processes, steps, &world(processes, steps, knot));
        }
    }
}

fn time(knot: Knot, processes: usize, steps: usize, world: &World) {
    let before = peak_mib();
    let begun = Instant::now();
    let answer = plan(world);
    let took = begun.elapsed().as_secs_f64() * 1e3;
    let memory = peak_mib() - before;
    let answer = match answer {
        Ok(plan) => format!("{} actions", plan.actions.len()),
        Err(WorldFault::Refused(refusal)) => format!("refused, {} facts", refusal.conflict.len()),
        Err(fault) => fault.to_string(),
    };
    let name = knot.name();
    println!("{name:<44} {processes:>9} {steps:>10} {took:>7.2} ms {memory:>6.1} MiB  {answer}");
}

/// The most memory that this program had since it was last asked.
fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"));
    // Begin to count anew.
    drop(fs::write("/proc/self/clear_refs", "5"));
    peak.and_then(|kib| kib.trim().parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

/// What makes the world harder than a process each with its columns.
#[derive(Clone, Copy, PartialEq)]
enum Knot {
    None,
    Early,
    Late,
    Pair,
    Ring,
    Star,
    BrokenStar,
}

const KNOTS: [Knot; 7] =
    [Knot::None, Knot::Early, Knot::Late, Knot::Pair, Knot::Ring, Knot::Star, Knot::BrokenStar];

impl Knot {
    fn name(self) -> &'static str {
        match self {
            Self::None => "every process waits for its columns",
            Self::Early => "the same, and one step comes too early",
            Self::Late => "the same, and one step comes too late",
            Self::Pair => "the same, and two wait for each other",
            Self::Ring => "the same, and all wait in a ring",
            Self::Star => "the same, and all wait for one",
            Self::BrokenStar => "the same, three of them in a ring too",
        }
    }

    /// The version of its job that a process's new release works alone, for whom it enqueues, and in which version.
    fn of(self, at: usize, processes: usize) -> (u16, usize, u16) {
        let next = (at + 1) % processes;
        match self {
            Self::Pair if at < 2 => (2, 1 - at, 2),
            Self::Ring => (2, next, 2),
            Self::Star if at > 0 => (1, 0, 2),
            Self::BrokenStar if (1..4).contains(&at) => (1, at % 3 + 1, 2),
            Self::BrokenStar => (1, 0, if at == 0 { 1 } else { 2 }),
            _ => (1, next, 1),
        }
    }
}

/// Each process leaves one column for another and hands a job to the next; the last third of the steps drops
/// what the old releases used.
fn world(processes: usize, steps: usize, knot: Knot) -> World {
    let set = |column: String| Change::SetColumn {
        table: "t".into(),
        column,
        to: Column { sql_type: "text".into(), required: false },
    };
    let drop = |column: String| Change::DropColumn { table: "t".into(), column };
    let start: Vec<Change> = std::iter::once(Change::AddTable { table: "t".into() })
        .chain((0..processes).map(|at| set(format!("old_{at}"))))
        .collect();
    let widening = steps - processes.min(steps / 3);
    let mut lane: Vec<SchemaStep> = (0..steps)
        .map(|at| {
            let (phase, change) = if at < widening {
                (Phase::Expand, set(format!("new_{at}")))
            } else {
                (Phase::Contract, drop(format!("old_{}", at - widening)))
            };
            SchemaStep { name: format!("step_{at}"), phase, changes: vec![change] }
        })
        .collect();
    if knot == Knot::Early {
        let early = lane.remove(widening);
        lane.insert(0, early);
    }
    if knot == Knot::Late {
        let late = lane.remove(0);
        lane.push(late);
    }
    let kind = |at: usize| format!("kind_{}", at % processes);
    let works = |oldest, newest| Handled { oldest, newest, aliases: Default::default() };
    World {
        catalogue: Catalogue::default().after(&start),
        steps: lane,
        processes: (0..processes)
            .map(|at| {
                let mut old = manifest(at, "old", &format!("old_{at}"));
                let mut new = manifest(at, "new", &format!("new_{}", at % widening));
                let (alone, whom, version) = knot.of(at, processes);
                // Who reads both may be followed by everybody else.
                let reads_both = matches!(knot, Knot::Star | Knot::BrokenStar);
                old.handles.insert(kind(at), works(1, 1));
                new.handles.insert(kind(at), works(alone, if reads_both { 2 } else { alone }));
                old.enqueues.insert(kind(whom), 1);
                new.enqueues.insert(kind(whom), version);
                if knot == Knot::BrokenStar && at > 0 {
                    old.enqueues.insert(kind(0), 1);
                    new.enqueues.insert(kind(0), 2);
                }
                Process { name: old.process.clone(), live: vec![old], wanted: Some(new) }
            })
            .collect(),
        ..World::default()
    }
}

fn manifest(at: usize, digest: &str, column: &str) -> Manifest {
    let columns = BTreeMap::from([(column.to_owned(), "text".to_owned())]);
    let mut manifest = Manifest::new(format!("process_{at}"), digest);
    manifest.tables.insert("t".to_owned(), TableUse { columns, inserts: None });
    manifest
}
