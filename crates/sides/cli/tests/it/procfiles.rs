//! Procfiles as other tools have them, beside ours.

use std::fs;

use testing::TestDatabase;

use crate::sandbox::{Sandbox, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_tool_is_a_notice_and_no_failure() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web"]).on(&database);
    for (name, content) in [
        ("Procfile.dev", "web: bin/rails server -p ${PORT:-3000}\ncss: yarn build --watch\n"),
        ("Procfile.prod", "web: ./web\n"),
        ("Procfile.everything", "web: ./web\nmail: ./mail\n"),
    ] {
        fs::write(sandbox.file(name), content).unwrap();
    }
    let output = sandbox.run(&["jobs", "list"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    let output = sandbox.run(&["plan"]);
    let said = text(&output.stderr);
    for name in ["dev", "prod", "everything"] {
        assert!(said.contains(&format!("Procfile.{name} is ignored: it names web")), "{name}: {said}");
    }
    assert!(!text(&output.stdout).contains("mail"), "no process is taken from them");
}

#[test]
fn a_line_that_needs_a_shell_is_refused_with_the_line_to_write() {
    let sandbox = Sandbox::with(&["web"]);
    fs::write(sandbox.file("Procfile.web"), "web: web --port ${PORT:-3000}\n").unwrap();
    let output = sandbox.run(&["plan"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Procfile.web:1: \"${PORT:-3000}\" needs a shell"), "{said}");
    assert!(said.contains("web: sh -c 'exec web --port ${PORT:-3000}'"), "{said}");
}
