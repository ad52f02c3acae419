//! One row costs one row, in every list.

use testing::{TestDatabase, fill_with_odd_rows};

use crate::{
    rows,
    sandbox::{Sandbox, text},
};

/// A list, and what it must show beside the odd rows.
const LISTS: [(&[&str], &str); 12] = [
    (&["jobs", "list", "--count", "1000"], "good_kind"),
    (&["jobs", "list", "--count", "1000", "--json"], "good_kind"),
    (&["jobs", "list", "--state", "finished", "--count", "1000"], "note"),
    (&["jobs", "list", "--state", "finished", "--count", "1000", "--json"], "infinity"),
    (&["jobs", "kinds"], "good_kind"),
    (&["jobs", "kinds", "--json"], "good_kind"),
    (&["schedule", "list"], "good"),
    (&["schedule", "list", "--json"], "\"good\""),
    (&["scaling", "log", "--count", "1000"], "good reason"),
    (&["scaling", "log", "--count", "1000", "--json"], "good reason"),
    (&["receipts", "-n", "100"], "ann"),
    (&["receipts", "-n", "100", "--json"], "\"ann\""),
];

/// What it said, which holds nothing that a terminal would obey.
fn ends(sandbox: &Sandbox, arguments: &[&str], code: i32) -> String {
    let output = sandbox.run(arguments);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(!said.contains('\u{1b}'), "{arguments:?}: {said:?}");
    assert!(!said.contains('\u{202e}') || arguments.contains(&"--json"), "{arguments:?}: {said:?}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_tables_hold_every_list_shows_the_rest() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["clock"]).on(&database);
    fill_with_odd_rows(&mut database.connect().await, "note", "good").await;
    let run = |arguments: &[&str]| ends(&sandbox, arguments, 0);
    run(&["schedule", "add", "good", "every 200 ms", "work", "--missed", "skip", "--overlap", "allow"]);
    rows::execute(
        database.url(),
        "SELECT sides.enqueue('good_kind', tags => '{good}');
         INSERT INTO sides.actions (at, subject, action, asked_by, reason, measured, outcome)
         VALUES (now(), 'worker', 'scale', 'me', 'good reason', '{}', 'done');
         INSERT INTO sides.releases (started_at, ended_at, asked_by, outcome, receipt)
         VALUES (now(), now(), 'ann', 'released', '{\"outcome\": \"released\"}')",
    )
    .await;

    for (arguments, expected) in LISTS {
        let said = run(arguments);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    let broken = run(&["schedule", "list"]);
    assert!(broken.contains("never fires"), "{broken}");

    let id = async |condition: &str| {
        let query = format!("SELECT id::text AS word FROM sides.fang_tasks WHERE {condition} LIMIT 1");
        rows::word(database.url(), &query).await.unwrap()
    };
    let odd = id("scheduled_at = 'infinity'").await;
    let shown = run(&["jobs", "show", &odd, "--arguments"]);
    assert!(shown.contains("due       infinity"), "{shown}");
    let null = id("array_position(tags, NULL) IS NOT NULL").await;
    assert!(run(&["jobs", "show", &null]).contains("NULL, a"));
    // A number that no floating point number holds.
    let huge = id("(metadata ->> 'to')::numeric = 1e400").await;
    let shown = run(&["jobs", "show", &huge, "--arguments", "--json"]);
    assert!(shown.contains(&"0".repeat(400)), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_runs_there_it_is_told_of_as_text() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["clock"]).on(&database);
    fill_with_odd_rows(&mut database.connect().await, "note", "good").await;
    for json in [&[][..], &["--json"]] {
        for (command, code, expected) in [
            ("status", 0, "odd"),
            ("plan", 0, "noon"),
            ("doctor", 0, "Postgres"),
            // Nothing runs and nothing was released from here.
            ("ps", 3, ""),
            ("releases", 5, ""),
        ] {
            let said = ends(&sandbox, &[&[command], json].concat(), code);
            assert!(said.contains(expected), "{command} {json:?}: {said}");
        }
    }
}
