//! A simulated Heroku with web, worker and clock, for drills; the clock is the real one.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use deploy::drill::list::{Drill, Ends, MayFail, Mischief};
use manifest::Role;
use platform::prober::{Asked, Prober, RELEASE_HEADER, Seen, Visitor};
use serde_json::Value;
use simulator::{Fault, Heroku, Settings};
use testing::{Cable, TestDatabase};
use tokio::{task::AbortHandle, time};
use workspace::{
    Workspace,
    releases::{Digest, Record, Set, Store},
};

use crate::{
    cloud::{self, WEB, WORKER},
    programs::{self, SIDES},
    rehearsing::GREETS,
    releasing::ended,
    sandbox::{PATIENCE, Sandbox},
    toy,
};

const CLOCK: &str = "clock = { place = \"cloud\", app = \"acme-clock\" }\n";
/// What the clock enqueues, too.
const WORKS: &str = r#"{"manifest_version": 1, "process": "worker", "digest": "", "handles": {
    "greet": {"newest": 1, "oldest": 1}, "ping_due_services": {"newest": 1, "oldest": 1},
    "prune_history": {"newest": 1, "oldest": 1}, "roll_up_pings": {"newest": 1, "oldest": 1}}}"#;
const GREET: &str = "SELECT sides.enqueue('greet', '{\"id\": 0}', version => 1)";
const PAGE: &str = "http://acme-web.herokuapp.com/";
const BETWEEN: Duration = Duration::from_millis(100);
/// Few, beside those of the release: of the answers that go wrong now and then it must meet one.
const PAUSE: Duration = Duration::from_millis(400);
/// For how long what is away is away, as the rows say.
const POSTGRES_AWAY: Duration = Duration::from_secs(6);
const PLACE_AWAY: Duration = Duration::from_secs(8);
/// For how long new builds are watched, in seconds. What is bad is seen before.
const BAKE_OF_BAD: &str = "60";
const BAKE: &str = "3";
const RELEASE_LIMIT: Duration = Duration::from_secs(240);

pub(crate) struct Stage {
    sandbox: Sandbox,
    heroku: Heroku,
    cable: Cable,
    store: Store,
    good: Set,
    load: AbortHandle,
    _database: TestDatabase,
}

impl Stage {
    /// With good builds that serve, and jobs that are enqueued all the time.
    pub(crate) async fn set() -> Self {
        let database = TestDatabase::create().await;
        let cable = Cable::to(database.url()).await;
        let sandbox = Sandbox::with(&["web", "worker", "clock"]).at(cable.url());
        toy::write_workspace(&sandbox);
        toy::write_program(&sandbox, "web", &toy::program_that_says("one", GREETS));
        toy::write_program(&sandbox, "worker", &toy::program_that_says("one", WORKS));
        cloud::write_targets(&sandbox, &format!("{WEB}{WORKER}{CLOCK}"));
        let boot_limit = Duration::from_secs(8);
        let settings = Settings { database_url: cable.url().expose(), boot_limit, ..Settings::default() };
        let heroku = Heroku::start(settings);
        let store = Store::open(&Workspace::find(Some(sandbox.path().as_path())).unwrap()).unwrap();
        let client = database::client(database.url()).await.unwrap();
        let load = tokio::spawn(async move {
            while client.execute(GREET, &[]).await.is_ok() {
                time::sleep(BETWEEN).await;
            }
        });
        let load = load.abort_handle();
        let mut stage = Self { sandbox, heroku, cable, store, good: Set::new(), load, _database: database };
        let setup = stage.run(&["setup", "heroku", "--apply"]).await;
        // A clock without a key is worth a word.
        assert!(matches!(setup.status.code(), Some(0 | 5)), "{setup:?}");
        ended(&stage.run(&["release", "--only", "worker", "--only", "web", "--bake", "0"]).await, 0);
        let clock = stage.keep("clock", &programs::folder().join("clock"));
        ended(&stage.run(&["release", "--build", clock.as_str(), "--bake", "0"]).await, 0);
        let parsed = |one: &Value| Digest::parse(one["release"].as_str()?);
        let instances = stage.instances().await;
        let known =
            instances.iter().map(|one| (one["process"].as_str().unwrap().to_owned(), parsed(one).unwrap()));
        stage.good = known.collect();
        assert_eq!(stage.good.len(), 3, "{instances:?}");
        stage
    }

