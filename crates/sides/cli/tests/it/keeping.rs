//! A clock is told which processes live at Heroku, where it may reach them.

use std::fs;

use simulator::{Heroku, Settings};
use testing::TestDatabase;

use crate::{
    host::Dev,
    programs,
    sandbox::{Sandbox, text},
    scaling::put,
};

const PLACE: &str = "[places.cloud]\nkind = \"heroku\"\nmost_dynos = 3\n[processes]\n\
                     worker = { place = \"cloud\", app = \"acme-worker\" }\n";

fn write(sandbox: &Sandbox, targets: &str) {
    fs::create_dir_all(sandbox.file("deploy")).unwrap();
    fs::write(sandbox.file("deploy/targets.toml"), targets).unwrap();
}

/// What a process of a sandbox has in its environment about Heroku.
fn about_heroku(sandbox: &Sandbox, process: &str) -> Vec<String> {
    let pid = sandbox.pid_of(process).unwrap();
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
    let all = environment.split(|byte| *byte == 0).map(|one| String::from_utf8_lossy(one).into_owned());
    let mut about: Vec<String> =
        all.filter(|one| one.starts_with("HEROKU_") && !one.starts_with("HEROKU_API_URL")).collect();
    about.sort();
    about
}

/// The same of a clock that a host with these variables started, and of its neighbour.
async fn told(variables: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["worker", "clock"]).on(&database);
    write(&sandbox, PLACE);
    let mut command = sandbox.sides(&["host", "--port", "0"]);
    command.env_remove("HEROKU_API_KEY").envs(variables.iter().copied());
    let mut host = Dev::start(command);
    host.says("clock has not been released yet").await;
    put(&sandbox, "clock", &programs::folder().join("clock")).await;
    // As before it moved away.
    put(&sandbox, "worker", &testing::example("sleeper")).await;
    (about_heroku(&sandbox, "clock"), about_heroku(&sandbox, "worker"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_tells_its_clock_what_the_targets_say_and_nobody_else_the_key() {
    let (nobody, key) = (("HEROKU_API_URL", "http://127.0.0.1:9"), ("HEROKU_API_KEY", "HRKU-4711"));
    let (clock, worker) = told(&[nobody, key]).await;
    let targets = ["HEROKU_API_KEY=HRKU-4711", "HEROKU_APPS=worker=acme-worker", "HEROKU_MOST_DYNOS=3"];
    assert_eq!((clock, worker), (targets.map(str::to_owned).to_vec(), vec!["HEROKU_API_KEY=".to_owned()]));
    let (clock, _) = told(&[nobody, key, ("HEROKU_APPS", "web=acme-web")]).await;
    assert_eq!(clock, ["HEROKU_API_KEY=HRKU-4711", "HEROKU_APPS=web=acme-web"], "a person's word counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_socket_is_for_who_listens_whatever_it_is_called() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["page", "web"]).on(&database);
    let mut host = Dev::start(sandbox.sides(&["host", "--port", "0"]));
    host.says("web has not been released yet").await;
    put(&sandbox, "web", &testing::example("sleeper")).await;
    put(&sandbox, "page", &programs::folder().join("web")).await;
    let socket = |process: &str| {
        let environment = fs::read(format!("/proc/{}/environ", sandbox.pid_of(process).unwrap())).unwrap();
        environment.split(|byte| *byte == 0).any(|one| one.starts_with(b"LISTEN_FD="))
    };
    assert_eq!((socket("page"), socket("web")), (true, false));
    let address = sandbox.status()["address"].as_str().unwrap().to_owned();
    let answer = crate::http::http().get(format!("{address}/api/summary")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_a_clock_starts_and_is_told_nothing() {
    assert_eq!(told(&[]).await, (Vec::new(), Vec::new()));
}

fn setup(sandbox: &Sandbox, heroku: &Heroku) -> String {
    let mut command = sandbox.sides(&["setup", "heroku", "--apply"]);
    command.env("HEROKU_API_URL", heroku.url()).env("HEROKU_API_KEY", heroku.token());
    let output = command.output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 5)), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_clock_at_heroku_is_told_once_a_person_gave_it_a_key() {
    let (sandbox, heroku) = (Sandbox::new(), Heroku::start(Settings::default()));
    write(&sandbox, &format!("{PLACE}clock = {{ place = \"cloud\", app = \"acme-clock\" }}\n"));
    let said = setup(&sandbox, &heroku);
    // Nothing was released yet: whose process will fire schedules is not known.
    let either = "-a APP`, where APP is the one of acme-clock, acme-worker whose process fires schedules";
    assert!(said.contains(either), "{said}");
    assert_eq!(heroku.config("acme-clock").get("HEROKU_APPS"), None, "it would not start");

    heroku.set("acme-clock", "HEROKU_API_KEY", "HRKU-of-the-clock");
    let said = setup(&sandbox, &heroku);
    assert!(said.contains("set HEROKU_APPS, HEROKU_MOST_DYNOS of acme-clock"), "{said}");
    let config = heroku.config("acme-clock");
    assert_eq!(config["HEROKU_APPS"], "clock=acme-clock,worker=acme-worker");
    assert_eq!(
        (&config["HEROKU_MOST_DYNOS"], &config["HEROKU_API_KEY"]),
        (&"3".into(), &"HRKU-of-the-clock".into())
    );
    assert_eq!(heroku.config("acme-worker").get("HEROKU_APPS"), None);
    let said = setup(&sandbox, &heroku);
    assert!(said.contains("Everything is in place.") && !said.contains("config:set"), "{said}");
    assert_eq!(heroku.breaches(), Vec::<String>::new());
}
