//! A new application as its user meets it: created, built, run, changed, and released.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sides_new::{Chassis, Name, add, workspace};

/// A machine that builds something else meanwhile is slow.
const PATIENCE: Duration = Duration::from_secs(600);

struct Acme {
    _folder: tempfile::TempDir,
    root: PathBuf,
    programs: PathBuf,
    /// Everything that it is made of was downloaded for this checkout already, as it is on a machine that runs its tests.
    is_offline: bool,
}

impl Acme {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A private Postgres does not run as root, and its user has to get to its files.
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let root = folder.path().join("acme");
        workspace(&Name::read("acme").unwrap(), &root, &Chassis::of_this_build().unwrap()).unwrap();
        let programs = folder.path().join("target");
        let mut acme = Self { programs, _folder: folder, root, is_offline: true };
        let known = acme.cargo(&["metadata", "--format-version", "1"]).output().unwrap();
        acme.is_offline = known.status.success();
        acme
    }

    /// Cargo in it. Its programs are its own; its dependencies are those of this checkout's build.
    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(&self.root).args(arguments).stdin(Stdio::null()).env_remove("DATABASE_URL");
        self.prepare(&mut cargo);
        cargo
    }

    fn runs(&self, arguments: &[&str]) {
        let output = self.cargo(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "cargo {arguments:?}:\n{text}");
    }

    /// The command line, as `cargo run` builds it.
    fn sides(&self, arguments: &[&str]) -> Command {
        let mut sides = Command::new(self.programs.join("debug/sides"));
        sides.current_dir(&self.root).args(arguments).stdin(Stdio::null()).env_remove("DATABASE_URL");
        self.prepare(&mut sides);
        sides
    }

    fn prepare(&self, command: &mut Command) {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).unwrap();
        command.env("CARGO_TARGET_DIR", &self.programs);
        // They describe this package; build scripts watch them and would run again.
        let describes_this =
            |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|one| name.starts_with(one));
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(describes_this) {
                command.env_remove(name);
            }
        }
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        command.env("CARGO_BUILD_BUILD_DIR", checkout.join(target));
        if self.is_offline {
            command.env("CARGO_NET_OFFLINE", "true");
        }
    }

    /// Changes one place of a file.
    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.root.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{file} has one {from:?}:\n{text}");
        fs::write(&path, text.replace(from, to)).unwrap();
    }

    fn dev(&self) -> Running<'_> {
        let child = self.cargo(&["run", "--quiet", "--", "dev", "--port", "0"]).spawn().unwrap();
        Running { child, acme: self }
    }
}

/// On a server, with what its settings would say.
struct Server<'a> {
    acme: &'a Acme,
    database: String,
}

impl Server<'_> {
    fn sides(&self, arguments: &[&str]) -> Command {
        let mut sides = self.acme.sides(arguments);
        sides.env("DATABASE_URL", &self.database).env("ADMIN_TOKEN", "only-for-this-test-0123456789");
        // What takes a quarter of an hour is not what is looked at here.
        for (name, value) in [("LTO", "off"), ("OPT_LEVEL", "0"), ("CODEGEN_UNITS", "16"), ("DEBUG", "0")] {
            sides.env(format!("CARGO_PROFILE_RELEASE_{name}"), value);
        }
        sides
    }

    fn host(&self) -> Running<'_> {
        let child = self.sides(&["host", "--port", "0"]).spawn().unwrap();
        let running = Running { child, acme: self.acme };
        until("the host listens", || running.status().map(|_| ()));
        running
    }

    /// What a command that succeeds prints.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.sides(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "sides {arguments:?}:\n{text}");
        text.into_owned()
    }
}

/// A `dev` or a host that ends with the test.
struct Running<'a> {
    child: Child,
    acme: &'a Acme,
}

