//! Small random worlds, crowded enough that half of them have no order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sides_planner::{
    Catalogue, Change, Column, Handled, Manifest, Phase, Process, Scheduled, SchemaStep, Shape, TableUse,
    WaitingJob, World,
};

const COLUMNS: [&str; 3] = ["a", "b", "c"];
const KINDS: [&str; 2] = ["x", "y"];

pub(crate) fn world() -> impl Strategy<Value = World> {
    let steps = prop::collection::vec((phase(), change()), 0..=3);
    (catalogue(), steps, 1..=3_usize, waiting(), schedules()).prop_flat_map(
        |(catalogue, steps, processes, waiting, schedules)| {
            let processes: Vec<_> = (0..processes).map(process).collect();
            processes.prop_map(move |processes| World {
                catalogue: catalogue.clone(),
                steps: steps
                    .iter()
                    .enumerate()
                    .map(|(at, (phase, change))| SchemaStep {
                        name: format!("step {at}"),
                        phase: *phase,
                        changes: vec![change.clone()],
                    })
                    .collect(),
                processes,
                waiting: waiting.clone(),
                schedules: schedules.clone(),
                ..World::default()
            })
        },
    )
}

fn catalogue() -> impl Strategy<Value = Catalogue> {
    let columns = prop::collection::btree_map(column_name(), column(), 1..=3);
    columns.prop_map(|columns| Catalogue { tables: BTreeMap::from([("t".to_owned(), columns)]) })
}

fn column_name() -> impl Strategy<Value = String> {
    prop::sample::select(&COLUMNS[..]).prop_map(str::to_owned)
}

fn sql_type() -> impl Strategy<Value = String> {
    prop_oneof![5 => Just("text"), 1 => Just("int8")].prop_map(str::to_owned)
}

fn column() -> impl Strategy<Value = Column> {
    (sql_type(), prop::bool::weighted(0.2)).prop_map(|(sql_type, required)| Column { sql_type, required })
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![2 => Just(Phase::Expand), 1 => Just(Phase::Backfill), 2 => Just(Phase::Contract)]
}

fn change() -> impl Strategy<Value = Change> {
    let table = || "t".to_owned();
    prop_oneof![
        3 => (column_name(), column())
            .prop_map(move |(column, to)| Change::SetColumn { table: table(), column, to }),
        3 => column_name().prop_map(move |column| Change::DropColumn { table: table(), column }),
    ]
}

fn waiting() -> impl Strategy<Value = BTreeSet<WaitingJob>> {
    let job = (kind(), 1..=2_u16).prop_map(|(kind, version)| WaitingJob { kind, version });
    prop::collection::btree_set(job, 0..=1)
}

/// A clock enqueues version 1.
fn schedules() -> impl Strategy<Value = Vec<Scheduled>> {
    let scheduled = kind().prop_map(|kind| {
        let (name, job) = (format!("of {kind}"), WaitingJob { kind, version: 1 });
        Scheduled { name, shape: Shape { job, arguments: BTreeMap::new() } }
    });
    prop_oneof![4 => Just(Vec::new()), 1 => scheduled.prop_map(|one| vec![one])]
}

fn kind() -> impl Strategy<Value = String> {
    prop::sample::select(&KINDS[..]).prop_map(str::to_owned)
}

fn process(at: usize) -> impl Strategy<Value = Process> {
    let name = format!("p{at}");
    let (old, half, new) =
        (manifest(name.clone(), "old"), manifest(name.clone(), "half"), manifest(name.clone(), "new"));
    (old, half, new, 0..=9_u8).prop_map(move |(old, half, new, shape)| {
        let (live, wanted) = match shape {
            0 => (vec![], Some(new)),
            1 => (vec![old], None),
            2 => (vec![old.clone()], Some(old)),
            3 => (vec![old, new.clone()], Some(new)),
            4 => (vec![old, half], Some(new)),
            _ => (vec![old], Some(new)),
        };
        Process { name: name.clone(), live, wanted }
    })
}

fn manifest(process: String, digest: &'static str) -> impl Strategy<Value = Manifest> {
    let table = (
        prop::collection::btree_map(column_name(), sql_type(), 0..=1),
        prop::option::weighted(0.2, prop::collection::btree_set(column_name(), 1..=3)),
    );
    let enqueues = prop::collection::btree_map(kind(), 1..=2_u16, 0..=1);
    let handles = prop::collection::btree_map(kind(), (1..=2_u16, 0..=1_u16, any::<bool>()), 0..=2);
    (table, enqueues, handles).prop_map(move |((columns, inserts), enqueues, handles)| Manifest {
        tables: BTreeMap::from([("t".to_owned(), TableUse { columns, inserts })]),
        enqueues,
        handles: handles
            .into_iter()
            .map(|(kind, (oldest, more, has_alias))| {
                let alias = has_alias.then(|| format!("former {kind}"));
                (kind, Handled { oldest, newest: oldest + more, aliases: alias.into_iter().collect() })
            })
            .collect(),
        ..Manifest::new(process.clone(), digest)
    })
}