    pub(crate) fn strike(self) {
        self.load.abort();
        assert_eq!(self.heroku.breaches(), Vec::<String>::new());
    }

    /// How it ended, and what was not as it must be.
    pub(crate) async fn play(&self, drill: &Drill) -> (String, Vec<String>) {
        let process = match drill.role {
            Role::Listens => "web",
            Role::Works => "worker",
            Role::Fires => "clock",
        };
        let moment = self.sandbox.file(&format!("{}.when", drill.name));
        let bad = self.stand_in(process, drill, &moment);
        let clients = Prober::of([Box::new(Client::new(&self.heroku)) as Box<dyn Visitor>], PAUSE);
        let mut faults = Vec::new();
        let (mut code, mut said) = self.release(drill, &bad, &moment).await;
        let mut expected = self.good.clone();
        match drill.ends {
            Ends::Undone => {}
            Ends::RolledBack => (code, said) = self.rolled_back("1").await,
            Ends::Released => drop(expected.insert(process.to_owned(), bad)),
        }
        let wanted = if drill.ends == Ends::Undone { 6 } else { 0 };
        if code != Some(wanted) {
            faults.push(format!("ended with {code:?} instead of {wanted}: {}", last_words(&said)));
        }
        faults.extend(self.serve(&expected).await);
        if drill.ends == Ends::Released {
            let (code, said) = self.rolled_back("0").await;
            if code != Some(0) {
                faults.push(format!("the rollback ended with {code:?}: {}", last_words(&said)));
            }
            faults.extend(self.serve(&self.good).await);
        }
        let seen = clients.end().await;
        faults.extend(unexpected(drill, &seen));
        let receipt: Option<Value> = serde_json::from_slice(&fs::read(&said).unwrap()).ok();
        match &receipt {
            None => faults.push("there is no receipt".to_owned()),
            Some(receipt) => {
                let is_whole = receipt["jobs"]["lost"] == 0 && receipt["ticks"]["missed"] == 0;
                if !is_whole {
                    faults.push(format!("jobs or ticks: {} {}", receipt["jobs"], receipt["ticks"]));
                }
            }
        }
        let outcome = receipt.map(|receipt| receipt["outcome"].to_string()).unwrap_or_default();
        (format!("{outcome}, {} of {} requests failed", seen.failed(), seen.all()), faults)
    }

    /// Releases it, and does beside it what the row says: the exit code, and the file with the receipt.
    async fn release(&self, drill: &Drill, bad: &Digest, moment: &Path) -> (Option<i32>, PathBuf) {
        let bake = if drill.ends == Ends::Undone { BAKE_OF_BAD } else { BAKE };
        if drill.mischief == Mischief::PlaceFails {
            self.heroku.inject_at("/slugs", Fault::TooMany);
            self.heroku.inject_at("/releases", Fault::Down);
            self.heroku.inject_at("/releases", Fault::LostAnswer);
        }
        let (mut command, said) =
            self.command(drill.name, &["release", "--build", bad.as_str(), "--bake", bake]);
        let mut child = command.spawn().unwrap();
        let (begun, mut is_wrong) = (Instant::now(), false);
        loop {
            tokio::select! {
                status = child.wait() => return (status.unwrap().code(), said),
                () = time::sleep(BETWEEN) => {}
            }
            if !is_wrong && self.is_watched() {
                is_wrong = true;
                fs::write(moment, "").unwrap();
                match drill.mischief {
                    Mischief::CommandKilled => child.start_kill().unwrap(),
                    Mischief::PostgresAway => {
                        self.cable.hold();
                        time::sleep(POSTGRES_AWAY).await;
                        self.cable.mend();
                    }
                    Mischief::PlaceAway => {
                        self.heroku.be_away(true);
                        time::sleep(PLACE_AWAY).await;
                        self.heroku.be_away(false);
                    }
                    _ => {}
                }
            }
            if begun.elapsed() > RELEASE_LIMIT {
                child.start_kill().unwrap();
            }
        }
    }

    fn is_watched(&self) -> bool {
        let release = self.store.interrupted().unwrap();
        release.is_some_and(|release| release.is_watched(&Default::default()))
    }

    async fn rolled_back(&self, bake: &str) -> (Option<i32>, PathBuf) {
        let (mut command, said) = self.command("rollback", &["rollback", "--bake", bake]);
        (command.status().await.unwrap().code(), said)
    }

