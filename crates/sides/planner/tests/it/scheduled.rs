//! A stored schedule goes on enqueuing what it was stored with, whatever is released.

use std::collections::BTreeMap;

use sides_planner::{Arguments, Manifest, Scheduled, Shape, WaitingJob, World, WorldFault, plan};

use crate::build::{Says, manifest, roll};

fn fields(pairs: &[(&str, &str)]) -> Arguments {
    pairs.iter().map(|(field, kind)| ((*field).to_owned(), (*kind).to_owned())).collect()
}

fn world(old: Manifest, new: Manifest) -> World {
    let job = WaitingJob { kind: "report".to_owned(), version: 1 };
    let shape = Shape { job, arguments: fields(&[("to", "string")]) };
    let schedules = vec![Scheduled { name: "monday".to_owned(), shape }];
    World { processes: vec![roll(old, new)], schedules, ..World::default() }
}

fn worker(digest: &str, versions: std::ops::RangeInclusive<u16>) -> Manifest {
    manifest("worker", digest).handles("report", versions)
}

fn refused(world: &World) -> String {
    match plan(world) {
        Err(WorldFault::Refused(refusal)) => refusal.to_string(),
        other => panic!("it should be refused: {other:?}"),
    }
}

const NEXT: &str = "A stored schedule keeps enqueuing version 1 of its job: make the new build read that version too, or \
     change the schedule first (sides schedule add monday … --replace), or remove it (sides schedule remove monday).";

#[test]
fn whose_job_nobody_works_any_more_is_named() {
    let said = refused(&world(worker("old", 1..=1), manifest("worker", "new")));
    assert_eq!(
        said,
        format!(
            "the wanted releases are not compatible:\n  - the schedule monday enqueues report (version 1), which needs \
             worker@old to be live\n{NEXT}"
        )
    );
}

#[test]
fn whose_version_is_read_no_more_is_named_and_one_that_is_brought_up_is_not() {
    let said = refused(&world(worker("old", 1..=1), worker("new", 2..=2)));
    assert!(said.contains("monday enqueues report (version 1), which worker@new would claim"), "{said}");
    assert!(said.ends_with(NEXT), "{said}");
    assert_eq!(plan(&world(worker("old", 1..=1), worker("new", 1..=2))).unwrap().actions.len(), 2);
}

#[test]
fn whose_arguments_do_not_fit_the_changed_contract_is_named_with_the_field() {
    let reads = |digest: &str, read: &[(&str, &str)]| Manifest {
        arguments: BTreeMap::from([("report".to_owned(), fields(read))]),
        ..worker(digest, 1..=1)
    };
    let old = || reads("old", &[("to", "string")]);
    let said = refused(&world(old(), reads("new", &[("to", "string"), ("at", "integer")])));
    assert!(said.contains("the schedule monday enqueues report (version 1), which worker@new would claim and cannot read: not with their at as it is"), "{said}");
    let more = reads("new", &[("to", "string"), ("at", "integer?")]);
    assert_eq!(plan(&world(old(), more)).unwrap().actions.len(), 2);
}
