//! Releases to places that are not this machine: to a simulated Heroku, whose dynos are real processes.

use nix::sys::signal::Signal;
use serde_json::Value;
use simulator::Fault;

use crate::{
    cloud::{WEB, WORKER, World},
    host::Dev,
    programs,
    releasing::{ended, receipt, shown},
    rows,
    sandbox::signal,
    toy,
};

/// A program that ends as soon as it is started.
fn dies() -> String {
    toy::program("two")
        .replace("fn main() {", "fn main() { if std::env::args().len() == 1 { panic!(\"not today\") }")
}

#[tokio::test(flavor = "multi_thread")]
async fn web_is_released_there_and_the_worker_here_and_both_go_back() {
    let mut world = World::new(WEB).await;
    let first = world.release(0).await;
    assert!(first.contains("replace web at cloud: new"), "{first}");
    assert!(
        first.contains("web is replaced at cloud, where nobody answers for about 10 s: it has no preboot"),
        "{first}"
    );
    assert_eq!(world.seen().await, "one of first");
    world.release(5).await;
    let worker = world.sandbox.pid_of("worker").unwrap();

    let instances = world.instances(0).await;
    let of = |process: &str| instances.iter().find(|instance| instance["process"] == process).unwrap();
    assert_eq!(
        (&of("web")["place"], &of("web")["instance"], &of("web")["state"]),
        (&"cloud".into(), &"web.1".into(), &"healthy".into())
    );
    assert!(of("worker")["pid"].is_number() && instances.len() == 2, "{instances:?}");

    toy::write_program(&world.sandbox, "web", &toy::program("two"));
    let plan = ended(&world.run(&["plan", "--build"]).await, 0);
    assert!(plan.contains("1. replace web at cloud: ") && plan.contains("unchanged: worker"), "{plan}");
    let second = receipt(&world.run(&["release", "--bake", "1", "--json"]).await, 0);
    // Asked at its public address: before, meanwhile and afterwards.
    assert!(second["requests"]["good"].as_u64().unwrap() > 10, "{second}");
    assert!(second["requests_before"].is_object(), "{second}");
    assert_eq!(
        (&second["outcome"], &second["processes"]["web"]["place"]),
        (&"released".into(), &"cloud".into())
    );
    assert_eq!(world.seen().await, "two of first");
    assert_eq!(world.sandbox.pid_of("worker"), Some(worker), "the worker's bytes had not changed");

    // A build that dies takes back what was replaced before it, wherever that runs.
    toy::write_shared(&world.sandbox, "third");
    toy::write_program(&world.sandbox, "web", &dies());
    let undone = receipt(&world.run(&["release", "--bake", "0", "--json"]).await, 6);
    assert!(undone["reason"].as_str().unwrap().contains("crashed"), "{undone}");
    let steps: Vec<&str> =
        undone["steps"].as_array().unwrap().iter().map(|step| step["what"].as_str().unwrap()).collect();
    assert_eq!(steps.last(), Some(&"put worker back"), "{steps:?}");
    assert_eq!(world.seen().await, "two of first");

    let back = ended(&world.run(&["rollback", "--bake", "0"]).await, 0);
    assert!(back.contains("again to undo this"), "{back}");
    assert_eq!(world.seen().await, "one of first");
    let again = ended(&world.run(&["rollback", "--bake", "0"]).await, 0);
    assert!(again.contains("replace web at cloud"), "{again}");
    assert_eq!(world.seen().await, "two of first");
    assert_eq!(world.heroku.breaches(), Vec::<String>::new());
    world.host.interrupt();
    world.host.ended().await;
}

