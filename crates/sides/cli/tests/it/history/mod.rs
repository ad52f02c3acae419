//! A history of changes, merged one after the other: the pipeline's own commands build and release what they should,
//! in order, and nothing else.
//!
//! `cargo test -p sides-cli --test it history -- --nocapture` prints how long each took, and what was built for nothing.

mod pipeline;
mod runbook;
mod runner;
mod toy;

use std::{fs, time::SystemTime};

use serde_json::Value;
use testing::TestDatabase;

use crate::{
    host::Dev,
    release_faults::{steps, until_stage},
    releasing::{shown, start_host},
    rows,
    sandbox::{Sandbox, text},
};
use pipeline::Job;
use runner::{Ran, Runner};
use toy::{Application, GREET, MODELS};

const PROCESSES: [&str; 2] = ["web", "worker"];

struct History {
    sandbox: Sandbox,
    application: Application,
    github: Job,
    gitlab: Job,
    _host: Dev,
    database: TestDatabase,
    told: Vec<Merge>,
}

/// What one merge came to.
struct Merge {
    what: &'static str,
    built: usize,
    released: usize,
    ran: Ran,
}

impl History {
    /// A host that runs nothing yet; the settings are where the pipelines look for them.
    async fn begin() -> Self {
        let database = TestDatabase::create().await;
        let sandbox = Sandbox::with(&PROCESSES).on(&database);
        let application = Application::write(&sandbox);
        fs::create_dir(sandbox.file("etc")).unwrap();
        let settings = format!("OTHER=1\nDATABASE_URL={}\n", database.url().expose());
        fs::write(sandbox.file("etc/sides.env"), settings).unwrap();
        let mut host = start_host(&sandbox);
        host.says("web has not been released yet").await;
        let (github, gitlab) = (pipeline::github("release"), pipeline::gitlab());
        Self { sandbox, application, github, gitlab, _host: host, database, told: Vec::new() }
    }

    fn built_at(&self) -> [Option<SystemTime>; 2] {
        PROCESSES.map(|name| {
            let built = self.sandbox.file("target/release").join(name).metadata();
            built.and_then(|built| built.modified()).ok()
        })
    }

    async fn receipts(&self) -> i64 {
        rows::count(self.database.url(), "sides.releases").await
    }

    async fn last_receipt(&self) -> Value {
        let query = "SELECT receipt::text AS word FROM sides.releases ORDER BY id DESC LIMIT 1";
        serde_json::from_str(&rows::word(self.database.url(), query).await.unwrap()).unwrap()
    }

    /// `expected` are the steps that the pipeline takes, in order.
    async fn merge(&mut self, what: &'static str, expected: &[&str]) {
        self.application.commit(what);
        let (built, receipts) = (self.built_at(), self.receipts().await);
        let ran = Runner::new(&self.sandbox, &self.github, 0).run(&self.github, true);
        assert_eq!(ran.failed_at, None, "{what}: {}", ran.said);
        assert!(
            ran.summary.starts_with("## Release plan: ") && ran.summary.contains("### Receipt"),
            "{what}: {}",
            ran.summary
        );
        if self.receipts().await == receipts {
            assert_eq!(expected, [""; 0], "{what}: nothing was released: {}", ran.said);
        } else {
            let receipt = self.last_receipt().await;
            assert_eq!(taken(&receipt), expected, "{what}: {}", ran.said);
            assert_eq!(receipt["outcome"], "released", "{what}: {receipt}");
            // Web was there all the time.
            assert!(receipt["requests"].is_null() || receipt["requests"]["failed"] == 0, "{what}: {receipt}");
        }
        let built = self.built_at().iter().zip(&built).filter(|(now, before)| now != before).count();
        let released = expected.iter().filter(|step| step.starts_with("replaced")).count();
        self.told.push(Merge { what, built, released, ran });
    }

    /// The same again, as another pipeline types it: what runs already is not released twice.
    async fn again(&self, job: &Job) {
        let (built, receipts) = (self.built_at(), self.receipts().await);
        let ran = Runner::new(&self.sandbox, job, 0).run(job, true);
        assert_eq!(ran.failed_at, None, "{}", ran.said);
        assert_eq!(self.receipts().await, receipts, "{}", ran.said);
        assert_eq!(self.built_at(), built, "{}", ran.said);
    }

    /// A pull request that must not be merged: the step that says so, and what it says; then what the runbook has people
    /// type. Nothing is changed.
    async fn refuse(&self, what: &str) -> (String, Ran) {
        self.application.commit(what);
        let (before, receipts) = (self.sandbox.status()["releases"].clone(), self.receipts().await);
        let ran = Runner::new(&self.sandbox, &self.github, 0).run(&self.github, false);
        assert_eq!(self.sandbox.status()["releases"], before);
        assert_eq!(self.receipts().await, receipts);
        let commands = runbook::typed("### A release was refused");
        assert_eq!(commands, ["sides plan --why worker", pipeline::CHECK]);
        runbook::ends(&self.sandbox, &commands[0], 8);
        self.application.forget();
        (ran.failed_at.clone().unwrap_or_else(|| panic!("{what} is not refused: {}", ran.said)), ran)
    }

