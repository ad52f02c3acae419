//! `sides setup heroku` and `deploy/targets.toml`, against a simulated Heroku.

use std::fs;

use serde_json::Value;
use simulator::{Heroku, Settings};

use crate::{
    sandbox::{Sandbox, text},
    schemas,
};

const TARGETS: &str = "[places.cloud]\nkind = \"heroku\"\npreboot = true\n[processes]\n\
                       web = { place = \"cloud\", app = \"acme-web\" }\n\
                       worker = { place = \"cloud\", app = \"acme-worker\" }\n";

fn write(sandbox: &Sandbox, targets: &str) {
    fs::create_dir_all(sandbox.file("deploy")).unwrap();
    fs::write(sandbox.file("deploy/targets.toml"), targets).unwrap();
}

fn setup(sandbox: &Sandbox, heroku: &Heroku, arguments: &[&str]) -> (i32, String, String) {
    let mut command = sandbox.sides(&[&["setup", "heroku"], arguments].concat());
    command.env("HEROKU_API_URL", heroku.url()).env("HEROKU_API_KEY", heroku.token());
    command.env("ADMIN_TOKEN", "a-secret-of-the-admin");
    let output = command.output().unwrap();
    schemas::hold(&[&["setup", "heroku"], arguments].concat(), &output.stdout);
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_plan_is_shown_then_made_and_then_there_is_nothing_to_do() {
    let (sandbox, heroku) = (Sandbox::new(), Heroku::start(Settings::default()));
    write(&sandbox, TARGETS);
    let (code, said, _) = setup(&sandbox, &heroku, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("create the app acme-web in eu") && said.contains("setup heroku --apply"),
        "{said}"
    );
    assert!(heroku.seen().iter().all(|one| one.method == "GET"), "looking changed something");
    let (code, json, progress) = setup(&sandbox, &heroku, &["--apply", "--json"]);
    assert_eq!(code, 0, "{progress}");
    let made: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&made["applied"], made["steps"].as_array().unwrap().len()), (&true.into(), 7), "{json}");
    assert!(!(json + &progress).contains("a-secret-of-the-admin"));
    assert_eq!(heroku.config("acme-web")["ADMIN_TOKEN"], "a-secret-of-the-admin");
    assert_eq!(heroku.config("acme-worker").get("ADMIN_TOKEN"), None, "only web signs people in");
    let (code, said, _) = setup(&sandbox, &heroku, &["--apply"]);
    assert_eq!((code, said.trim()), (5, "Everything is in place."));
    assert_eq!(heroku.breaches(), Vec::<String>::new());
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let (sandbox, heroku) = (Sandbox::new(), Heroku::start(Settings::default()));
    let (code, _, said) = setup(&sandbox, &heroku, &[]);
    assert!(code == 1 && said.contains("deploy/targets.example.toml"), "{said}");
    write(&sandbox, "[processes]\nweb = { place = \"moon\" }\n");
    let (code, _, said) = setup(&sandbox, &heroku, &[]);
    assert!(code == 1 && said.contains("deploy/targets.toml: web runs at \"moon\""), "{said}");
    write(&sandbox, TARGETS);
    let mut command = sandbox.sides(&["setup", "heroku"]);
    command.env("HEROKU_API_URL", heroku.url()).env_remove("HEROKU_API_KEY");
    let said = text(&command.output().unwrap().stderr);
    assert!(said.contains("HEROKU_API_KEY is not set"), "{said}");
    command.env("HEROKU_API_KEY", "HRKU-wrong-4711");
    let said = text(&command.output().unwrap().stderr);
    assert!(said.contains("is not accepted") && !said.contains("4711"), "{said}");
}

/// A worker that Heroku runs, released by the library.
async fn released(sandbox: &Sandbox, heroku: &Heroku) {
    use platform::place::{Bundle, BundleFile, Place as _, Why};
    heroku.create_app("acme-web");
    heroku.create_app("acme-worker");
    let script = sandbox.file("worker-script");
    fs::write(&script, "#!/bin/sh\nexec sleep 1000\n").unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let client =
        heroku::Client::new(&heroku.url(), heroku::Token::new(heroku.token()), reqwest::Client::new());
    let pace = std::time::Duration::from_millis(50);
    let apps = [("worker".to_owned(), "acme-worker".to_owned())].into();
    let settings = heroku::Settings { apps, pace, settle: pace, ..heroku::Settings::default() };
    let place = heroku::Heroku::new("cloud", client, settings);
    let file = BundleFile { name: "worker".to_owned(), source: script };
    let why = Why { asked_by: "a test".to_owned(), reason: "to begin".to_owned() };
    place
        .offer("worker", "first", &Bundle { command: "worker".to_owned(), files: vec![file] })
        .await
        .unwrap();
    place.put("worker", "first", &why).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_go_to_the_place_that_the_targets_name() {
    let (sandbox, heroku) = (Sandbox::new(), Heroku::start(Settings::default()));
    write(&sandbox, TARGETS);
    released(&sandbox, &heroku).await;
    for arguments in [&["scale", "worker", "2"], &["restart", "worker", "--reason=to see it"] as &[&str]] {
        let mut command = sandbox.sides(arguments);
        command.env("HEROKU_API_URL", heroku.url()).env("HEROKU_API_KEY", heroku.token());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let orders =
        heroku.seen().into_iter().filter(|one| one.method != "GET" && one.path.contains("acme-worker"));
    let orders: Vec<String> = orders.map(|one| format!("{} {}", one.method, one.path)).collect();
    let restarts = orders.iter().filter(|order| order.starts_with("DELETE /apps/acme-worker/dynos/worker."));
    assert_eq!(restarts.count(), 2, "{orders:?}");
    assert_eq!(heroku.breaches(), Vec::<String>::new());
    // The clock is not named: it runs here, where no host is.
    let mut command = sandbox.sides(&["scale", "clock", "2"]);
    command.env("HEROKU_API_URL", heroku.url()).env("HEROKU_API_KEY", heroku.token());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
}