    /// Waits until exactly these builds run and web answers; what is missing in the end.
    async fn serve(&self, expected: &Set) -> Option<String> {
        let begun = Instant::now();
        loop {
            let instances = self.instances().await;
            let runs = |(process, digest): (&String, &Digest)| {
                let mut of_it = instances.iter().filter(|one| one["process"] == process.as_str()).peekable();
                let is_it = |one: &Value| one["release"] == digest.as_str() && one["state"] == "healthy";
                of_it.peek().is_some() && of_it.all(is_it)
            };
            let answers = Client::new(&self.heroku).ask().await.failure.is_none();
            if answers && expected.iter().all(runs) {
                return None;
            }
            if begun.elapsed() > PATIENCE {
                return Some(format!("the expected builds {expected:?} do not serve: {instances:?}"));
            }
            time::sleep(BETWEEN).await;
        }
    }

    async fn instances(&self) -> Vec<Value> {
        let output = self.run(&["ps", "--json"]).await;
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// A build that stands in for the good one.
    fn stand_in(&self, process: &str, drill: &Drill, moment: &Path) -> Digest {
        let good = self.store.program(process, &self.good[process]).unwrap();
        let script = format!(
            "#!/bin/sh\n# {}\nexec '{SIDES}' stand-in --fault {} --when '{}' --program '{}' -- \"$@\"\n",
            drill.name,
            drill.fault,
            moment.display(),
            good.display()
        );
        let file = self.sandbox.file("built");
        fs::write(&file, script).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        self.keep(process, &file)
    }

    fn keep(&self, process: &str, file: &Path) -> Digest {
        let record = Record {
            program: process.to_owned(),
            arguments: Vec::new(),
            commit: None,
            dirty: false,
            built_at: chrono::Utc::now(),
            inputs: None,
        };
        self.store.keep(process, &record, file).unwrap()
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.sides(arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    fn sides(&self, arguments: &[&str]) -> Command {
        cloud::with_heroku(self.sandbox.sides(arguments), &self.heroku)
    }

    /// With its receipt in a file, and what it says beside in another.
    fn command(&self, name: &str, arguments: &[&str]) -> (tokio::process::Command, PathBuf) {
        let said = self.sandbox.file(&format!("{name}.json"));
        let mut command = self.sides(arguments);
        command.arg("--json").stdout(Stdio::from(fs::File::create(&said).unwrap()));
        command.stderr(Stdio::from(fs::File::create(said.with_extension("err")).unwrap()));
        let mut command = tokio::process::Command::from(command);
        command.kill_on_drop(true);
        (command, said)
    }
}

/// Failures that the row does not explain. Without preboot a web is away while its dyno starts: its router says so.
fn unexpected(drill: &Drill, seen: &Seen) -> Option<String> {
    let is_explained = |failure: &str| match failure {
        "answered 500" => drill.may_fail == MayFail::AnsweredByBadBuild,
        _ => drill.role == Role::Listens || drill.may_fail == MayFail::WhileAway,
    };
    let odd: Vec<_> = seen.failures.iter().filter(|(failure, _)| !is_explained(failure)).collect();
    (!odd.is_empty()).then(|| format!("requests failed unexpectedly: {odd:?}"))
}

fn last_words(said: &Path) -> String {
    let text = fs::read_to_string(said.with_extension("err")).unwrap_or_default();
    let last: Vec<&str> = text.lines().rev().take(6).collect();
    last.into_iter().rev().collect::<Vec<_>>().join(" | ")
}

/// A strict visitor behind the router.
struct Client(reqwest::Client);

impl Client {
    fn new(heroku: &Heroku) -> Self {
        let proxy = reqwest::Proxy::http(heroku.router()).unwrap();
        let client = reqwest::Client::builder().proxy(proxy).retry(reqwest::retry::never());
        Self(client.build().unwrap())
    }
}

#[async_trait]
impl Visitor for Client {
    async fn ask(&mut self) -> Asked {
        let answer = match self.0.get(PAGE).send().await {
            Ok(answer) => answer,
            Err(error) => return Asked::unanswered(error.to_string()),
        };
        let status = answer.status().as_u16();
        let release = answer.headers().get(RELEASE_HEADER).and_then(|name| name.to_str().ok());
        let release = release.map(str::to_owned);
        let failure = match answer.bytes().await {
            Err(error) => Some(error.to_string()),
            Ok(_) => (status != 200).then(|| format!("answered {status}")),
        };
        Asked { release, failure }
    }
}