    /// Cut off, gone on with, taken back and taken forward again.
    async fn cancel_and_go_back(&self) {
        let (sandbox, releases) = (&self.sandbox, || self.sandbox.status()["releases"].clone());
        self.application.put_web("last", "paint::COLOUR");
        self.application.put_worker("last");
        self.application.commit("cancelled in the middle");
        let before = releases();
        let mut release = Runner::new(sandbox, &self.github, 120).begin_last(&self.github);
        until_stage(sandbox, "replace worker", "done").await;
        // As GitHub cancels a run: Ctrl-C for its step.
        release.interrupt();
        assert!(!release.ended().await.success());
        assert!(!steps(sandbox).is_empty(), "it came to its end");

        sandbox.wait_until_green().await;
        let night = runbook::typed("### A release failed at night");
        assert_eq!(night, ["sides status", "sides logs web -n 200", "sides release", "sides rollback"]);
        runbook::ends(sandbox, &night[0], 0);
        assert!(runbook::ends(sandbox, &night[1], 0).contains("it begins"));
        let ran = Runner::new(sandbox, &self.github, 0).run(&self.github, true);
        assert!(
            ran.failed_at.is_none() && ran.said.contains("the last release was interrupted"),
            "{}",
            ran.said
        );
        assert_eq!(shown(sandbox).await, "last of red");
        assert_eq!((steps(sandbox), &self.last_receipt().await["outcome"]), (vec![], &"released".into()));
        self.again(&self.gitlab).await;

        let last = releases();
        let back = runbook::typed("### Back");
        assert_eq!(back, ["sides rollback"]);
        for expected in [before, last] {
            // What it waits for beside is in other tests.
            runbook::ends(sandbox, &format!("{} --bake 0", back[0]), 0);
            assert_eq!(releases(), expected);
        }
    }

    fn tell(&self) {
        println!(
            "{:44} {:>5} {:>8} {:>7} {:>7} {:>9}",
            "merge", "built", "released", "plan s", "build s", "release s"
        );
        for Merge { what, built, released, ran: Ran { seconds, .. } } in &self.told {
            let [plan, build, release] = ["Plan", "Build", "Release"].map(|step| seconds[step]);
            println!("{what:44} {built:5} {released:8} {plan:7.1} {build:7.1} {release:9.1}");
        }
        let sum = |of: fn(&Merge) -> usize| self.told.iter().map(of).sum::<usize>();
        let all = self.told.len() * PROCESSES.len();
        println!("of {all}: {} built, {} released", sum(|one| one.built), sum(|one| one.released));
    }
}

/// The steps of a receipt that replaced or migrated something.
fn taken(receipt: &Value) -> Vec<&str> {
    let steps = receipt["steps"].as_array().unwrap().iter().map(|step| step["what"].as_str().unwrap());
    let steps = steps.filter(|what| what.starts_with("replaced") || what.starts_with("migrated"));
    steps.map(|what| what.split(':').next().unwrap()).collect()
}

