//! What a team runs into, and what the planner says.

use std::collections::BTreeSet;

use sides_planner::{Phase, Plan, Process, Refusal, WaitingJob, World, WorldFault, plan, plan_in_rolls};

use crate::build::{Says, catalogue, drop, manifest, roll, set, step};

fn shown(plan: &Plan) -> Vec<String> {
    plan.actions
        .iter()
        .map(|action| match action {
            sides_planner::Action::Migrate { step, .. } => format!("migrate {step}"),
            sides_planner::Action::Start { process, digest } => format!("start {process}@{digest}"),
            sides_planner::Action::Await { jobs } => {
                let jobs: Vec<String> = jobs.iter().map(ToString::to_string).collect();
                format!("await {}", jobs.join(","))
            }
            sides_planner::Action::Stop { process, digests } => {
                format!("stop {process}@{}", digests.join(","))
            }
        })
        .collect()
}

fn planned(world: &World) -> Vec<String> {
    shown(&plan(world).expect("an order"))
}

fn refused(world: &World) -> Refusal {
    match plan(world) {
        Err(WorldFault::Refused(refusal)) => refusal,
        other => panic!("it should be refused: {other:?}"),
    }
}

#[test]
fn nothing_changed_nothing_to_do() {
    let web = manifest("web", "one");
    assert_eq!(planned(&World { processes: vec![roll(web.clone(), web)], ..World::default() }), [""; 0]);
}

#[test]
fn schema_widens_ahead_and_narrows_behind() {
    let world = World {
        catalogue: catalogue(&["url"]),
        steps: vec![
            step("add_address", Phase::Expand, vec![set("address", false)]),
            step("drop_url", Phase::Contract, vec![drop("url")]),
        ],
        processes: vec![roll(manifest("web", "old").uses("url"), manifest("web", "new").uses("address"))],
        ..World::default()
    };
    let plan = plan(&world).unwrap();
    assert_eq!(shown(&plan), ["migrate add_address", "start web@new", "stop web@old", "migrate drop_url"]);
    assert_eq!(plan.point_of_no_return, Some(3));
}

#[test]
fn handler_before_its_enqueuer_and_after_it_when_both_go() {
    let old_web = manifest("web", "old").enqueues("greet", 1);
    let new_web = manifest("web", "new").enqueues("welcome", 1);
    let old_worker = manifest("worker", "old").handles("greet", 1..=1);
    let both = manifest("worker", "both").handles("greet", 1..=1).handles("welcome", 1..=1);
    let first = World {
        processes: vec![roll(old_web.clone(), new_web.clone()), roll(old_worker, both.clone())],
        ..World::default()
    };
    assert_eq!(planned(&first), ["start worker@both", "stop worker@old", "start web@new", "stop web@old"]);

    let only_new = manifest("worker", "new").handles("welcome", 1..=1);
    let second = World { processes: vec![roll(old_web, new_web), roll(both, only_new)], ..World::default() };
    let order = planned(&second);
    let at = |action: &str| order.iter().position(|step| step == action).unwrap();
    assert!(at("stop web@old") < at("stop worker@both"), "{order:?}");
    // What the old web has left in the queue is worked first.
    assert_eq!(at("await greet (version 1)") + 1, at("stop worker@both"), "{order:?}");
}

#[test]
fn handler_stays_while_jobs_of_its_kind_wait() {
    let world = World {
        processes: vec![roll(manifest("worker", "old").handles("greet", 1..=1), manifest("worker", "new"))],
        waiting: BTreeSet::from([WaitingJob { kind: "greet".into(), version: 1 }]),
        ..World::default()
    };
    let refusal = refused(&world);
    assert!(refusal.end_is_incompatible);
    let said = refusal.to_string();
    assert!(
        said.starts_with(
            "the wanted releases are not compatible:\n  \
             - jobs wait of greet (version 1), which needs worker@old to be live\n"
        ),
        "{said}"
    );
    assert!(said.contains("Keep a handler of greet (version 1)"), "{said}");
}

#[test]
fn two_workers_may_swap_their_kinds() {
    let world = World {
        processes: vec![
            roll(manifest("a", "old").handles("x", 1..=1), manifest("a", "new").handles("y", 1..=1)),
            roll(manifest("b", "old").handles("y", 1..=1), manifest("b", "new").handles("x", 1..=1)),
            roll(
                manifest("web", "same").enqueues("x", 1).enqueues("y", 1),
                manifest("web", "same").enqueues("x", 1).enqueues("y", 1),
            ),
        ],
        ..World::default()
    };
    assert_eq!(planned(&world), ["start a@new", "start b@new", "stop a@old", "stop b@old"]);
}

