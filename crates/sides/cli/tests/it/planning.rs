//! `sides plan` tells what a release would do, before anything is built.

use std::{fs, process::Command};

use serde_json::Value;
use testing::TestDatabase;

use crate::{
    host::Dev,
    releasing::{ended, run, start_host},
    sandbox::{Sandbox, text},
    toy,
};

/// Git in the sandbox, as somebody without a configuration.
pub(crate) fn git(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.current_dir(sandbox.path()).args(["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = git.args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

pub(crate) fn commit(sandbox: &Sandbox) -> String {
    git(sandbox, &["add", "--all"]);
    git(sandbox, &["commit", "--quiet", "--allow-empty", "--message", "A commit"]);
    git(sandbox, &["rev-parse", "HEAD"])
}

/// The toy in a repository.
fn repository(sandbox: &Sandbox) -> String {
    toy::write_workspace(sandbox);
    fs::write(sandbox.file(".gitignore"), "/target\n/.sides\n").unwrap();
    git(sandbox, &["init", "--quiet", "--initial-branch", "main"]);
    commit(sandbox)
}

async fn plan(sandbox: &Sandbox, arguments: &[&str], code: i32) -> Value {
    let output = run(sandbox, &[&["plan", "--json"], arguments].concat()).await;
    let said = ended(&output, code);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

fn verdicts(plan: &Value) -> Vec<&str> {
    plan["processes"].as_array().unwrap().iter().map(|one| one["verdict"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_anything_that_runs_it_compares_with_a_commit() {
    let sandbox = Sandbox::with(&["web", "worker"]);
    let first = repository(&sandbox);
    let nothing = plan(&sandbox, &[], 0).await;
    assert_eq!((verdicts(&nothing), &nothing["plan_version"]), (vec!["new", "new"], &1.into()));
    assert!(nothing["notes"].to_string().contains("DATABASE_URL is not set"), "{nothing}");
    let same = plan(&sandbox, &["--since", "HEAD"], 5).await;
    assert_eq!((verdicts(&same), &same["outcome"]), (vec!["unchanged", "unchanged"], &"nothing".into()));

    // What only readers and tests use, and a program's own source.
    fs::create_dir_all(sandbox.file("crates/shared/tests")).unwrap();
    fs::write(sandbox.file("crates/shared/tests/it.rs"), "").unwrap();
    fs::write(sandbox.file("README.md"), "Text.").unwrap();
    toy::write_program(&sandbox, "worker", &toy::program("two"));
    let own = plan(&sandbox, &["--since", "main"], 0).await;
    assert_eq!(verdicts(&own), ["unchanged", "may_have_changed"]);
    assert_eq!(own["processes"][1]["reason"], "crates/worker/src/main.rs changed → worker");
    assert_eq!(own["untouched"], serde_json::json!(["README.md", "crates/shared/tests/it.rs"]));
    commit(&sandbox);

    toy::write_shared(&sandbox, "second");
    let both = plan(&sandbox, &["--since", "HEAD"], 0).await;
    assert_eq!(verdicts(&both), ["may_have_changed", "may_have_changed"]);
    assert_eq!(both["processes"][0]["changes"][0]["way"], serde_json::json!(["shared", "web"]));
    let why = ended(&run(&sandbox, &["plan", "--since", &first, "--why", "worker"]).await, 0);
    assert!(why.contains("crates/shared/src/lib.rs changed → shared → worker"), "{why}");
    assert!(why.contains("crates/worker/src/main.rs changed") && !why.contains("web"), "{why}");
    let markdown = ended(&run(&sandbox, &["plan", "--since", &first, "--markdown"]).await, 0);
    assert!(markdown.starts_with("## Release plan: web, worker\n\n| Process |"), "{markdown}");
    let unknown = ended(&run(&sandbox, &["plan", "--since", "nowhere"]).await, 1);
    assert!(unknown.contains("nowhere is not a commit in this repository"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn profile_procfile_and_dependencies_count_and_what_tests_use_does_not() {
    let sandbox = Sandbox::with(&["web", "worker"]);
    repository(&sandbox);
    let since_head = async |expected: [&str; 2]| {
        let code = if expected == ["unchanged"; 2] { 5 } else { 0 };
        let plan = plan(&sandbox, &["--since", "HEAD"], code).await;
        assert_eq!(verdicts(&plan), expected, "{plan:#}");
        commit(&sandbox);
    };
    let append = |name: &str, more: &str| {
        let file = sandbox.file(name);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, text + more).unwrap();
    };
    append("crates/shared/Cargo.toml", "[dev-dependencies]\nserde = \"1\"\n[lints]\n");
    since_head(["unchanged"; 2]).await;
    append("crates/web/Cargo.toml", "[features]\nmore = []\n");
    since_head(["may_have_changed", "unchanged"]).await;
    append("Cargo.toml", "[profile.release]\nopt-level = 2\n[workspace.lints.rust]\n");
    since_head(["may_have_changed"; 2]).await;
    fs::write(sandbox.file("Procfile.worker"), "worker: worker --quick\n").unwrap();
    since_head(["unchanged", "may_have_changed"]).await;
}

/// An instance that beats somewhere else, and was built from this commit.
async fn beats(database: &TestDatabase, process: &str, commit: &str) {
    let client = database::client(database.url()).await.unwrap();
    client.execute("DELETE FROM sides.instances WHERE process = $1", &[&process]).await.unwrap();
    let row = "INSERT INTO sides.instances (id, process, release, host, pid, ops_address, state, manifest, heartbeat_at)
               VALUES (gen_random_uuid(), $1, $2, 'elsewhere', 1, '127.0.0.1:1', 'ready',
                       jsonb_build_object('commit', $3::text), now() + interval '1 hour')";
    client.execute(row, &[&process, &"abcdefabcdef", &commit]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_instances_name_the_commit_to_compare_with_and_a_clone_may_lack_it() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    let first = repository(&sandbox);
    toy::write_program(&sandbox, "web", &toy::program("two"));
    let second = commit(&sandbox);
    beats(&database, "web", &first).await;
    beats(&database, "worker", &first).await;
    git(&sandbox, &["checkout", "--quiet", "--detach"]);
    let found = plan(&sandbox, &[], 0).await;
    assert_eq!(verdicts(&found), ["may_have_changed", "unchanged"]);
    assert_eq!((&found["branch"], &found["commit"]), (&Value::Null, &second.into()));
    assert_eq!(found["migrations"], serde_json::json!({"known": true, "pending": []}));

    let clone = Sandbox::with(&[]).on(&database);
    let from = format!("file://{}", sandbox.path().display());
    git(&clone, &["clone", "--quiet", "--depth", "1", &from, "."]);
    let shallow = plan(&clone, &[], 0).await;
    assert_eq!(verdicts(&shallow), ["may_have_changed", "may_have_changed"]);
    let reason = shallow["processes"][1]["reason"].as_str().unwrap();
    let expected =
        format!("the running build was built from {}, which this shallow clone lacks", &first[..8]);
    assert!(reason.starts_with(&expected), "{reason}");

    beats(&database, "worker", &format!("{first}-dirty")).await;
    let dirty = plan(&sandbox, &[], 0).await;
    assert_eq!(verdicts(&dirty), ["may_have_changed", "may_have_changed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_compared_with_what_it_was_built_from() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    repository(&sandbox);
    let root = fs::read_to_string(sandbox.file("Cargo.toml")).unwrap();
    fs::write(sandbox.file("Cargo.toml"), root + toy::PROFILE).unwrap();
    let first = commit(&sandbox);
    let mut host: Dev = start_host(&sandbox);
    host.says("web has not been released yet").await;
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    // The build made a lock file: it belongs to no commit yet.
    let same = plan(&sandbox, &[], 5).await;
    assert_eq!(verdicts(&same), ["unchanged", "unchanged"]);
    assert!(same["processes"][0]["runs"][0]["commit"].as_str().unwrap().starts_with(&first), "{same:#}");
    assert_eq!(same["order"]["steps"], serde_json::json!([]));

    // A comment moves no line that can panic.
    let comment = toy::program("one") + "// The end.\n";
    toy::write_program(&sandbox, "web", &comment);
    let guess = plan(&sandbox, &[], 0).await;
    assert_eq!(verdicts(&guess), ["may_have_changed", "unchanged"]);
    assert!(guess["order"]["unknown"].as_str().unwrap().contains("--build"), "{guess:#}");
    let built = plan(&sandbox, &["--build"], 5).await;
    assert_eq!((verdicts(&built), &built["judged_by"]), (vec!["unchanged", "unchanged"], &"bytes".into()));
    assert_eq!(built["processes"][0]["guessed_needlessly"], true);
    // What was built once is known from then on.
    assert_eq!(verdicts(&plan(&sandbox, &[], 5).await), ["unchanged", "unchanged"]);

    toy::write_program(&sandbox, "web", &toy::program("two"));
    let built = plan(&sandbox, &["--build"], 0).await;
    assert_eq!(verdicts(&built), ["changed", "unchanged"]);
    assert!(built["order"]["steps"][0].as_str().unwrap().starts_with("replace web: "), "{built:#}");
    let said = ended(&run(&sandbox, &["plan"]).await, 0);
    assert!(said.starts_with("PROCESS  RUNS") && said.contains("1. replace web"), "{said}");

    // What would be refused is refused here too, with its witness.
    let greets = r#"{"manifest_version": 1, "process": "web", "digest": "", "enqueues": {"greet": 1}}"#;
    toy::write_program(&sandbox, "web", &toy::program_that_says("three", greets));
    let refused = plan(&sandbox, &["--build"], 8).await;
    assert!(refused["refused"]["witnesses"][0].as_str().unwrap().contains("enqueues greet"), "{refused:#}");

    // Without the repository what was kept still tells.
    fs::rename(sandbox.file(".git"), sandbox.file(".git-away")).unwrap();
    toy::write_program(&sandbox, "web", &comment);
    let kept = plan(&sandbox, &[], 5).await;
    assert!(kept["notes"].to_string().contains("is not a git repository"), "{kept:#}");
    host.interrupt();
    host.ended().await;
}
