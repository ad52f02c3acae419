//! A rehearsal shows how a release would go, and leaves nothing behind.

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Output},
    time::Duration,
};

use nix::sys::signal::Signal;
use testing::{TestDatabase, wait_until};

use crate::{
    host::Dev,
    lane,
    releasing::{ended, receipt, run, shown, start_host},
    rows,
    sandbox::{PATIENCE, Sandbox, signal},
    schemas, toy,
};

pub(crate) const GREETS: &str = r#"{"manifest_version": 1, "process": "web", "digest": "", "enqueues": {"greet": 1},
    "arguments": {"greet": {"id": "integer"}}}"#;
pub(crate) const WORKS: &str = r#"{"manifest_version": 1, "process": "worker", "digest": "",
    "handles": {"greet": {"newest": 1, "oldest": 1}}}"#;

/// A Postgres that is being made is waited for, and a busy machine takes its time.
const SETTING: Duration = Duration::from_secs(240);

/// What runs here, but for the live host's keeper of its socket: that may be started at any time.
fn residents(sandbox: &Sandbox) -> BTreeSet<i32> {
    let keeper = format!("keep-socket --root {}", sandbox.path().display());
    let all = sandbox.residents().into_iter();
    all.filter(|(_, words)| !words.trim_end().ends_with(&keeper)).map(|(pid, _)| pid).collect()
}

fn rehearsal(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = sandbox.sides(&[&["rehearse"], arguments].concat());
    // Where the stage is set: it must be gone in the end.
    command.env("TMPDIR", sandbox.file("stages"));
    command
}

async fn rehearse(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let mut command = rehearsal(sandbox, &[&["--bake", "0"], arguments].concat());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    schemas::hold(&[&["rehearse"], arguments].concat(), &output.stdout);
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_played_through_with_its_receipt_and_nothing_live_is_changed() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).with_migrations().on(&database);
    fs::create_dir(sandbox.file("stages")).unwrap();
    toy::write_workspace(&sandbox);
    toy::write_program(&sandbox, "worker", &toy::program_that_says("one", WORKS));
    let mut host = start_host(&sandbox);
    host.says("web has not been released yet").await;
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    let live = || ["web", "worker"].map(|name| sandbox.pid_of(name).unwrap());
    let (before, here) = (live(), residents(&sandbox));

    toy::write_program(&sandbox, "web", &toy::program_that_says("two", GREETS));
    let good = receipt(&rehearse(&sandbox, &["--json"]).await, 0);
    assert_eq!((&good["outcome"], &good["requests"]["failed"]), (&"released".into(), &0.into()), "{good}");
    assert!(good["requests"]["good"].as_u64().unwrap() > 0, "{good}");
    let said = ended(&rehearse(&sandbox, &[]).await, 0);
    assert!(said.contains("1. replace web") && said.contains("the rollback was rehearsed, too"), "{said}");

    // One that does not start is put back there, too.
    toy::write_program(&sandbox, "web", "fn main() { std::process::exit(3) }");
    let said = ended(&rehearse(&sandbox, &[]).await, 6);
    assert!(said.contains("This was a rehearsal"), "{said}");

    // And what would be refused is refused.
    toy::write_program(&sandbox, "web", &toy::program_that_says("two", &GREETS.replace("greet", "unknown")));
    let refused = ended(&rehearse(&sandbox, &["--no-jobs"]).await, 8);
    assert!(refused.contains("enqueues unknown"), "{refused}");

    assert_eq!(live(), before);
    assert!(residents(&sandbox).is_subset(&here), "{:?}", sandbox.residents());
    assert_eq!(shown(&sandbox).await, "one of first");
    assert_eq!(rows::count(database.url(), "sides.releases").await, 1);
    assert_eq!(rows::count(database.url(), "sides.fang_tasks").await, 0);
    assert_eq!(fs::read_dir(sandbox.file("stages")).unwrap().count(), 0);
    host.interrupt();
    host.ended().await;
}

/// A web that says which column of `reports` it uses.
fn uses(version: &str, column: &str) -> String {
    let manifest = r#"{"manifest_version": 1, "process": "web", "digest": "",
        "tables": {"reports": {"columns": {"COLUMN": "text"}}}}"#;
    toy::program_that_says(version, &manifest.replace("COLUMN", column))
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_migrations_are_rehearsed_and_whatever_ends_a_rehearsal_ends_its_stage() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web"]).with_migrations().on(&database);
    fs::create_dir(sandbox.file("stages")).unwrap();
    toy::write_workspace(&sandbox);
    toy::write_program(&sandbox, "web", &uses("one", "old"));
    lane::write(&sandbox);
    let reports = "CREATE TABLE reports (id bigint PRIMARY KEY, old text)";
    lane::add(&sandbox, "2100-01-01-000100_reports", reports, "DROP TABLE reports");
    let mut host = start_host(&sandbox);
    host.says("web has not been released yet").await;
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    let here = residents(&sandbox);

    let (add, drop) = ("ALTER TABLE reports ADD COLUMN new text", "ALTER TABLE reports DROP COLUMN new");
    lane::add(&sandbox, "2100-01-01-000200_add_new", add, drop);
    let (drop, add) = ("ALTER TABLE reports DROP COLUMN old", "ALTER TABLE reports ADD COLUMN old text");
    lane::add(&sandbox, "2100-01-01-000300_drop_old", drop, add);
    toy::write_program(&sandbox, "web", &uses("two", "new"));
    let said = ended(&rehearse(&sandbox, &[]).await, 0);
    let at = |what: &str| said.find(what).unwrap_or_else(|| panic!("no {what:?} in {said}"));
    assert!(at("migrated 2100-01-01-000200_add_new") < at("replaced web"), "{said}");
    assert!(at("replaced web") < at("migrated 2100-01-01-000300_drop_old"), "{said}");
    assert!(said.contains("there is no way back after this release"), "{said}");
    let left = || fs::read_dir(sandbox.file("stages")).unwrap().count();
    assert_eq!(left(), 0);

    // In the middle of it, and while the stage is being set.
    let rehearsal_of = async |until: &str, number: Signal| {
        let mut rehearsal = Dev::start(rehearsal(&sandbox, &["--bake", "600"]));
        rehearsal.says(until).await;
        wait_until("there is a stage", PATIENCE, async || left() > 0).await;
        match number {
            // As from a keyboard: all of the foreground group get it.
            Signal::SIGINT => rehearsal.interrupt(),
            other => signal(rehearsal.pid(), other),
        }
        assert_eq!(rehearsal.ended_within(SETTING).await.code(), Some(1), "{}", rehearsal.said());
        assert!(rehearsal.said().contains("interrupted; nothing live was touched"), "{}", rehearsal.said());
        assert_eq!(left(), 0);
        wait_until("its processes are gone", PATIENCE, async || residents(&sandbox).is_subset(&here)).await;
    };
    rehearsal_of("replaced web", Signal::SIGINT).await;
    rehearsal_of("rehearsing on a private Postgres", Signal::SIGTERM).await;

    let columns = "pg_attribute WHERE attrelid = 'reports'::regclass AND attname IN ('old', 'new')";
    assert_eq!(rows::count(database.url(), columns).await, 1, "the live table is as it was");
    assert_eq!(shown(&sandbox).await, "one of first");
    host.interrupt();
    host.ended().await;
}