#[test]
fn new_arguments_wait_until_no_handler_is_left_that_cannot_read_them() {
    let world = World {
        processes: vec![
            roll(manifest("web", "old").enqueues("greet", 1), manifest("web", "new").enqueues("greet", 2)),
            roll(
                manifest("worker", "old").handles("greet", 1..=1),
                manifest("worker", "new").handles("greet", 1..=2),
            ),
        ],
        ..World::default()
    };
    assert_eq!(planned(&world), ["start worker@new", "stop worker@old", "start web@new", "stop web@old"]);
}

#[test]
fn arguments_that_change_without_a_new_version_are_refused() {
    let with = |mut manifest: sides_planner::Manifest, fields: &[(&str, &str)]| {
        let fields = fields.iter().map(|(field, kind)| ((*field).to_owned(), (*kind).to_owned()));
        manifest.arguments.insert("greet".into(), fields.collect());
        manifest
    };
    let world = |old: &[(&str, &str)], new: &[(&str, &str)]| World {
        processes: vec![
            roll(
                with(manifest("web", "same").enqueues("greet", 1), old),
                with(manifest("web", "same").enqueues("greet", 1), old),
            ),
            roll(
                with(manifest("worker", "old").handles("greet", 1..=1), old),
                with(manifest("worker", "new").handles("greet", 1..=1), new),
            ),
        ],
        ..World::default()
    };
    let refusal = refused(&world(&[("id", "integer")], &[("id", "string"), ("to", "string")]));
    assert_eq!(
        refusal.conflict[0].to_string(),
        "web@same enqueues greet (version 1), which worker@new would claim and cannot read: \
         id, to changed, so raise the version"
    );
    assert_eq!(planned(&world(&[("id", "integer")], &[("id", "integer?"), ("to", "string?")])).len(), 2);
    assert_eq!(planned(&world(&[("id", "integer"), ("to", "string")], &[("id", "integer")])).len(), 2);
}

#[test]
fn rename_in_one_step_names_both_sides_and_the_step() {
    let world = World {
        catalogue: catalogue(&["url"]),
        steps: vec![step("rename_url", Phase::Contract, vec![drop("url"), set("address", false)])],
        processes: vec![roll(manifest("web", "a1b2").uses("url"), manifest("web", "c3d4").uses("address"))],
        ..World::default()
    };
    let refusal = refused(&world);
    assert!(!refusal.end_is_incompatible);
    let said = refusal.to_string();
    assert!(
        said.starts_with(
            "there is no order in which every intermediate state is compatible:\n  \
             - web@a1b2 uses t.url, so it cannot run after step 1 (rename_url)\n  \
             - web@c3d4 uses t.address, so it cannot run before step 1 (rename_url)\n"
        ),
        "{said}"
    );
    assert!(said.contains("This takes two releases"), "{said}");
    assert_eq!(refusal.split, None, "no split of these two builds helps");
}

#[test]
fn required_column_waits_for_the_code_that_fills_it() {
    let world = World {
        catalogue: catalogue(&["name"]),
        steps: vec![
            step("add_slug", Phase::Expand, vec![set("slug", false)]),
            step("slug_not_null", Phase::Contract, vec![set("slug", true)]),
        ],
        processes: vec![roll(
            manifest("web", "old").inserts(&["name"]),
            manifest("web", "new").inserts(&["name", "slug"]),
        )],
        ..World::default()
    };
    assert_eq!(
        planned(&world),
        ["migrate add_slug", "start web@new", "stop web@old", "migrate slug_not_null"]
    );
}

/// The lane puts a drop ahead of what the new code needs, so neither can go first; later, the drop can.
#[test]
fn split_leaves_the_contract_step_for_the_next_release() {
    let world = World {
        catalogue: catalogue(&["url"]),
        steps: vec![
            step("drop_url", Phase::Contract, vec![drop("url")]),
            step("add_address", Phase::Expand, vec![set("address", false)]),
        ],
        processes: vec![roll(manifest("web", "old").uses("url"), manifest("web", "new").uses("address"))],
        ..World::default()
    };
    let refusal = refused(&world);
    let split = refusal.split.clone().unwrap();
    assert_eq!(split.later_steps, ["drop_url"]);
    assert!(refusal.to_string().ends_with("leave the step drop_url for the second."), "{refusal}");
}

#[test]
fn half_done_release_is_finished() {
    let (old, new) = (manifest("web", "old"), manifest("web", "new"));
    let half = Process { name: "web".into(), live: vec![old, new.clone()], wanted: Some(new) };
    assert_eq!(planned(&World { processes: vec![half], ..World::default() }), ["stop web@old"]);
}

#[test]
fn first_release_and_last_one() {
    let first = Process { name: "mailer".into(), live: vec![], wanted: Some(manifest("mailer", "one")) };
    let last = Process { name: "bot".into(), live: vec![manifest("bot", "one")], wanted: None };
    let world = World { processes: vec![first, last], ..World::default() };
    let mut order = planned(&world);
    order.sort();
    assert_eq!(order, ["start mailer@one", "stop bot@one"]);
}

