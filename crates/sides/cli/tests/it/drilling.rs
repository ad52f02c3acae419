//! The drills that ship with the product, on toy programs: every row of the list ends as it says.

use std::{collections::BTreeMap, fs, process::Output};

use serde_json::Value;

use crate::{
    rehearsing::{GREETS, WORKS},
    releasing::{ended, run},
    sandbox::Sandbox,
    schemas, toy,
};

fn workspace() -> Sandbox {
    let sandbox = Sandbox::with(&["web", "worker"]);
    toy::write_workspace(&sandbox);
    toy::write_program(&sandbox, "web", &toy::program_that_says("one", GREETS));
    toy::write_program(&sandbox, "worker", &toy::program_that_says("one", WORKS));
    fs::create_dir(sandbox.file("stages")).unwrap();
    sandbox
}

async fn drill(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let mut command = sandbox.sides(&[&["drill", "--json"], arguments].concat());
    // Where the stage is set: it must be gone in the end.
    command.env("TMPDIR", sandbox.file("stages"));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    schemas::hold(&["drill", "--json"], &output.stdout);
    output
}

fn reports(output: &Output) -> BTreeMap<String, Value> {
    let said = String::from_utf8_lossy(&output.stderr);
    let all: Vec<Value> =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    all.into_iter().map(|one| (one["drill"].as_str().unwrap().to_owned(), one)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_drill_ends_well() {
    let sandbox = workspace();
    let output = drill(&sandbox, &["--bake", "20"]).await;
    let reports = reports(&output);
    let listed = ended(&run(&sandbox, &["drill", "--list"]).await, 0);
    for (name, report) in &reports {
        assert!(listed.contains(name.as_str()), "{name} is not in {listed}");
        assert_eq!(report["passed"], true, "{report}");
        let is_skipped = report["ended"] == "skipped";
        assert_eq!(is_skipped, name.starts_with("clock"), "there is no clock here: {report}");
        if let Some(why) = report["not_possible"].as_str() {
            let is_of_a_place = name.starts_with("place-");
            assert!((name == "disk-full" || is_of_a_place) && !why.is_empty(), "{report}");
            continue;
        }
        assert!(is_skipped || (report["receipt"].is_object() && report["requests"].as_u64() > Some(0)));
    }
    assert_eq!(output.status.code(), Some(0));
    let rows = listed.lines().filter(|line| !line.is_empty()).count() - 1;
    assert_eq!(reports.len(), rows, "{listed}");
    assert!(reports["web-answers-500"]["failed"].as_u64() > Some(0), "it was seen to fail");
    let leak = &reports["web-leaks"]["receipt"]["reason"];
    assert!(leak.as_str().unwrap().contains(" leaks: it grew from "), "{leak}");
    for canary in ["web-canary-answers-500", "worker-canary-fails-jobs"] {
        let steps = &reports[canary]["receipt"]["steps"];
        assert_eq!(steps[0]["step"]["kind"], "end_canary", "{steps}");
    }
    let bad = &reports["worker-fails-jobs"];
    assert!(bad["receipt"]["reason"].as_str().unwrap().contains("the new worker failed at"), "{bad}");
    assert_eq!(fs::read_dir(sandbox.file("stages")).unwrap().count(), 0);
    assert!(sandbox.residents().is_empty(), "{:?}", sandbox.residents());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_that_does_not_end_well_says_so() {
    let sandbox = workspace();
    // Nobody looks at how long answers take, so a slow web stays.
    let output = drill(&sandbox, &["web-slow", "--bake", "6", "--slower", "0"]).await;
    let report = &reports(&output)["web-slow"];
    assert_eq!((output.status.code(), &report["passed"]), (Some(1), &false.into()), "{report}");
    assert!(report["faults"][0].as_str().unwrap().contains("exit code 0 instead of 6"), "{report}");
    let unknown = ended(&run(&sandbox, &["drill", "nope"]).await, 1);
    assert!(unknown.contains("`sides drill --list` lists them"), "{unknown}");
}
