//! `sides setup heroku` and `deploy/targets.toml`, against a simulated Heroku.

use std::fs;

use serde_json::Value;
use simulator::{Heroku, Settings};

use crate::sandbox::{Sandbox, text};

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
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_plan_is_shown_then_made_and_then_there_is_nothing_to_do() {
    let (sandbox, heroku) = (Sandbox::new(), Heroku::start(Settings::default()));
    write(&sandbox, TARGETS);
    let (code, said, _) = setup(&sandbox, &heroku, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("make the app acme-web in eu") && said.contains("setup heroku --apply"), "{said}");
    assert!(heroku.seen().iter().all(|one| one.method == "GET"), "looking changed something");
    let (code, json, progress) = setup(&sandbox, &heroku, &["--apply", "--json"]);
    assert_eq!(code, 0, "{progress}");
    let made: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&made["applied"], made["steps"].as_array().unwrap().len()), (&true.into(), 7), "{json}");
    assert!(!(json + &progress).contains("a-secret-of-the-admin"));
    assert_eq!(heroku.config("acme-web")["ADMIN_TOKEN"], "a-secret-of-the-admin");
    assert_eq!(heroku.config("acme-worker").get("ADMIN_TOKEN"), None, "only web signs people in");
    let (code, said, _) = setup(&sandbox, &heroku, &["--apply"]);
    assert_eq!((code, said.trim()), (5, "Everything is there."));
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