impl Running<'_> {
    /// What it says of itself, and whether everything is well.
    fn status(&self) -> Option<(String, bool)> {
        let output = self.acme.sides(&["status", "--json"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (text.contains("\"processes\"")).then_some((text, output.status.code() == Some(0)))
    }

    /// Where the page is, once everything answers.
    fn address(&mut self) -> String {
        until("everything answers", || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it has ended: {status}");
            }
            let (text, is_well) = self.status()?;
            let (_, rest) = text.split_once("\"http://")?;
            is_well.then(|| rest.split('"').next().unwrap_or_default().to_owned())
        })
    }

    fn stop(mut self) {
        let stopped = self.acme.sides(&["stop"]).status().unwrap();
        assert!(stopped.success());
        self.child.wait().unwrap();
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        drop(self.acme.sides(&["stop"]).output());
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn until<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "not within {} s: {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The body of a page, as plain HTTP/1.0 gives it.
fn page(address: &str) -> Option<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).ok()?;
    write!(stream, "GET / HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.contains(" 200 OK\r\n").then_some(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_built_run_changed_and_released() {
    let database = testing::TestDatabase::empty().await;
    let database = database.url().expose();
    tokio::task::spawn_blocking(|| {
        let acme = Acme::new();
        runs_at_once(&acme);
        let server = Server { acme: &acme, database };
        let mut host = server.host();
        server.says(&["release", "--bake", "1"]);
        greets(&host.address());

        grow(&acme);
        let plan = server.says(&["plan", "--build"]);
        assert!(plan.contains("add_language_to_greetings"), "{plan}");
        server.says(&["release", "--bake", "1"]);
        greets(&host.address());
        until("the new schedule fires", || {
            server
                .says(&["jobs", "list", "--state", "finished", "--json"])
                .contains("send_report")
                .then_some(())
        });
        let ps = server.says(&["ps"]);
        assert!(ps.contains("mail"), "{ps}");
        host.stop();
    })
    .await
    .unwrap();
}

fn runs_at_once(acme: &Acme) {
    acme.runs(&["fmt", "--check"]);
    acme.runs(&["build", "--workspace"]);
    let metadata = acme.cargo(&["metadata", "--format-version", "1"]).output().unwrap();
    let metadata = String::from_utf8(metadata.stdout).unwrap();
    let own = ["jobs", "models", "web", "worker", "clock", "migrate"];
    assert!(
        own.iter().all(|name| metadata.contains(&format!("acme/crates/{name}#"))),
        "six crates of its own"
    );
    let mut dev = acme.dev();
    greets(&dev.address());
    dev.stop();
}

/// The clock has fired, and the worker has written it down.
fn greets(address: &str) {
    until("somebody is greeted", || page(address)?.contains("Hello, the clock!").then_some(()));
}

/// Two jobs, a schedule, a process, a column, and an argument of a job that is there.
fn grow(acme: &Acme) {
    let name = |text: &str| Name::read(text).unwrap();
    add::job(&acme.root, &name("send_report")).unwrap();
    add::job(&acme.root, &name("archive")).unwrap();
    assert!(add::job(&acme.root, &name("archive")).is_err(), "it is there already");
    add::schedule(&acme.root, &name("report"), "every 1 s", &name("send_report")).unwrap();
    add::process(&acme.root, &name("mail")).unwrap();
    let now = "2026-01-02T03:04:05Z".parse().unwrap();
    add::migration(&acme.root, &name("add_language_to_greetings"), now).unwrap();
    let column = ("        name -> Text,\n", "        name -> Text,\n        language -> Nullable<Text>,\n");
    acme.edit("crates/models/src/schema.rs", column.0, column.1);
    let add = "pub async fn add(connection: &mut AsyncPgConnection, name: &str)";
    let add_language = "pub async fn add(\n    connection: &mut AsyncPgConnection,\n    name: &str,\n    language: Option<&str>,\n)";
    acme.edit("crates/models/src/greetings.rs", add, add_language);
    let values = ".values(greetings::name.eq(name))";
    let both = ".values((greetings::name.eq(name), greetings::language.eq(language)))";
    acme.edit("crates/models/src/greetings.rs", values, both);
    acme.edit("crates/models/tests/greetings.rs", "&mut connection, name)", "&mut connection, name, None)");
    let argument = "    pub name: String,\n    /// In which language.\n    #[serde(default)]\n    pub language: Option<String>,\n";
    acme.edit("crates/jobs/src/greet.rs", "    pub name: String,\n", argument);
    acme.edit("crates/worker/src/handlers/greet.rs", "&job.name)", "&job.name, job.language.as_deref())");
    let arguments = "json!({ \"name\": \"the clock\", \"language\": \"en\" })";
    acme.edit("crates/clock/src/schedules.rs", "json!({ \"name\": \"the clock\" })", arguments);
    acme.runs(&["fmt", "--check"]);
    acme.runs(&["test", "--workspace"]);
}