#[test]
fn what_is_broken_already_is_named_and_does_not_bar_the_cure() {
    let world = World {
        catalogue: catalogue(&[]),
        processes: vec![roll(manifest("web", "broken").uses("gone"), manifest("web", "cure"))],
        ..World::default()
    };
    let plan = plan(&world).unwrap();
    assert_eq!(shown(&plan), ["start web@cure", "stop web@broken"]);
    assert_eq!(plan.broken_before.len(), 1);
    assert!(plan.broken_before[0].to_string().contains("uses t.gone"), "{}", plan.broken_before[0]);
}

#[test]
fn manifest_of_another_process_is_refused() {
    let process = Process { name: "web".into(), live: vec![], wanted: Some(manifest("worker", "one")) };
    let fault = plan(&World { processes: vec![process], ..World::default() }).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "worker@one is listed as a release of web, but its manifest names another process"
    );
}

#[test]
fn what_a_worker_enqueues_for_itself_keeps_its_handler_for_one_more_release() {
    let old = manifest("worker", "old").enqueues("tell", 1).handles("tell", 1..=1);
    let next = manifest("worker", "next").handles("tell", 1..=1);
    let at_once = World { processes: vec![roll(old.clone(), manifest("worker", "new"))], ..World::default() };
    let said = refused(&at_once).to_string();
    assert!(said.contains("worker@old may leave jobs of tell (version 1) behind"), "{said}");
    let kept = World { processes: vec![roll(old, next.clone())], ..World::default() };
    assert_eq!(planned(&kept), ["start worker@next", "stop worker@old"]);
    let then = World { processes: vec![roll(next, manifest("worker", "new"))], ..World::default() };
    assert_eq!(planned(&then), ["start worker@new", "stop worker@next"]);
}

#[test]
fn who_is_replaced_in_one_go_goes_when_nobody_needs_its_old_release() {
    let web = roll(manifest("web", "two").enqueues("greet", 1), manifest("web", "one"));
    let worker = roll(manifest("worker", "two").handles("greet", 1..=1), manifest("worker", "one"));
    let world = World { processes: vec![worker, web], ..World::default() };
    assert_eq!(
        shown(&plan_in_rolls(&world).unwrap()),
        ["start web@one", "stop web@two", "start worker@one", "await greet (version 1)", "stop worker@two"]
    );
}

#[test]
fn jobs_that_wait_for_a_handler_that_goes_make_two_releases_with_the_enqueuer_first() {
    let web = roll(manifest("web", "old").enqueues("greet", 1), manifest("web", "new"));
    let worker = roll(manifest("worker", "old").handles("greet", 1..=1), manifest("worker", "new"));
    let greet = WaitingJob { kind: "greet".to_owned(), version: 1 };
    let world = World { processes: vec![worker, web], waiting: [greet.clone()].into(), ..World::default() };
    let refusal = refused(&world);
    let split = refusal.split.clone().unwrap();
    assert_eq!(
        (split.first_processes, split.later_processes),
        (vec!["web".to_owned()], vec!["worker".to_owned()])
    );
    assert_eq!(split.after_jobs, [greet]);
    let said = refusal.to_string();
    let expected = "This takes two releases: leave the new worker for the second, when no jobs of greet (version 1) are left. \
                    The first is: sides release --only web";
    assert!(said.ends_with(expected), "{said}");
}

#[test]
fn a_version_that_nobody_reads_beside_its_successor_needs_a_worker_that_does() {
    let world = World {
        processes: vec![
            roll(manifest("web", "old").enqueues("greet", 1), manifest("web", "new").enqueues("greet", 2)),
            roll(
                manifest("worker", "old").handles("greet", 1..=1),
                manifest("worker", "new").handles("greet", 2..=2),
            ),
        ],
        ..World::default()
    };
    let refusal = refused(&world);
    assert_eq!(refusal.split, None);
    let said = refusal.to_string();
    assert!(
        said.contains(
            "with a worker that reads version 1 of greet as well as its own: release worker first, then web"
        ),
        "{said}"
    );
}

#[test]
fn more_than_one_process_may_be_left_for_the_second_release() {
    // What the worker leaves behind for itself keeps it, and with it both that count on the new one.
    let worker = roll(
        manifest("worker", "old").handles("greet", 1..=1),
        manifest("worker", "new").handles("tell", 1..=1),
    );
    let enqueuer = |name: &str| roll(manifest(name, "old"), manifest(name, "new").enqueues("tell", 1));
    let greet = WaitingJob { kind: "greet".to_owned(), version: 1 };
    let mailer = roll(manifest("mailer", "old"), manifest("mailer", "new"));
    let world = World {
        processes: vec![worker, enqueuer("web"), enqueuer("clock"), mailer],
        waiting: [greet].into(),
        ..World::default()
    };
    let split = refused(&world).split.unwrap();
    assert_eq!(split.later_processes, ["worker", "web", "clock"]);
    assert_eq!(split.first_processes, ["mailer"]);
}
