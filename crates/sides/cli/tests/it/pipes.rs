//! A reader that goes away ends every program quietly: `sides jobs list | head -1`.

use std::{
    io::pipe,
    process::{Command, Stdio},
};

use testing::TestDatabase;

use crate::{
    rows,
    sandbox::{Sandbox, text},
};

/// What a shell shows for SIGPIPE; or the command does not even notice.
const USUAL: [i32; 2] = [0, 141];

/// Runs a command that nobody reads, and says what is wrong with how it ended.
fn fault(mut command: Command, name: &str) -> Option<String> {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
    let said = text(&output.stderr);
    let is_quiet = said.is_empty() && output.status.code().is_some_and(|code| USUAL.contains(&code));
    (!is_quiet).then(|| format!("{name}: {} {said}", output.status))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_program_ends_quietly_when_nobody_reads() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker", "clock"]).with_migrations().on(&database);
    let many = "SELECT sides.enqueue('report') FROM generate_series(1, 50)";
    rows::execute(database.url(), many).await;
    let mut faults = Vec::new();
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["help", "release"],
        &["completions", "bash"],
        &["completions", "zsh"],
        &["schedule", "preview", "* * * * *", "--count", "10000"],
        &["schedule", "preview", "@daily", "--json"],
        &["schedule", "list"],
        &["schedule", "list", "--json"],
        &["jobs", "list"],
        &["jobs", "list", "--json"],
        &["jobs", "kinds"],
        &["receipts"],
        &["receipts", "--json"],
        &["scaling", "log"],
        &["migration", "status"],
        &["migration", "check", "--help"],
    ] {
        faults.extend(fault(sandbox.sides(arguments), &format!("sides {}", arguments.join(" "))));
    }
    for program in ["web", "worker", "clock"] {
        for flag in ["--help", "--version", "--manifest"] {
            let mut command = sandbox.program(program);
            command.arg(flag);
            faults.extend(fault(command, &format!("{program} {flag}")));
        }
    }
    for arguments in [&["--help"][..], &["--version"], &["status"], &["plan"]] {
        let mut command = sandbox.program("migrate");
        command.args(arguments);
        faults.extend(fault(command, &format!("migrate {}", arguments.join(" "))));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What fails still says so, and with its own code.
#[test]
fn a_failure_is_no_less_one_in_a_pipe() {
    let sandbox = Sandbox::with(&["clock"]);
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let output = sandbox.sides(&["schedule", "preview", "noon today"]).stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("is not a schedule"), "{}", text(&output.stderr));
}
