//! A history of changes, merged one after the other: each run of the pipeline's commands releases what it should.

use std::fs;

use serde_json::Value;
use testing::TestDatabase;

use crate::{
    releasing::{ended, receipt, run, start_host},
    sandbox::Sandbox,
    toy,
};

/// What a run has replaced, in order.
fn replaced(receipt: &Value) -> Vec<String> {
    let steps = receipt["steps"].as_array().unwrap().iter();
    steps.filter_map(|step| Some(step["what"].as_str()?.strip_prefix("replaced ")?.to_owned())).collect()
}

/// The pipeline's plan and release, and what they replaced.
async fn merge(sandbox: &Sandbox, what: &str, expected: &[&str]) {
    let code = if expected.is_empty() { 5 } else { 0 };
    let plan = ended(&run(sandbox, &["release", "--dry-run"]).await, code);
    for process in expected {
        assert!(plan.contains(&format!("replace {process}")), "{what}: {plan}");
    }
    let output = run(sandbox, &["release", "--bake", "0", "--json"]).await;
    if expected.is_empty() {
        ended(&output, 5);
    } else {
        let receipt = receipt(&output, 0);
        assert_eq!(replaced(&receipt), expected, "{what}: {receipt}");
        // Web was there all the time.
        assert_eq!(receipt["requests"]["failed"], 0, "{what}: {receipt}");
    }
    // A second run of the same pipeline is harmless.
    ended(&run(sandbox, &["release", "--bake", "0"]).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_merge_releases_exactly_what_it_should() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    toy::write_workspace(&sandbox);
    let mut host = start_host(&sandbox);
    host.says("web was not released yet").await;
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);

    toy::write_program(&sandbox, "worker", &toy::program("another handler"));
    merge(&sandbox, "a handler", &["worker"]).await;

    toy::write_shared(&sandbox, "another contract");
    merge(&sandbox, "a contract", &["worker", "web"]).await;

    let with_comment = format!("{}\n// said at the end, where no line number moves\n", toy::program("one"));
    toy::write_program(&sandbox, "web", &with_comment);
    merge(&sandbox, "a comment", &[]).await;

    let unused = "pub const NAME: &str = \"another contract\";\npub fn of_nobody() -> u8 { 7 }\n";
    fs::write(sandbox.file("crates/shared/src/lib.rs"), unused).unwrap();
    merge(&sandbox, "a function that nobody calls", &[]).await;

    // A new dependency of one process.
    fs::create_dir_all(sandbox.file("crates/paint/src")).unwrap();
    fs::write(sandbox.file("crates/paint/Cargo.toml"), "[package]\nname = \"paint\"\nedition = \"2024\"\n")
        .unwrap();
    fs::write(sandbox.file("crates/paint/src/lib.rs"), "pub const COLOUR: &str = \"red\";\n").unwrap();
    let manifest = sandbox.file("crates/web/Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap() + "paint = { path = \"../paint\" }\n";
    fs::write(&manifest, text).unwrap();
    merge(&sandbox, "a dependency that is not used yet", &[]).await;
    let uses = toy::program("one").replace("shared::NAME);", "[shared::NAME, paint::COLOUR].concat());");
    toy::write_program(&sandbox, "web", &uses);
    merge(&sandbox, "a dependency", &["web"]).await;

    fs::write(sandbox.file("crates/paint/src/lib.rs"), "pub const COLOUR: &str = \"blue\";\n").unwrap();
    merge(&sandbox, "a new version of a dependency of one", &["web"]).await;
}