/// A `migrate` with one pending step, which says where web was when it ran.
const MIGRATE: &str = r##"fn main() {
    let has = |word: &str| std::env::args().any(|one| one == word);
    let done = std::path::Path::new("migrated").exists();
    if has("plan") && !done {
        println!("{}", r#"{"name": "1_add", "phase": "expand", "changes": [], "problems": [], "note": null}"#);
    }
    if has("up") { std::fs::write("migrated", "").unwrap(); }
}"##;

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_is_released_there_behind_the_schema_and_whatever_happens_on_the_way() {
    let mut world = World::new(WORKER).await;
    // A first build that never answers leaves nothing behind that crashes for ever.
    toy::write_program(&world.sandbox, "worker", &dies());
    let undone = world.release(6).await;
    assert!(undone.contains("acme-worker runs no dyno now"), "{undone}");
    let path = "/apps/acme-worker/formation";
    let counts = world.heroku.seen().into_iter().filter(|one| one.method == "PATCH" && one.path == path);
    let counts: Vec<Value> = counts.map(|one| one.body["updates"][0]["quantity"].clone()).collect();
    assert_eq!(counts, [1, 0]);

    toy::write_program(&world.sandbox, "worker", &toy::program("one"));
    toy::write_migrate(&world.sandbox, MIGRATE);
    // Carried out, and the answer lost.
    world.heroku.inject_at("/releases", Fault::LostAnswer);
    let first = world.release(0).await;
    let at = |text: &str| first.find(text).unwrap_or_else(|| panic!("no {text:?} in {first}"));
    assert!(at("migrated 1_add") < at("replaced worker at cloud"), "{first}");
    assert_eq!(world.releases_of("acme-worker"), 2, "it was not asked for twice");
    assert_eq!(shown(&world.sandbox).await, "one of first");

    // Two deployers at once: the second is refused, and changes nothing.
    toy::write_shared(&world.sandbox, "second");
    let mut release = Dev::start(world.command(&["release", "--bake", "600"]));
    release.says("replaced web").await;
    let refused = world.release(1).await;
    assert!(refused.contains("another release is in progress on this database"), "{refused}");
    assert_eq!(world.releases_of("acme-worker"), 3);
    // The first is cut off while it watches; the next one goes on from there.
    signal(release.pid(), Signal::SIGKILL);
    release.ended().await;
    let next = world.release(0).await;
    assert!(
        next.contains("the last release was interrupted") && next.contains("worker runs the new release"),
        "{next}"
    );
    assert_eq!(world.releases_of("acme-worker"), 3);

    // Never healthy: the place goes back by itself, and what was replaced before stays as it was.
    toy::write_program(&world.sandbox, "worker", &dies());
    let undone = receipt(&world.run(&["release", "--bake", "0", "--json"]).await, 6);
    let reason = undone["reason"].as_str().unwrap();
    assert!(
        reason.contains("crashed") && reason.contains("acme-worker is back at the contents of v"),
        "{undone}"
    );
    let logs = ended(&world.run(&["logs", "worker"]).await, 0);
    assert!(logs.contains("not today"), "{logs}");
    assert_eq!(world.instances(0).await.len(), 2);
    let back = ended(&world.run(&["rollback", "--bake", "0"]).await, 0);
    assert!(back.contains("replaced worker at cloud"), "{back}");
    assert_eq!(world.heroku.breaches(), Vec::<String>::new());
    world.host.interrupt();
    world.host.ended().await;
}

const MIGRATIONS: &str = "[migrations]\nplace = \"cloud\"\napp = \"acme-migrate\"\n";

