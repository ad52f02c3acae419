//! `sides jobs`: what a person sees of jobs and does to them.

use std::process::Output;

use serde_json::Value;
use testing::TestDatabase;

use crate::{
    rows,
    sandbox::{Sandbox, text},
};

const WORKER: &str = "aaaaaaaa-0000-0000-0000-000000000000";

/// A database with one job in each state.
struct Scene {
    sandbox: Sandbox,
    database: TestDatabase,
}

impl Scene {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let scene = Self { sandbox: Sandbox::with(&["worker"]).on(&database), database };
        // Failed for good, parked, running, waiting, done.
        for (what, end) in [
            ("fails", "sides.fail(worker, job, lease, 'no luck' || chr(27) || '[2J', max_attempts => 1)"),
            ("odd", "sides.park(worker, job, lease, 'odd arguments')"),
            ("done", "sides.complete(worker, job, lease)"),
            ("runs", "true"),
        ] {
            scene.sql(&format!(
                "SELECT sides.enqueue('report', '{{\"secret\": \"s3\"}}', tags => ARRAY['{what}'], queue => 'slow')"
            ))
            .await;
            scene
                .sql(&format!(
                    "SELECT {end} FROM (SELECT '{WORKER}'::uuid AS worker, job, lease \
                 FROM sides.claim('{WORKER}', '{{report}}', release => 'worker@c3d4')) AS claimed"
                ))
                .await;
        }
        scene.sql("SELECT sides.enqueue('mail')").await;
        scene
    }

    async fn sql(&self, sql: &str) {
        rows::execute(&self.database.url().with_application_name("web@a1b2"), sql).await;
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.sandbox.run(&[&["jobs"], arguments].concat())
    }

    fn said(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    /// The jobs of a list, by id.
    fn ids(&self, arguments: &[&str]) -> Vec<String> {
        let list = self.json(&[&["list"], arguments].concat());
        list.as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    }

    fn id(&self, tag: &str) -> String {
        let mut ids = self.ids(&["--tag", tag]);
        assert_eq!(ids.len(), 1, "{tag}");
        ids.remove(0)
    }

    fn state(&self, id: &str) -> String {
        self.json(&["show", id])["job"]["state"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_and_one_is_shown_with_its_whole_life() {
    let scene = Scene::new().await;
    let list = scene.said(&["list"], 0);
    assert_eq!(list.lines().count(), 5, "{list}");
    for expected in ["failed", "parked", "runs", "waits for a worker that knows its kind", "no luck"] {
        assert!(list.contains(expected), "{expected}: {list}");
    }
    assert!(!list.contains('\u{1b}'), "neither colours nor what an error smuggles in: {list:?}");
    for (arguments, count) in [
        (&["--kind", "report"][..], 3),
        (&["--queue", "default"], 1),
        (&["--state", "failed"], 1),
        (&["--state", "finished"], 1),
        (&["--state", "finished", "--kind", "mail"], 0),
        (&["--tag", "odd"], 1),
        (&["--count", "2"], 2),
    ] {
        assert_eq!(scene.ids(arguments).len(), count, "{arguments:?}");
    }
    let failed = scene.id("fails");
    let shown = scene.said(&["show", &failed], 0);
    for expected in ["report", "failed", "by web@a1b2", "no luck", "worker@c3d4", &format!("retry {failed}")]
    {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert!(!shown.contains("s3"), "arguments are shown when they are asked for: {shown}");
    assert!(scene.said(&["show", &failed, "--arguments"], 0).contains("s3"));
    let finished = &scene.ids(&["--state", "finished"])[0];
    let life = scene.json(&["show", finished]);
    assert_eq!(life["job"]["state"], "finished");
    assert_eq!(life["attempts"][0]["release"], "worker@c3d4");
    assert!(life["attempts"][0]["duration_us"].is_i64());

    let kinds = scene.json(&["kinds"]);
    assert_eq!(kinds[1]["kind"], "report");
    let counts: Vec<_> = ["ready", "running", "failed", "parked"].map(|name| &kinds[1][name]).to_vec();
    assert_eq!(counts, [0, 1, 1, 1]);
    assert!(scene.said(&["kinds"], 0).contains("no running worker knows it"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_does_to_jobs_is_done_and_written_down() {
    let scene = Scene::new().await;
    let [failed, parked, runs] = ["fails", "odd", "runs"].map(|tag| scene.id(tag));
    assert!(scene.said(&["retry", &failed, "--reason", "it is mended"], 0).contains("will be tried again"));
    assert_eq!(scene.state(&failed), "waits");
    assert!(scene.said(&["retry", &failed], 1).contains("its state is waits"));
    assert!(scene.said(&["unpark", "--kind", "report"], 0).contains("waits for a worker again"));
    assert_eq!(scene.state(&parked), "waits");
    assert!(scene.said(&["unpark", "--kind", "report"], 5).contains("no matching job is parked"));

    assert!(scene.said(&["discard", &runs], 1).contains("its state is runs"));
    scene.said(&["cancel", &runs, "--reason", "no need"], 0);
    let told = format!("SELECT cancelled AS word FROM sides.extend('{WORKER}')");
    assert_eq!(rows::word(scene.database.url(), &told).await.as_deref(), Some("no need"));
    let done = scene.json(&["cancel", &failed, "00000000-0000-0000-0000-000000000000"]);
    assert_eq!((&done["done"][0], &done["left"][0]["state"]), (&failed.as_str().into(), &"unknown".into()));
    assert_eq!(scene.state(&failed), "cancelled");
    scene.said(&["discard", &parked], 0);
    assert_eq!(scene.json(&["show", &parked])["job"]["state"], "discarded");

    assert!(scene.said(&["pause", "--kind", "mail"], 0).contains("resume --kind mail"));
    assert!(scene.said(&["pause", "--kind", "mail"], 0).contains("is already paused"));
    let mail = &scene.ids(&["--kind", "mail"])[0];
    assert!(scene.said(&["show", mail], 0).contains("next: sides jobs resume --kind mail"));
    assert!(scene.said(&["kinds"], 0).contains("paused"));
    assert_eq!(scene.json(&["resume", "--kind", "mail"])["changed"], true);
    assert_eq!(scene.json(&["resume", "--kind", "mail"])["changed"], false);

    let ledger = "SELECT string_agg(action, ', ' ORDER BY id) AS word FROM sides.actions \
        WHERE subject = 'jobs' AND asked_by LIKE '%@%' AND measured ->> 'count' = '1'";
    assert_eq!(
        rows::word(scene.database.url(), ledger).await.as_deref(),
        Some("retry jobs, unpark jobs, cancel jobs, cancel jobs, discard jobs, pause jobs, resume jobs")
    );
    let reason = "SELECT reason AS word FROM sides.actions ORDER BY id LIMIT 1";
    assert_eq!(rows::word(scene.database.url(), reason).await.as_deref(), Some("it is mended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_says_what_to_do() {
    let scene = Scene::new().await;
    let nobody = "00000000-0000-0000-0000-000000000000";
    for (arguments, code, expected) in [
        (&["show", nobody][..], 1, "JOB_HISTORY_DAYS"),
        (&["retry", nobody], 1, "sides jobs list"),
        (&["show", "seven"], 2, "seven"),
        (&["retry"], 2, "--kind"),
        (&["cancel", nobody, "--kind", "mail"], 2, "cannot be used with"),
        (&["pause"], 2, "--queue"),
        (&["pause", "--queue", "a", "--kind", "b"], 2, "cannot be used with"),
        (&["list", "--state", "odd"], 2, "parked"),
    ] {
        let said = scene.said(arguments, code);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    scene.sql("DROP FUNCTION sides.retry_jobs").await;
    assert!(scene.said(&["retry", "--kind", "report"], 1).contains("sides migration up"));
}
