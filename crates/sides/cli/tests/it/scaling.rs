//! The number of instances follows the work, and each decision can be read afterwards.

use std::path::Path;

use platform::{
    local::LocalHost,
    place::{Bundle, BundleFile, Place as _, Why},
};
use serde_json::Value;
use testing::{TestDatabase, wait_until};

use crate::{
    host::Dev,
    programs,
    releasing::{ended, run},
    rows,
    sandbox::{PATIENCE, Sandbox},
};

/// Quick, so that a test sees a way up and down.
const QUICK: [(&str, &str); 6] = [
    ("SCALE", "worker=1-4"),
    ("TEND_SECONDS", "1"),
    ("SCALE_DELAY_SECONDS", "1"),
    ("SCALE_UP_SECONDS", "1"),
    ("SCALE_DOWN_SECONDS", "1"),
    ("SCALE_CALM_SECONDS", "3"),
];

pub(crate) async fn put(sandbox: &Sandbox, process: &str, program: &Path) {
    let place = LocalHost::of(&sandbox.file(".sides/run"));
    let release = if process == "clock" { "c" } else { "a" }.repeat(64);
    let file = BundleFile { name: process.to_owned(), source: program.to_owned() };
    let bundle = Bundle { command: format!("./{process}"), files: vec![file] };
    place.offer(process, &release, &bundle).await.unwrap();
    let why = Why { asked_by: "a test".to_owned(), reason: "to see what happens".to_owned() };
    place.put(process, &release, &why).await.unwrap();
}

async fn started(sandbox: &Sandbox, variables: &[(&str, &str)]) -> Dev {
    let mut command = sandbox.sides(&["host", "--port", "0"]);
    command.envs(QUICK).envs(variables.iter().copied());
    let mut host = Dev::start(command);
    host.says("worker has not been released yet").await;
    put(sandbox, "worker", &testing::example("sleeper")).await;
    put(sandbox, "clock", &programs::folder().join("clock")).await;
    host
}