fn tables(columns: &[&str]) -> String {
    let columns: Vec<String> = columns.iter().map(|name| format!("{name:?}: \"text\"")).collect();
    let tables = format!(r#", "tables": {{"people": {{"columns": {{{}}}}}}}"#, columns.join(", "));
    MODELS.replace("= \"\";", &format!("= r##\"{tables}\"##;"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_merge_releases_exactly_what_it_should() {
    let mut history = History::begin().await;
    history.merge("the first one", &["replaced worker", "replaced web"]).await;
    let said = &history.told[0].ran.said;
    assert!(said.contains(&format!("::add-mask::{}", history.database.url().expose())), "{said}");
    history.again(&history.github).await;

    history.application.put_worker("another handler");
    history.merge("a handler", &["replaced worker"]).await;

    let second = GREET.replace("\"greet\": 1", "\"greet\": 2").replace("\"newest\": 1", "\"newest\": 2");
    history.application.put("crates/jobs/src/greet.rs", &second);
    history.merge("a contract", &["replaced worker", "replaced web"]).await;

    history.application.put("README.md", "Text.\n");
    history.application.put("crates/models/tests/it.rs", "#[test]\nfn it() {}\n");
    history.application.append("crates/jobs/src/greet.rs", "// More of it.\n");
    history.merge("a document, a test and a comment", &[]).await;

    history.application.put("crates/models/src/lib.rs", &MODELS.replace("id + 1", "id + 2"));
    history.merge("what the worker alone uses of the models", &["replaced worker"]).await;

    history.application.put_package("paint", "");
    history.application.put("crates/paint/src/lib.rs", "pub const COLOUR: &str = \"red\";\n");
    history.application.append("crates/web/Cargo.toml", "paint = { path = \"../paint\" }\n");
    history.application.put_web("one", "paint::COLOUR");
    history.application.lock();
    history.merge("a dependency", &["replaced web"]).await;
    assert_eq!(shown(&history.sandbox).await, "one of red");

    let (expand, contract) = ("2027-01-01-000100_people", "2027-01-01-000200_no_nicknames");
    let table = "CREATE TABLE people (id bigint PRIMARY KEY, name text, nickname text);\n";
    history.application.put_migration(expand, table, "DROP TABLE people;\n");
    history
        .application
        .put("crates/models/src/lib.rs", &tables(&["name", "nickname"]).replace("id + 1", "id + 2"));
    history.merge("a model, expanded", &[&format!("migrated {expand}"), "replaced web"]).await;

    let down = "ALTER TABLE people ADD COLUMN nickname text;\n";
    history.application.put_migration(contract, "ALTER TABLE people DROP COLUMN nickname;\n", down);
    history.application.put("crates/models/src/lib.rs", &tables(&["name"]).replace("id + 1", "id + 2"));
    history.merge("a model, contracted", &["replaced web", &format!("migrated {contract}")]).await;

    let renamed = second
        .replace("\"greet\"", "\"welcome\"")
        .replace("\"oldest\": 1", "\"oldest\": 1, \"aliases\": [\"greet\"]");
    history.application.put("crates/jobs/src/greet.rs", &renamed);
    history.merge("a job, renamed", &["replaced worker", "replaced web"]).await;

    history.application.put("Procfile.worker", "worker: worker --quick\n");
    history.merge("another way to start", &["replaced worker"]).await;
    history.again(&history.gitlab).await;

    // No needless release, and none missed; what was built for nothing is what a guess cannot know.
    let needless = |one: &Merge| one.built.saturating_sub(one.released);
    let guessed: Vec<_> = history.told.iter().filter(|one| needless(one) > 0).map(|one| one.what).collect();
    let shared = [
        "a document, a test and a comment",
        "what the worker alone uses of the models",
        "a model, expanded",
        "a model, contracted",
    ];
    assert_eq!(guessed, shared);

    history.application.put_migration(
        "2027-01-01-000300_now",
        "CREATE INDEX people_name ON people (name);\n",
        "DROP INDEX people_name;\n",
    );
    let unsafe_one = runbook::run(&history.sandbox, &format!("GITHUB_ACTIONS=true {}", pipeline::CHECK));
    let said = text(&unsafe_one.stdout) + &text(&unsafe_one.stderr);
    assert!(!unsafe_one.status.success(), "{said}");
    let shown_at = "migrations/2027-01-01-000300_now/up.sql,line=1,title=must not run as it is::";
    assert!(said.contains("::error file=") && said.contains(shown_at), "{said}");
    fs::remove_dir_all(history.sandbox.file("runner/migrations/2027-01-01-000300_now")).unwrap();

    history.application.put(&format!("migrations/{expand}/up.sql"), &table.replace("nickname", "alias"));
    let (step, ran) = history.refuse("a migration that is applied").await;
    let shown_at = format!("::error file=migrations/{expand}/up.sql,line=1,title=the release is refused::");
    assert!(step == "Plan" && ran.said.contains(&shown_at), "{step}: {}", ran.said);
    assert!(ran.summary.starts_with("## Release plan: refused"), "{}", ran.summary);

    let farewell =
        "pub const KIND: &'static str = \"farewell\";\npub const ENQUEUED: &str = r#\"\"farewell\": 1\"#;\n";
    history.application.put("crates/jobs/src/farewell.rs", farewell);
    history.application.append("crates/jobs/src/lib.rs", "pub mod farewell;\n");
    let web = fs::read_to_string(history.sandbox.file("runner/crates/web/src/main.rs")).unwrap();
    history.application.put("crates/web/src/main.rs", &web.replace("jobs::greet::", "jobs::farewell::"));
    let (step, ran) = history.refuse("a job that nobody works").await;
    let shown_at = "::error file=crates/jobs/src/farewell.rs,line=1,title=the release is refused::web@";
    assert!(step == "Build" && ran.said.contains(shown_at), "{step}: {}", ran.said);
    assert!(
        ran.summary.contains("enqueues farewell (version 1), which no release handles"),
        "{}",
        ran.summary
    );

    history.cancel_and_go_back().await;
    runbook::pack_the_worker(&history.sandbox);
    history.tell();
}
