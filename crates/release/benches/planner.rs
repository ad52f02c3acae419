//! How long a plan takes: `cargo bench -p release`. Prints a table, asserts nothing about time.

use std::{collections::BTreeMap, time::Instant};

use release::{
    Catalogue, Change, Column, Handled, Manifest, Phase, Process, SchemaStep, TableUse, World, WorldFault,
    plan,
};

fn main() {
    println!("{:<44} {:>9} {:>12} {:>10}", "world", "processes", "migrations", "time");
    for (processes, steps) in [(3, 5), (10, 50), (30, 200)] {
        time("every process waits for its columns", processes, steps, &world(processes, steps, Knot::None));
        time(
            "the same, and one step comes too early",
            processes,
            steps,
            &world(processes, steps, Knot::Schema),
        );
        time(
            "the same, and enqueuers wait in a ring",
            processes,
            steps,
            &world(processes, steps, Knot::Ring),
        );
    }
}

fn time(name: &str, processes: usize, steps: usize, world: &World) {
    let begun = Instant::now();
    let answer = plan(world);
    let took = begun.elapsed();
    let answer = match answer {
        Ok(plan) => format!("{} actions", plan.actions.len()),
        Err(WorldFault::Refused(refusal)) => format!("refused, {} facts", refusal.conflict.len()),
        Err(fault) => fault.to_string(),
    };
    println!("{name:<44} {processes:>9} {steps:>12} {:>7.2} ms  {answer}", took.as_secs_f64() * 1e3);
}

#[derive(Clone, Copy, PartialEq)]
enum Knot {
    None,
    Schema,
    Ring,
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
    if knot == Knot::Schema {
        let early = lane.remove(widening);
        lane.insert(0, early);
    }
    let ring = |at: usize| format!("kind_{}", at % processes);
    World {
        catalogue: Catalogue::default().after(&start),
        steps: lane,
        processes: (0..processes)
            .map(|at| {
                let mut old = manifest(at, "old", &format!("old_{at}"));
                let mut new = manifest(at, "new", &format!("new_{}", at % widening));
                old.handles.insert(ring(at), Handled { oldest: 1, newest: 1, aliases: Default::default() });
                let newest = if knot == Knot::Ring { 2 } else { 1 };
                let handled = Handled { oldest: newest, newest, aliases: Default::default() };
                new.handles.insert(ring(at), handled);
                old.enqueues.insert(ring(at + 1), 1);
                new.enqueues.insert(ring(at + 1), newest);
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
