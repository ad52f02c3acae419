//! What `deploy/` says is what the programs do.

use std::{collections::BTreeSet, fs, process::Command};

use crate::programs;

const PROCESSES: [&str; 3] = ["web", "worker", "clock"];

fn read(file: &str) -> String {
    let path = programs::workspace().join("deploy").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn unit(process: &str) -> String {
    read(&format!("systemd/{process}.service"))
}

/// The values of a unit's setting, in order.
fn values<'a>(unit: &'a str, setting: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(setting)?.strip_prefix('=')).collect()
}

/// The variables that a process lists in its `--help`.
fn known_to(process: &str) -> BTreeSet<String> {
    let output = Command::new(programs::folder().join(process)).arg("--help").output().unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).map(str::to_owned).collect()
}

/// Words in capitals with an underscore: how variables look.
fn variables_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.contains('_') && word.starts_with(|c: char| c.is_ascii_uppercase()))
        .filter(|word| word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_unit_sets_what_its_process_reads() {
    for process in PROCESSES {
        let (unit, known) = (unit(process), known_to(process));
        let set: Vec<_> =
            values(&unit, "Environment").into_iter().map(|pair| pair.split('=').next().unwrap()).collect();
        assert!(!set.is_empty() && known.len() > 5, "{process}: nothing to compare");
        for name in set {
            assert!(known.contains(name), "{process}.service sets {name}, which {process} does not read");
        }
    }
}

#[test]
fn the_settings_and_the_runbook_name_real_variables() {
    let mut known: BTreeSet<String> = PROCESSES.iter().flat_map(|process| known_to(process)).collect();
    let host = Command::new(programs::SIDES).args(["host", "--help"]).output().unwrap();
    known.extend(variables_in(&String::from_utf8(host.stdout).unwrap()));
    let settings = read("sides.env.example");
    let mut named: BTreeSet<String> = settings
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.split_once('=')?.0.to_owned()))
        .collect();
    assert!(named.len() >= 5, "{named:?}");
    named.extend(variables_in(&settings));
    named.extend(variables_in(&programs::runbook()));
    let unknown: Vec<_> = named.difference(&known).collect();
    assert!(unknown.is_empty(), "no process reads {unknown:?}");
    // One file is for all: what differs between them belongs into their units, and the file would win.
    for unit in PROCESSES.map(unit) {
        for pair in values(&unit, "Environment") {
            assert!(!settings.contains(&format!("\n{}=", pair.split('=').next().unwrap())), "{pair}");
        }
    }
}

#[test]
fn each_unit_starts_a_program_of_this_workspace_and_reads_the_settings() {
    for process in PROCESSES {
        let unit = unit(process);
        let [program] = values(&unit, "ExecStart")[..] else { panic!("{process}.service: one ExecStart") };
        assert_eq!(program, format!("/opt/sides/{process}/{process}"));
        let built = programs::folder().join(program.rsplit('/').next().unwrap());
        assert!(built.exists(), "{} is not built by this workspace", built.display());
        assert_eq!(values(&unit, "EnvironmentFile")[0], "/etc/sides/sides.env");
    }
}

#[test]
fn systemd_waits_for_the_drain_and_hands_web_its_socket() {
    let settings = read("sides.env.example");
    let drain: u64 = values(&settings, "DRAIN_SECONDS")[0].parse().unwrap();
    for process in PROCESSES {
        let unit = unit(process);
        let stop: u64 = values(&unit, "TimeoutStopSec")[0].parse().unwrap();
        assert!(stop > drain + 3, "{process} is killed while it drains");
        // What a process exits with when its configuration is wrong.
        let output = Command::new(programs::folder().join(process)).env("DATABASE_URL", "nonsense").output();
        let code = output.unwrap().status.code().unwrap().to_string();
        assert_eq!(values(&unit, "RestartPreventExitStatus"), [code]);
    }
    let web = unit("web");
    assert_eq!(values(&web, "Requires"), ["web.socket"]);
    assert!(values(&web, "Environment").contains(&"LISTEN_FD=3"));
    assert_eq!(values(&read("systemd/web.socket"), "ListenStream"), ["127.0.0.1:3000"]);
}

#[test]
fn the_hosts_unit_starts_the_host_and_lets_it_drain() {
    let (unit, settings) = (unit("sides-host"), read("sides.env.example"));
    let [command] = values(&unit, "ExecStart")[..] else { panic!("one ExecStart") };
    let [program, command, flag, _] = command.split(' ').collect::<Vec<_>>()[..] else { panic!("{command}") };
    assert!(program.ends_with("/sides"));
    let help = Command::new(programs::SIDES).args([command, "--help"]).output().unwrap();
    assert!(String::from_utf8(help.stdout).unwrap().contains(flag));
    let drain: u64 = values(&settings, "DRAIN_SECONDS")[0].parse().unwrap();
    let stop: u64 = values(&unit, "TimeoutStopSec")[0].parse().unwrap();
    assert!(stop > drain + 5, "the host is killed before it has killed what is left");
    // What it runs outlives it, and its socket too.
    assert_eq!(values(&unit, "KillMode"), ["process"]);
    assert_eq!(values(&unit, "Requires"), ["sides-host.socket"]);
    assert_eq!(values(&unit, "ExecReload"), ["/bin/kill -HUP $MAINPID"]);
    let socket = read("systemd/sides-host.socket");
    assert_eq!(values(&socket, "ListenStream"), values(&read("systemd/web.socket"), "ListenStream"));
}

#[test]
fn the_runbook_names_the_ports_of_the_units() {
    let runbook = read("systemd.md");
    for process in PROCESSES {
        let unit = unit(process);
        let port = values(&unit, "Environment").into_iter().find_map(|pair| pair.strip_prefix("OPS_PORT="));
        let pair = format!("{process}:{}", port.expect("its ops port is fixed"));
        assert!(runbook.contains(&pair), "deploy/systemd.md does not say {pair}");
    }
}

/// Postgres' own words and what a shell script in the runbook calls its own would be false alarms.
#[test]
fn variables_are_told_from_other_words() {
    let text = "`OPS_PORT`, SELECT pg_x, $HOME_DIR, README, Some_Word, X2_Y";
    let found: Vec<_> = variables_in(text).into_iter().collect();
    assert_eq!(found, ["HOME_DIR", "OPS_PORT", "X2_Y"]);
}
