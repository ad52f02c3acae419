//! What cannot work is said, with the next step, and nothing is left behind.

use std::fs;

use crate::sandbox::{Sandbox, text};

/// Runs `dev`, which must fail, and returns what it said.
fn refused(sandbox: &Sandbox, environment: &[(&str, &str)]) -> String {
    let mut command = sandbox.sides(&["dev", "--port", "0"]);
    let output = command.envs(environment.iter().copied()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    assert_eq!(sandbox.residents(), []);
    text(&output.stderr)
}

#[test]
fn a_machine_without_postgres_is_told_how_to_install_it() {
    let sandbox = Sandbox::with(&["clock"]);
    let said = refused(&sandbox, &[("SIDES_POSTGRES_BIN", "/nowhere")]);
    assert!(said.contains("DATABASE_URL is not set"), "{said}");
    assert!(said.contains("this machine has no Postgres"), "{said}");
    assert!(said.contains("SIDES_POSTGRES_BIN names a folder without"), "{said}");
    // Installing makes the user that must own it.
    assert!(!sandbox.file(".sides/postgres").exists());
}

#[test]
fn a_named_postgres_that_is_away_is_said_without_its_password() {
    let sandbox = Sandbox::with(&["clock"]);
    let said = refused(&sandbox, &[("DATABASE_URL", "postgres://me:s3cret@127.0.0.1:1/app")]);
    assert!(said.contains("the Postgres at DATABASE_URL does not answer"), "{said}");
    assert!(said.contains("127.0.0.1:1/app") && said.contains("refused"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn a_command_that_reads_makes_no_database() {
    let sandbox = Sandbox::with(&["clock"]);
    for arguments in [&["jobs", "list"][..], &["schedule", "list"], &["scaling", "log"], &["receipts"]] {
        let output = sandbox.sides(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains("DATABASE_URL is not set") && said.contains("start `sides dev`"), "{said}");
        assert!(!sandbox.file(".sides/postgres").exists(), "{arguments:?}");
    }
}

#[test]
fn a_bad_database_url_is_named() {
    let sandbox = Sandbox::with(&["clock"]);
    let said = refused(&sandbox, &[("DATABASE_URL", "mysql://me:s3cret@host/app")]);
    assert!(said.contains("DATABASE_URL") && said.contains("postgres://user:password@host"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn a_fault_in_a_procfile_is_named_with_its_line() {
    let sandbox = Sandbox::with(&["clock"]);
    fs::write(sandbox.file("Procfile.mail"), "# ours\nmail: mail | tee log\n").unwrap();
    let said = refused(&sandbox, &[]);
    assert!(said.contains("Procfile.mail:2: \"|\" needs a shell"), "{said}");
}

#[test]
fn a_build_error_is_shown_as_the_compiler_says_it() {
    let sandbox = Sandbox::with(&["web"]);
    let write = |name: &str, content: &str| {
        let file = sandbox.file(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    };
    write("Cargo.toml", "[package]\nname = \"web\"\nedition = \"2024\"\n[workspace]\n");
    write("src/main.rs", "fn main() { let number: u8 = \"text\"; }\n");
    let said = refused(&sandbox, &[("DATABASE_URL", "")]);
    assert!(said.contains("mismatched types") && said.contains("src/main.rs:1"), "{said}");
    assert!(said.contains("the build failed"), "{said}");
}

#[test]
fn outside_a_workspace_the_next_step_is_said() {
    let sandbox = Sandbox::with(&[]);
    let output = sandbox.run(&["dev"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("no Procfile.<name> in") && said.contains("--root"), "{said}");
}

#[test]
fn what_is_not_understood_is_refused_with_its_own_code() {
    let sandbox = Sandbox::with(&["clock"]);
    assert_eq!(sandbox.run(&["deploy-everything"]).status.code(), Some(2));
    let completions = sandbox.run(&["completions", "bash"]);
    assert!(completions.status.success());
    assert!(text(&completions.stdout).contains("-F _clap_complete_sides sides"), "no bash completions");
}
