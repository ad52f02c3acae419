//! Names are completed while they are typed, and the nearest one is offered for a misspelled one.

use testing::TestDatabase;

use crate::{
    releasing::{ended, run},
    rows,
    sandbox::{Sandbox, text},
};

/// The names that a real bash offers at the end of a line, sorted.
fn completions(sandbox: &Sandbox, database_url: &str, line: &[&str]) -> Vec<String> {
    let script = r#"source <(sides completions bash)
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
        "$(complete -p sides | grep -o '_clap_complete_sides')" sides "${COMP_WORDS[COMP_CWORD]}" ""
        printf '%s\n' "${COMPREPLY[@]}""#;
    let mut bash = sandbox.script("", script);
    let output = bash.arg("bash").args(line).env("DATABASE_URL", database_url).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    let mut names: Vec<String> =
        said.split_whitespace().filter(|word| !word.starts_with('-')).map(str::to_owned).collect();
    names.sort();
    names
}

async fn workspace(database: &TestDatabase) -> Sandbox {
    let sandbox = Sandbox::with(&["web", "worker"]).on(database);
    let receipt = r#"{"outcome": "released", "reason": null, "steps": [], "seconds": 1, "requests": null,
        "jobs": null, "ticks": null}"#;
    let statements = format!(
        "SELECT sides.enqueue('report');
        INSERT INTO sides.releases (started_at, ended_at, asked_by, outcome, receipt)
            VALUES (now(), now(), 'ann@home', 'released', '{receipt}');"
    );
    rows::execute(database.url(), &statements).await;
    ended(&run(&sandbox, &["schedule", "add", "nightly", "@daily", "report"]).await, 0);
    sandbox
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exists_is_completed_in_bash() {
    let database = TestDatabase::create().await;
    let sandbox = workspace(&database).await;
    for (line, offered) in [
        (&["sides", "receip"][..], &["receipt", "receipts"][..]),
        (&["sides", "restart", "wo"], &["worker"]),
        (&["sides", "restart", "al"], &["all"]),
        (&["sides", "scale", "w"], &["web", "worker"]),
        (&["sides", "logs", "we"], &["web"]),
        (&["sides", "release", "--only", "wo"], &["worker"]),
        (&["sides", "schedule", "pause", ""], &["nightly"]),
        (&["sides", "schedule", "remove", "ni"], &["nightly"]),
        (&["sides", "jobs", "list", "--kind", "re"], &["report"]),
        (&["sides", "jobs", "list", "--queue", ""], &["default"]),
        (&["sides", "receipt", ""], &["1"]),
        (&["sides", "restart", "nobody"], &[]),
    ] {
        assert_eq!(completions(&sandbox, &database.url().expose(), line), offered, "{line:?}");
    }
    // Nothing is started, made or said for it where nothing runs.
    let nowhere = Sandbox::with(&["web"]);
    assert_eq!(completions(&nowhere, "", &["sides", "schedule", "pause", ""]), Vec::<String>::new());
    assert!(!nowhere.file(".sides").exists());
}

#[test]
fn every_shell_has_a_script() {
    let sandbox = Sandbox::with(&["web"]);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = sandbox.run(&["completions", shell]);
        assert!(text(&output.stdout).contains("SIDES_COMPLETE"), "{shell}: {}", text(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_name_is_offered() {
    let database = TestDatabase::create().await;
    let sandbox = workspace(&database).await;
    for (line, code, said) in [
        (&["relaese"][..], 2, "'release'"),
        (&["logs", "wroker"], 1, "there is no process \"wroker\": did you mean worker?"),
        (&["logs", "mail"], 1, "there is no process \"mail\"; there are web, worker"),
        (&["schedule", "pause", "nihgtly"], 1, "there is no schedule \"nihgtly\": did you mean nightly?"),
        (&["schedule", "preview", "nightl"], 1, "did you mean nightly?"),
        (&["schedule", "add", "other", "@daily", "reprot"], 0, "\"reprot\": did you mean report?"),
        (&["jobs", "list", "--kind", "repotr"], 0, "\"repotr\": did you mean report?"),
        (&["jobs", "retry", "--kind", "reporrt"], 5, "did you mean report?"),
        (&["jobs", "pause", "--queue", "defualt"], 0, "did you mean default?"),
        (&["receipt", "7"], 1, "there is no receipt 7: did you mean 1?"),
    ] {
        let output = run(&sandbox, line).await;
        assert!(
            ended(&output, code).contains(said),
            "{line:?}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
    }
    let known = run(&sandbox, &["jobs", "pause", "--kind", "report"]).await;
    assert_eq!(text(&known.stderr), "");
}

#[test]
fn the_version_says_where_it_comes_from() {
    let sandbox = Sandbox::with(&["web"]);
    let said = text(&sandbox.run(&["--version"]).stdout);
    let version = concat!("sides ", env!("CARGO_PKG_VERSION"));
    assert!(said.starts_with(version), "{said}");
    // In a checkout: a commit and its day.
    let is_day = |word: &str| word.len() == 10 && word.starts_with("20") && word.matches('-').count() == 2;
    let mut words = said.split(|c: char| " (),;\n".contains(c));
    assert!(said.trim() == version || words.any(is_day), "{said}");
}

#[test]
fn each_command_has_a_page_of_the_manual() {
    let sandbox = Sandbox::with(&["web"]);
    let said = ended(&sandbox.run(&["manual", "pages/man1"]), 0);
    assert!(said.contains("man -l pages/man1/sides.1"), "{said}");
    let page = |name: &str| std::fs::read_to_string(sandbox.file(&format!("pages/man1/{name}.1"))).unwrap();
    assert!(page("sides").contains("sides\\-release(1)"), "{}", page("sides"));
    assert!(page("sides-jobs-list").contains("\\fBsides jobs list\\fR"), "{}", page("sides-jobs-list"));
    assert!(!sandbox.file("pages/man1/sides-keep-socket.1").exists(), "that is no command for people");
}
