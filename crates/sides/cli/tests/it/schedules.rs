//! `sides schedule …` with a real clock.

use std::process::Output;

use serde_json::Value;
use testing::{Program, TestDatabase, wait_until};

use crate::sandbox::{PATIENCE, Sandbox, text};

struct Scene {
    sandbox: Sandbox,
    _database: TestDatabase,
}

impl Scene {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        Self { sandbox: Sandbox::with(&["clock"]).on(&database), _database: database }
    }

    async fn clock(&self) -> Program {
        let clock =
            Program::start(self.sandbox.program("clock").env("LOG_FORMAT", "json").env("OPS_PORT", "0"));
        clock.answers("/readyz", 200, "ready").await;
        // Its row says so a moment later.
        wait_until("the clock's row says ready", PATIENCE, async || self.list()["clocks"] == 1).await;
        clock
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.sandbox.run(&[&["schedule"], arguments].concat())
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stdout));
        text(&output.stderr)
    }

    fn list(&self) -> Value {
        serde_json::from_str(&self.done(&["list", "--json"])).unwrap()
    }

    fn row(&self, name: &str) -> Value {
        let list = self.list();
        list["schedules"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["name"] == name)
            .cloned()
            .unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_needs_no_database_and_crosses_the_change() {
    let sandbox = Sandbox::with(&["clock"]);
    let preview = |arguments: &[&str]| {
        let output = sandbox.run(&[&["schedule", "preview"], arguments].concat());
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let zone = ["--zone", "Europe/Berlin", "--from", "2026-11-24T12:00:00Z"];
    let (code, shown) = preview(&[&["30 2 * * *"], &zone[..]].concat());
    assert_eq!((code, shown.lines().count()), (Some(0), 23), "{shown}");
    for expected in [
        "Wed 2026-11-25 02:30:00 +01:00  2026-11-25T01:30:00Z\n",
        "── 2027-03-28 02:00: clocks go forward to 03:00 ──\n",
        "Sun 2027-03-28 03:00:00 +02:00  2027-03-28T01:00:00Z  gap: 02:30:00 does not exist; fires when the gap ends\n",
    ] {
        assert!(shown.contains(expected), "{shown}");
    }
    let (_, json) = preview(&[&["@hourly", "--json", "--count", "3"], &zone[..]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["firings"][0]["local"], "2026-11-24T14:00:00+01:00");
    let (code, shown) = preview(&["61 * * * *"]);
    assert_eq!(code, Some(1));
    assert!(shown.contains("minute \"61\" is not within 0 to 59"), "{shown}");
    let (code, shown) = preview(&["@daily", "--zone", "Berlin"]);
    assert_eq!(code, Some(1));
    assert!(shown.contains("did you mean Europe/Berlin?"), "{shown}");
    let (code, shown) = preview(&["*/90 * * * *"]);
    assert_eq!(code, Some(1));
    assert!(shown.contains("write `every 90 min`"), "{shown}");
    assert_eq!(sandbox.residents(), [], "no Postgres was started");
}

/// A zone file of the format that all systems use: one offset for ever.
fn zone_file(hours: i8) -> Vec<u8> {
    let header = || {
        let mut bytes = [b"TZif2".as_slice(), &[0; 15]].concat();
        // No leap seconds, no changes; one kind of time with a name of four bytes.
        for count in [0_u32, 0, 0, 0, 1, 4] {
            bytes.extend(count.to_be_bytes());
        }
        bytes.extend((i32::from(hours) * 3600).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(b"XYZ\0");
        bytes
    };
    [header(), header(), format!("\n<{hours:+03}>{}\n", -hours).into_bytes()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn zone_rules_are_those_of_the_system_and_a_difference_to_postgres_is_said() {
    let scene = Scene::new().await;
    let zones = tempfile::tempdir().unwrap();
    std::fs::create_dir(zones.path().join("America")).unwrap();
    std::fs::write(zones.path().join("America/Vancouver"), zone_file(-7)).unwrap();
    std::fs::write(zones.path().join("+VERSION"), "2031c\n").unwrap();
    let with_zones = |arguments: &[&str]| {
        let mut command = scene.sandbox.sides(&[&["schedule"], arguments].concat());
        let output = command.env("TZDIR", zones.path()).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let preview = ["preview", "0 9 * * *", "--zone", "America/Vancouver", "--count", "1"];
    let winter = [&preview[..], &["--from", "2035-12-01T00:00:00Z"]].concat();
    let shown = with_zones(&winter);
    assert!(shown.contains("09:00:00 -07:00"), "{shown}");
    assert!(shown.contains("2031c from /"), "{shown}");
    // The server has read its own files, in which the clocks are put back, or which are older or newer than these.
    let older = with_zones(&[
        "preview",
        "0 9 * * *",
        "--zone",
        "America/Vancouver",
        "--from",
        "2020-01-15T00:00:00Z",
    ]);
    assert!(older.contains("Postgres has different rules for America/Vancouver: at 2020-01-15"), "{older}");
    let json: Value = serde_json::from_str(&with_zones(&[&winter[..], &["--json"]].concat())).unwrap();
    assert_eq!(json["rules"]["release"], "2031c");

    let (_, shown) = {
        let output = scene.run(&winter);
        (output.status, text(&output.stdout))
    };
    assert!(shown.contains("time zone rules: 20"), "{shown}");
    with_zones(&["add", "report", "@daily", "send_report", "--zone", "America/Vancouver"]);
    std::fs::write(zones.path().join("America/Vancouver"), zone_file(5)).unwrap();
    let list = with_zones(&["list"]);
    assert!(list.contains("Postgres has different rules for America/Vancouver"), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_added_paused_run_and_removed_while_a_clock_runs() {
    let scene = Scene::new().await;
    let _clock = scene.clock().await;
    let arguments = r#"{"to": "ann"}"#;
    scene.done(&[
        "add",
        "report",
        "every 100 ms",
        "send_report",
        "--arguments",
        arguments,
        "--missed",
        "skip",
    ]);
    wait_until("it fires", PATIENCE, async || scene.row("report")["last_fired_at"].is_string()).await;
    let row = scene.row("report");
    assert_eq!(
        (&row["arguments"]["to"], &row["missed"], &row["fault"]),
        (&"ann".into(), &"skip".into(), &Value::Null)
    );
    assert!(row["added_by"].as_str().unwrap().contains('@'));
    assert!(scene.done(&["preview", "report"]).contains("every 100 ms in UTC"));

    scene.done(&["pause", "report"]);
    assert!(scene.row("report")["paused_by"].is_string());
    assert!(scene.done(&["run", "report"]).contains("report fired"), "also while it is paused");
    assert!(scene.done(&["run", "prune_history"]).contains("prune_history fired: job "));
    assert!(scene.done(&["list"]).contains("paused "));
    assert!(scene.done(&["resume", "report"]).contains("resumed report"));
    assert!(scene.done(&["resume", "report"]).contains("was not paused"));

    assert!(scene.refused(&["add", "report", "@daily", "send_report"]).contains("--replace changes it"));
    assert_eq!(scene.row("report")["version"], 1);
    let newer = ["add", "report", "@daily", "send_report", "--replace", "--arguments-version", "2"];
    assert!(scene.done(&newer).contains("its arguments are version 2 of send_report"));
    assert_eq!(
        (&scene.row("report")["expression"], &scene.row("report")["version"]),
        (&"@daily".into(), &2.into())
    );
    scene.done(&["remove", "report"]);
    assert_eq!(scene.row("report"), Value::Null);
    let kept = ["report", "ping_due_services"].map(|name| scene.refused(&["remove", name]));
    assert!(kept[0].contains("there is no schedule \"report\""), "{kept:?}");
    assert!(kept[1].contains("in the clock's code"), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused_before_it_is_stored() {
    let scene = Scene::new().await;
    for (arguments, expected) in [
        (&["add", "a", "noon", "work"][..], "\"noon\" is not a schedule"),
        (&["add", "a", "@daily", "work", "--zone", "Berlin"], "no zone \"Berlin\""),
        (&["add", "a", "@daily", "work", "--arguments", "[1]"], "not a JSON object"),
        (&["add", "a", "@daily", "work", "--missed", "never"], "all within 2 h"),
        (&["add", "two words", "@daily", "work"], "without blanks"),
        (&["pause", "nobody"], "sides schedule list"),
    ] {
        let said = scene.refused(arguments);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    scene.done(&["add", "a", "@daily", "work"]);
    assert!(scene.refused(&["run", "a"]).contains("no clock is running"));
    assert!(scene.done(&["list"]).contains("no clock is running, so nothing fires"));
}
