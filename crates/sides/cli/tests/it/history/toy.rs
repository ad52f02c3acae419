//! A small application with a contract, a model, and web and worker that use them, in a repository.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    programs,
    sandbox::{Sandbox, text},
    toy,
};

const ROOT: &str = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n";

pub(super) const GREET: &str = r##"pub const KIND: &'static str = "greet";
pub const ENQUEUED: &str = r#""greet": 1"#;
pub const HANDLED: &str = r#""greet": {"newest": 1, "oldest": 1}"#;
"##;

pub(super) const MODELS: &str = r#"/// In web's manifest.
pub const TABLES: &str = "";
/// What the worker alone uses.
pub fn recorded(id: usize) -> usize { id + 1 }
"#;

const WEB: &str = r##"[r#"{"manifest_version": 1, "process": "web", "digest": "", "enqueues": {"#,
    jobs::greet::ENQUEUED, "}", models::TABLES, "}"].concat()"##;

const WORKER: &str = r##"[r#"{"manifest_version": 1, "process": "worker", "digest": "", "handles": {"#,
    jobs::greet::HANDLED, "}}"].concat()"##;

/// Hands its orders to the real program, with the migrations of this workspace.
const MIGRATE: &str = r#"
use std::os::unix::process::CommandExt;
fn main() {
    let orders = std::env::args().skip(1);
    panic!("{}", std::process::Command::new("PROGRAM").args(orders).args(["--folder", "migrations"]).exec());
}
"#;

/// The work tree in which the pipeline runs.
pub(super) struct Application {
    folder: PathBuf,
}

impl Application {
    pub(super) fn write(sandbox: &Sandbox) -> Self {
        let application = Self { folder: sandbox.file("runner") };
        fs::create_dir(&application.folder).unwrap();
        application.put("Cargo.toml", &format!("{ROOT}{}", toy::PROFILE));
        application.put(".gitignore", "/.sides\n/*.json\n/*.txt\n/*.md\n!/README.md\n");
        for (name, dependencies) in
            [("jobs", ""), ("models", ""), ("migrate", ""), ("web", "jobs models"), ("worker", "jobs models")]
        {
            application.put_package(name, dependencies);
        }
        for process in ["web", "worker"] {
            application.put(&format!("Procfile.{process}"), &format!("{process}: {process}\n"));
        }
        application.put("crates/jobs/src/lib.rs", "pub mod greet;\n");
        application.put("crates/jobs/src/greet.rs", GREET);
        application.put("crates/models/src/lib.rs", MODELS);
        application.put_web("one", "\"us\"");
        application.put_worker("one");
        let migrate = programs::folder().join("migrate");
        application.put("crates/migrate/src/main.rs", &MIGRATE.replace("PROGRAM", migrate.to_str().unwrap()));
        // What the database of the test has applied.
        let folder = programs::workspace().join("migrations");
        for entry in
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
        {
            let name = entry.file_name().unwrap().to_str().unwrap();
            for file in fs::read_dir(&entry).unwrap().map(|entry| entry.unwrap().path()) {
                let to = format!("migrations/{name}/{}", file.file_name().unwrap().to_str().unwrap());
                application.put(&to, &fs::read_to_string(&file).unwrap());
            }
        }
        application.git(&["init", "--quiet", "--initial-branch", "main"]);
        application.lock();
        application
    }

    pub(super) fn put(&self, name: &str, text: &str) {
        let file = self.folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub(super) fn append(&self, name: &str, text: &str) {
        let before = fs::read_to_string(self.folder.join(name)).unwrap();
        self.put(name, &(before + text));
    }

    pub(super) fn put_package(&self, name: &str, dependencies: &str) {
        let paths = dependencies.split_whitespace().map(|one| format!("{one} = {{ path = \"../{one}\" }}\n"));
        let head = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n"
        );
        self.put(&format!("crates/{name}/Cargo.toml"), &(head + &paths.collect::<String>()));
    }

    /// `name` is an expression: what web shows after its version.
    pub(super) fn put_web(&self, version: &str, name: &str) {
        self.put("crates/web/src/main.rs", &program(version, WEB).replace("shared::NAME", name));
    }

    pub(super) fn put_worker(&self, version: &str) {
        let name = "models::recorded(std::env::args().count())";
        self.put("crates/worker/src/main.rs", &program(version, WORKER).replace("shared::NAME", name));
    }

    pub(super) fn put_migration(&self, name: &str, up: &str, down: &str) {
        self.put(&format!("migrations/{name}/up.sql"), up);
        self.put(&format!("migrations/{name}/down.sql"), down);
    }

    /// Writes down which packages are used.
    pub(super) fn lock(&self) {
        let cargo = Command::new(env!("CARGO"))
            .current_dir(&self.folder)
            .args(["generate-lockfile", "--offline", "--quiet"])
            .output();
        let output = cargo.unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    pub(super) fn commit(&self, what: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", what]);
    }

    /// What was asked for in a pull request is not merged.
    pub(super) fn forget(&self) {
        self.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    }

    /// As somebody without a configuration.
    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.current_dir(&self.folder).args(["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]);
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        let output = git.args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
    }
}

/// It prints a line, too.
fn program(version: &str, manifest: &str) -> String {
    let program = toy::program_that_says(version, "HERE").replace("r#\"HERE\"#", manifest);
    program.replace(
        "    unsafe { signal(15, stop) };",
        "    println!(\"it begins\");\n    unsafe { signal(15, stop) };",
    )
}