/// A `migrate` with one pending step, which writes into the database where it ran.
const SAYS_WHERE: &str = r##"fn main() {
    let has = |word: &str| std::env::args().any(|one| one == word);
    let ask = |query: &str| {
        let url = std::env::var("DATABASE_URL").unwrap();
        let output = std::process::Command::new("psql").args(["-qXAt", &url, "-c", query]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    if has("plan") && ask("SELECT to_regclass('ran') IS NULL").trim() == "t" {
        println!("{}", r#"{"name": "1_add", "phase": "expand", "changes": [], "problems": [], "note": null}"#);
    }
    if has("up") {
        let dyno = std::env::var("DYNO").unwrap_or_default();
        ask(&format!("CREATE TABLE ran AS SELECT '{dyno}' AS dyno"));
    }
}"##;

#[tokio::test(flavor = "multi_thread")]
async fn migrations_run_once_at_the_place_that_is_named_for_them() {
    let mut world = World::new(&format!("{WORKER}{MIGRATIONS}")).await;
    // One that fails there is no harm, and says why.
    let fails = SAYS_WHERE
        .replace("let dyno =", "panic!(\"services is locked\"); #[allow(unreachable_code)] let dyno =");
    toy::write_migrate(&world.sandbox, &fails);
    let undone = receipt(&world.run(&["release", "--bake", "0", "--json"]).await, 6);
    let reason = undone["reason"].as_str().unwrap();
    assert!(
        reason.contains("failed at cloud (exit code 101)") && reason.contains("services is locked"),
        "{undone}"
    );
    assert_eq!(world.releases_of("acme-worker"), 0);

    toy::write_migrate(&world.sandbox, SAYS_WHERE);
    let plan = ended(&world.run(&["release", "--dry-run"]).await, 0);
    assert!(plan.contains("1. migrate at cloud: 1_add"), "{plan}");
    // The order to run it is carried out, and the answer lost: it runs once all the same.
    world.heroku.inject_at("/dynos", Fault::LostAnswer);
    let said = world.release(0).await;
    let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("no {text:?} in {said}"));
    assert!(at("migrated 1_add at cloud") < at("replaced worker at cloud"), "{said}");
    let url = world.database.url();
    assert_eq!(rows::count(url, "ran WHERE dyno LIKE 'run.%'").await, 1);
    let instances = world.instances(0).await;
    assert!(
        instances.len() == 2 && instances.iter().all(|instance| instance["process"] != "migrate"),
        "{instances:?}"
    );
    assert_eq!(world.heroku.breaches(), Vec::<String>::new());
    world.host.interrupt();
    world.host.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_planner_knows_what_dynos_need_and_that_a_release_replaces_them() {
    let mut world = World::new(WORKER).await;
    let says = |version: &str, process: &str, tables: &str| {
        let manifest = format!(
            r#"{{"manifest_version": 1, "process": "{process}", "digest": "", "tables": {{{tables}}}}}"#
        );
        toy::program_that_says(version, &manifest)
    };
    let reads = r#""services": {"columns": {"url": "text"}}"#;
    toy::write_program(&world.sandbox, "web", &says("one", "web", ""));
    toy::write_program(&world.sandbox, "worker", &says("one", "worker", reads));
    world.release(0).await;
    toy::write_migrate(&world.sandbox, toy::DROPS);
    // What runs there would miss the column.
    let refused = world.release(8).await;
    assert!(refused.contains("worker@") && refused.contains("uses services.url"), "{refused}");
    // A release without it replaces that, and only then it goes.
    toy::write_program(&world.sandbox, "worker", &says("two", "worker", ""));
    let said = world.release(0).await;
    let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("no {text:?} in {said}"));
    assert!(at("replaced worker at cloud") < at("migrated 2_drop_url"), "{said}");
    assert!(said.contains("no way back after step 2"), "{said}");
    world.host.interrupt();
    world.host.ended().await;
}

/// The commands of the runbook's section, block by block, and the line that they begin with.
fn runbook() -> (String, Vec<Vec<String>>) {
    let text = programs::runbook();
    let section = text.split("## Moving a process to another place").nth(1).unwrap();
    let section = section.split("\n# ").next().unwrap();
    let blocks: Vec<&str> = section.split("```").skip(1).step_by(2).collect();
    let [line, there, back] = blocks[..] else { panic!("{blocks:?}") };
    let commands = |block: &str| {
        let lines = block.strip_prefix("sh\n").unwrap().lines();
        lines.map(|line| line.split(" #").next().unwrap().trim().to_owned()).collect()
    };
    (line.strip_prefix("toml\n").unwrap().to_owned(), vec![commands(there), commands(back)])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_moves_to_another_place_and_back_as_the_runbook_says() {
    let mut world = World::new(WEB).await;
    world.release(0).await;
    let (line, blocks) = runbook();
    let [there, back] = &blocks[..] else { panic!("{blocks:?}") };
    world.targets(&format!("{WEB}{line}"));
    let mut said = Vec::new();
    for command in there {
        said.push(world.shell(command).await);
    }
    let [_, moved, both, ended_here] = &said[..] else { panic!("{said:?}") };
    assert!(moved.contains("replace worker at cloud: new") && !moved.contains("replace web"), "{moved}");
    assert!(
        moved.contains("worker on this machine is still running: `sides scale worker 0 --here` stops it"),
        "{moved}"
    );
    assert!(both.contains("worker.1") && both.contains("cloud acme-worker"), "{both}");
    assert!(ended_here.contains("worker has 0 instances"), "{ended_here}");
    let instances = world.instances(0).await;
    assert!(
        instances.iter().all(|instance| instance["place"] == "cloud") && instances.len() == 2,
        "{instances:?}"
    );

    toy::write_program(&world.sandbox, "worker", &toy::program("two"));
    for command in back {
        said.push(world.shell(command).await);
    }
    assert!(said.last().unwrap().contains("replaced worker: "), "{said:?}");
    let instances = world.instances(0).await;
    let worker = instances.iter().filter(|instance| instance["process"] == "worker").collect::<Vec<_>>();
    assert!(worker.len() == 1 && worker[0]["pid"].is_number(), "{instances:?}");

    // And away again: where nothing is needed here, a release needs no host.
    world.targets(&format!("{WEB}{line}"));
    world.host.interrupt();
    world.host.ended().await;
    toy::write_shared(&world.sandbox, "second");
    let second = world.release(0).await;
    assert!(
        second.contains("replaced worker at cloud: new") && second.contains("replaced web at cloud"),
        "{second}"
    );
    assert_eq!(world.seen().await, "one of second");
    assert_eq!(world.heroku.breaches(), Vec::<String>::new());
}
