//! The order of a release follows from what the builds say, what the schema is and which jobs wait.

use testing::TestDatabase;

use crate::{
    releasing::{ended, run, shown, start_host},
    sandbox::Sandbox,
    toy,
};

/// A manifest with these parts beside its name.
fn says(process: &str, parts: &str) -> String {
    format!(r##"{{"manifest_version": 1, "process": "{process}", "digest": ""{parts}}}"##)
}

const GREETS: &str = r#", "enqueues": {"greet": 1}"#;
const WORKS_GREET: &str = r#", "handles": {"greet": {"newest": 1, "oldest": 1}}"#;

fn write(sandbox: &Sandbox, process: &str, version: &str, parts: &str) {
    let source = toy::program_that_says(version, &says(process, parts));
    toy::write_program(sandbox, process, &source);
}

async fn release(sandbox: &Sandbox, code: i32) -> String {
    ended(&run(sandbox, &["release", "--bake", "0"]).await, code)
}

fn step(said: &str, what: &str) -> usize {
    let plan = said.lines().skip_while(|line| !line.starts_with("Plan:"));
    let lines: Vec<&str> = plan.take_while(|line| !line.starts_with('\u{2713}')).collect();
    lines.iter().position(|line| line.contains(what)).unwrap_or_else(|| panic!("no {what:?} in {lines:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_come_before_enqueuers_and_leave_after_the_last_job_or_the_release_is_refused() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    toy::write_workspace(&sandbox);
    write(&sandbox, "web", "one", "");
    write(&sandbox, "worker", "one", "");
    let mut host = start_host(&sandbox);
    host.says("web has not been released yet").await;
    release(&sandbox, 0).await;

    write(&sandbox, "web", "two", GREETS);
    let refused = release(&sandbox, 8).await;
    assert!(refused.contains("enqueues greet (version 1), which no release handles"), "{refused}");
    assert!(refused.contains("Nothing was changed"), "{refused}");
    assert_eq!(shown(&sandbox).await, "one of first");

    write(&sandbox, "worker", "two", WORKS_GREET);
    let said = release(&sandbox, 0).await;
    assert!(step(&said, "replace worker") < step(&said, "replace web"), "{said}");
    assert_eq!(shown(&sandbox).await, "two of first");

    // Back: web first, so that nobody enqueues what nobody works.
    let said = ended(&run(&sandbox, &["rollback", "--bake", "0"]).await, 0);
    assert!(step(&said, "replace web") < step(&said, "wait until there are no jobs of greet"), "{said}");
    assert!(step(&said, "wait until there are no jobs of greet") < step(&said, "replace worker"), "{said}");
    release(&sandbox, 0).await;

    let client = database::client(database.url()).await.unwrap();
    let enqueue = "INSERT INTO sides.fang_tasks (metadata, scheduled_at) \
                   VALUES ('{\"type\": \"greet\"}', now() + interval '1 week')";
    client.batch_execute(enqueue).await.unwrap();
    write(&sandbox, "web", "three", "");
    write(&sandbox, "worker", "three", "");
    let refused = release(&sandbox, 8).await;
    assert!(refused.contains("jobs wait of greet (version 1)"), "{refused}");
    let split = "leave the new worker for the second, when no jobs of greet (version 1) are left. The first is: sides \
                 release --only web";
    assert!(refused.contains(split), "{refused}");
    assert_eq!(shown(&sandbox).await, "two of first");

    // The same kind and version, but not with the arguments that wait.
    write(
        &sandbox,
        "worker",
        "four",
        &format!("{WORKS_GREET}, \"arguments\": {{\"greet\": {{\"name\": \"string\"}}}}"),
    );
    write(&sandbox, "web", "two", GREETS);
    let refused = release(&sandbox, 8).await;
    assert!(refused.contains("would claim and cannot read: not with their name as it is"), "{refused}");
    client
        .batch_execute("UPDATE sides.fang_tasks SET metadata = metadata || '{\"name\": \"ann\"}'")
        .await
        .unwrap();
    release(&sandbox, 0).await;

    // What is on a schedule never ends.
    let add = ["schedule", "add", "mondays", "0 9 * * 1", "greet", "--arguments", r#"{"name": "bob"}"#];
    ended(&run(&sandbox, &add).await, 0);
    client.batch_execute("DELETE FROM sides.fang_tasks").await.unwrap();
    let reads = r#", "arguments": {"greet": {"name": "string", "at": "integer"}}"#;
    write(&sandbox, "worker", "five", &format!("{WORKS_GREET}{reads}"));
    let refused = release(&sandbox, 8).await;
    let witness = "the schedule mondays enqueues greet (version 1), which worker@";
    assert!(refused.contains(witness) && refused.contains("not with their at as it is"), "{refused}");
    assert!(refused.contains("sides schedule remove mondays"), "{refused}");
    ended(&run(&sandbox, &["schedule", "remove", "mondays"]).await, 0);
    release(&sandbox, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_a_build_needs_and_nobody_makes_is_named() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    toy::write_workspace(&sandbox);
    let needs = r#", "tables": {"services": {"columns": {"colour": "text"}}}"#;
    write(&sandbox, "web", "one", needs);
    let mut host = start_host(&sandbox);
    host.says("web has not been released yet").await;
    let refused = release(&sandbox, 8).await;
    assert!(refused.contains("services.colour") && refused.contains("no schema step provides"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_does_not_say_in_time_what_it_needs_is_not_taken_to_need_nothing() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web"]).on(&database);
    toy::write_workspace(&sandbox);
    write(&sandbox, "web", "one", "");
    let mut host = start_host(&sandbox);
    host.says("web has not been released yet").await;
    release(&sandbox, 0).await;

    let asked = "fn main() {";
    let source = toy::program_that_says("two", &says("web", GREETS));
    assert!(source.contains(asked));
    let slow = format!(
        "{asked} if std::env::args().any(|one| one == \"--manifest\") {{ sleep(Duration::from_secs(60)); }}"
    );
    toy::write_program(&sandbox, "web", &source.replace(asked, &slow));
    let refused = release(&sandbox, 1).await;
    assert!(refused.contains("did not answer --manifest in time"), "{refused}");
    assert_eq!(shown(&sandbox).await, "one of first");
}
