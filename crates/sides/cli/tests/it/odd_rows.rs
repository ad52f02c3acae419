//! One row costs one row, in every list.

use testing::{TestDatabase, fill_with_odd_rows};

use crate::{
    rows,
    sandbox::{Sandbox, text},
};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_tables_hold_every_list_shows_the_rest() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["clock"]).on(&database);
    fill_with_odd_rows(&mut database.connect().await, "note", "good").await;
    let run = |arguments: &[&str]| {
        let output = sandbox.run(arguments);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    };
    run(&["schedule", "add", "good", "every 200 ms", "work", "--missed", "skip", "--overlap", "allow"]);
    rows::execute(
        database.url(),
        "SELECT sides.enqueue('good_kind', tags => '{good}');
         INSERT INTO sides.actions (at, subject, action, asked_by, reason, measured, outcome)
         VALUES (now(), 'worker', 'scale', 'me', 'good reason', '{}', 'done')",
    )
    .await;

    for (arguments, expected) in [
        (&["jobs", "list", "--count", "1000"][..], "good_kind"),
        (&["jobs", "list", "--count", "1000", "--json"], "good_kind"),
        (&["jobs", "list", "--state", "finished", "--count", "1000"], "note"),
        (&["jobs", "list", "--state", "finished", "--count", "1000", "--json"], "294276"),
        (&["jobs", "kinds"], "good_kind"),
        (&["jobs", "kinds", "--json"], "good_kind"),
        (&["schedule", "list"], "good"),
        (&["schedule", "list", "--json"], "\"good\""),
        (&["scaling", "log", "--count", "1000"], "good reason"),
        (&["scaling", "log", "--count", "1000", "--json"], "good reason"),
        (&["receipts", "-n", "100"], "released"),
        (&["receipts", "-n", "100", "--json"], "receipt"),
    ] {
        let said = run(arguments);
        assert!(
            said.contains(expected) || expected == "294276" && said.contains("infinity"),
            "{arguments:?}: {said}"
        );
    }
    let broken = run(&["schedule", "list"]);
    assert!(broken.contains("never fires"), "{broken}");
    let odd = "SELECT id::text AS word FROM sides.fang_tasks WHERE scheduled_at = 'infinity'";
    let odd = rows::word(database.url(), odd).await.unwrap();
    let shown = run(&["jobs", "show", &odd, "--arguments"]);
    assert!(shown.contains("due       infinity"), "{shown}");
    let null = "SELECT id::text AS word FROM sides.fang_tasks WHERE array_position(tags, NULL) IS NOT NULL";
    let null = rows::word(database.url(), null).await.unwrap();
    assert!(run(&["jobs", "show", &null]).contains("NULL, a"));
}
