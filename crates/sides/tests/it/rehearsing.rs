//! A rehearsal shows how a release would go, and leaves nothing behind.

use std::{collections::BTreeSet, fs, process::Output};

use testing::{TestDatabase, wait_until};

use crate::{
    releasing::{ended, receipt, run, shown, start_host},
    rows,
    sandbox::{PATIENCE, Sandbox},
    toy,
};

const GREETS: &str = r#"{"manifest_version": 1, "process": "web", "digest": "", "enqueues": {"greet": 1},
    "arguments": {"greet": {"id": "integer"}}}"#;
const WORKS: &str = r#"{"manifest_version": 1, "process": "worker", "digest": "",
    "handles": {"greet": {"newest": 1, "oldest": 1}}}"#;

async fn rehearse(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let mut command = sandbox.sides(&[&["rehearse", "--bake", "0"], arguments].concat());
    // Where the stage is set: it must be gone in the end.
    command.env("TMPDIR", sandbox.file("stages"));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_played_through_with_its_receipt_and_nothing_live_is_changed() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    fs::create_dir(sandbox.file("stages")).unwrap();
    toy::write_workspace(&sandbox);
    toy::write_program(&sandbox, "worker", &toy::program_that_says("one", WORKS));
    let mut host = start_host(&sandbox);
    host.says("web was not released yet").await;
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    let live = || ["web", "worker"].map(|name| sandbox.pid_of(name).unwrap());
    // By their command lines: on a busy machine the keeper of the socket may follow itself.
    let residents = || sandbox.residents().into_iter().map(|(_, line)| line).collect::<BTreeSet<_>>();
    let is_kept = async || residents().iter().any(|line| line.contains("keep-socket"));
    wait_until("somebody keeps the socket", PATIENCE, is_kept).await;
    let (before, here) = (live(), residents());

    toy::write_program(&sandbox, "web", &toy::program_that_says("two", GREETS));
    let good = receipt(&rehearse(&sandbox, &["--json"]).await, 0);
    assert_eq!((&good["outcome"], &good["requests"]["failed"]), (&"released".into(), &0.into()), "{good}");
    assert!(good["requests"]["good"].as_u64().unwrap() > 0, "{good}");
    let said = ended(&rehearse(&sandbox, &[]).await, 0);
    assert!(said.contains("1. replace web") && said.contains("the way back was rehearsed, too"), "{said}");

    // One that does not start is put back there, too.
    toy::write_program(&sandbox, "web", "fn main() { std::process::exit(3) }");
    let said = ended(&rehearse(&sandbox, &[]).await, 6);
    assert!(said.contains("This was a rehearsal"), "{said}");

    // And what would be refused is refused.
    toy::write_program(&sandbox, "web", &toy::program_that_says("two", &GREETS.replace("greet", "unknown")));
    let refused = ended(&rehearse(&sandbox, &["--no-jobs"]).await, 8);
    assert!(refused.contains("enqueues unknown"), "{refused}");

    assert_eq!(live(), before);
    assert!(residents().is_subset(&here), "{:?}, and before {here:?}", sandbox.residents());
    assert_eq!(shown(&sandbox).await, "one of first");
    assert_eq!(rows::count(database.url(), "sides.releases").await, 1);
    assert_eq!(rows::count(database.url(), "sides.fang_tasks").await, 0);
    assert_eq!(fs::read_dir(sandbox.file("stages")).unwrap().count(), 0);
    host.interrupt();
    host.ended().await;
}