fn workers(sandbox: &Sandbox) -> usize {
    let status = sandbox.status();
    let all = status["processes"].as_array().cloned().unwrap_or_default();
    all.iter().filter(|one| one["name"] == "worker" && one["state"] == "ready").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_slow_jobs_makes_one_worker_four_and_then_one_and_harms_no_job() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["worker", "clock"]).on(&database);
    let _host = started(&sandbox, &[]).await;
    assert_eq!(workers(&sandbox), 1);
    let burst = "INSERT INTO sides.fang_tasks (metadata)
        SELECT '{\"type\": \"nap\", \"millis\": 2000}' FROM generate_series(1, 60)";
    rows::execute(database.url(), burst).await;
    wait_until("there are four workers", PATIENCE, async || workers(&sandbox) == 4).await;
    let done = "sides.job_history WHERE kind = 'nap' AND error IS NULL AND attempt = 1";
    wait_until("all jobs are done", PATIENCE, async || rows::count(database.url(), done).await == 60).await;
    wait_until("one worker is left", PATIENCE, async || workers(&sandbox) == 1).await;
    let in_vain = "sides.job_attempts WHERE outcome <> 'released' OR duration_us IS NOT NULL";
    assert_eq!(rows::count(database.url(), in_vain).await, 0, "none was begun in vain");
    assert_eq!(rows::count(database.url(), "sides.fang_tasks WHERE kind = 'nap'").await, 0);

    let said = run(&sandbox, &["scaling", "log", "--json"]).await;
    let log: Value = serde_json::from_slice(&said.stdout).unwrap();
    let scaled: Vec<_> = log.as_array().unwrap().iter().filter(|row| row["action"] == "scale").collect();
    let steps: Vec<_> = scaled
        .iter()
        .rev()
        .map(|row| (row["measured"]["from"].as_u64(), row["measured"]["to"].as_u64()))
        .collect();
    let down = [(4, 3), (3, 2), (2, 1)].map(|(from, to)| (Some(from), Some(to)));
    assert!(steps.ends_with(&down), "one at a time: {steps:?}");
    for row in scaled {
        assert!(row["outcome"].as_str().unwrap().starts_with("done in"), "{row}");
        assert!(row["measured"]["signals"]["slots"].as_u64() == Some(2), "{row}");
    }
    let said = ended(&run(&sandbox, &["scaling", "log"]).await, 0);
    // The clock's own jobs may be in one of the places.
    let line =
        said.lines().find(|line| line.contains("worker 2 → 1  scale: ")).unwrap_or_else(|| panic!("{said}"));
    assert!(line.contains(" of 4 places are busy, nothing waits; done in"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_from_within_is_heard_and_a_persons_word_holds() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["worker", "clock"]).on(&database);
    let _host = started(&sandbox, &[("SCALE_CALM_SECONDS", "3600")]).await;
    let wish = "INSERT INTO sides.fang_tasks (metadata)
        VALUES ('{\"type\": \"nap\", \"millis\": 1, \"wishes\": true}')";
    rows::execute(database.url(), wish).await;
    wait_until("there are two workers", PATIENCE, async || workers(&sandbox) == 2).await;
    let heard = "sides.actions WHERE action = 'scale' AND outcome LIKE 'done%' AND reason LIKE 'worker % asks: the beds are full'
        AND measured -> 'evidence' = '[{\"beds\": 1}]'";
    wait_until("it is written down", PATIENCE, async || rows::count(database.url(), heard).await == 1).await;

    ended(&run(&sandbox, &["scale", "worker", "1"]).await, 0);
    // In whatever language.
    rows::execute(
        database.url(),
        "INSERT INTO sides.scale_requests (process, reason) VALUES ('worker', 'psql wants it')",
    )
    .await;
    let refused = "sides.actions WHERE action = 'scale refused' AND measured ->> 'rule' = 'person'
        AND reason LIKE '%psql wants it; but somebody set the number%'";
    wait_until("the wish is refused", PATIENCE, async || rows::count(database.url(), refused).await == 1)
        .await;
    rows::execute(
        database.url(),
        "INSERT INTO sides.scale_requests (process, reason) VALUES ('mail', 'much')",
    )
    .await;
    let off = "sides.actions WHERE subject = 'mail' AND reason LIKE '%name its range in SCALE%'";
    wait_until("another is told", PATIENCE, async || rows::count(database.url(), off).await == 1).await;
    assert_eq!(workers(&sandbox), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_are_recycled_when_it_is_time_and_never_during_a_release() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["worker", "clock"]).on(&database);
    let lock = format!("SELECT pg_advisory_lock({})", i64::from_be_bytes(*b"sidesrel"));
    let mut release = database.connect().await;
    diesel_async::SimpleAsyncConnection::batch_execute(&mut release, &lock).await.unwrap();
    let recycle = ("RECYCLE", "every 5 s jitter 1 s");
    let _host = started(&sandbox, &[recycle]).await;
    let first = sandbox.pid_of("worker").unwrap();
    let ticked = "sides.ticks WHERE schedule = 'ping_due_services'";
    let before = rows::count(database.url(), ticked).await;
    let later = async || rows::count(database.url(), ticked).await > before + 8;
    wait_until("the moment has passed", PATIENCE, later).await;
    assert_eq!(rows::count(database.url(), "sides.actions WHERE action = 'recycle'").await, 0);
    assert_eq!(sandbox.pid_of("worker"), Some(first));
    drop(release);
    let recycled = "sides.actions WHERE action = 'recycle' AND outcome LIKE 'done%'";
    wait_until("it is recycled", PATIENCE, async || rows::count(database.url(), recycled).await > 0).await;
    wait_until("another one runs", PATIENCE, async || sandbox.pid_of("worker") != Some(first)).await;
    let key = "sides.ticks WHERE schedule = 'recycle worker'";
    assert!(rows::count(database.url(), key).await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_plots_instances_and_delay() {
    let sandbox = Sandbox::with(&["worker"]);
    let said = run(&sandbox, &["scaling", "simulate", "burst", "--svg", "plot.svg"]).await;
    let said = ended(&said, 0);
    assert!(said.starts_with("instances\n") && said.contains("instance-hours"), "{said}");
    let plot = std::fs::read_to_string(sandbox.file("plot.svg")).unwrap();
    assert!(plot.starts_with("<svg ") && plot.contains("instances, up to 4"), "{plot}");
    std::fs::write(sandbox.file("jobs"), "0 5\n1.5 2\n").unwrap();
    let json = run(&sandbox, &["scaling", "simulate", "jobs", "--json"]).await;
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["jobs"], &json["most_instances"]), (&2.into(), &1.into()));
    let former = [("most_copies", "most_instances"), ("copy_hours", "instance_hours")];
    assert!(
        former.iter().all(|(former, name)| json[former] == json[name] && json[name].is_number()),
        "{json}"
    );
    assert_eq!(json["points"][0]["copies"], json["points"][0]["instances"]);
    std::fs::write(sandbox.file("jobs"), "0 5\nx 2\n").unwrap();
    let said = ended(&run(&sandbox, &["scaling", "simulate", "jobs"]).await, 1);
    assert!(said.contains("jobs:2: not SECOND DURATION"), "{said}");
    let said = ended(&run(&sandbox, &["scaling", "simulate", "flood"]).await, 1);
    assert!(said.contains("is not recorded, burst, step or day"), "{said}");
    let said = ended(&run(&sandbox, &["scaling", "simulate", "--copies", "4-1"]).await, 2);
    assert!(said.contains("as in 1-4"), "{said}");
}
