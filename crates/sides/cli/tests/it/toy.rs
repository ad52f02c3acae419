//! A workspace of its own, of programs so small that they build in a second.

use std::fs;

use crate::sandbox::Sandbox;

/// Says its version on the ops address and, when it has one, on the listener. After SIGTERM it leaves what waits
/// in the socket to the next instance. A file in the workspace makes it go wrong from then on: `fail-VERSION`, `slow-VERSION`,
/// `drop-VERSION` (one visitor) on the listener, `die-VERSION` everywhere. In a dyno it says its version on `PORT`, and
/// keeps its row in `sides.instances`, as the crate `process` does.
const PROGRAM: &str = r##"
use std::{
    io::{ErrorKind, Read, Write},
    net::TcpListener,
    os::{fd::FromRawFd, unix::process::CommandExt},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread::{sleep, spawn},
    time::Duration,
};

static STOP: AtomicBool = AtomicBool::new(false);
unsafe extern "C" { fn signal(number: i32, handler: extern "C" fn(i32)) -> usize; }
extern "C" fn stop(_: i32) { STOP.store(true, SeqCst); }

fn main() {
    if std::env::args().any(|argument| argument == "--manifest") { return print!("{}", r#"MANIFEST"#); }
    unsafe { signal(15, stop) };
    if std::env::var_os("DYNO").is_some() { return in_a_dyno(); }
    let ops = TcpListener::bind(format!("{}:{}", variable("OPS_HOST"), variable("OPS_PORT"))).unwrap();
    let public = std::env::var("LISTEN_FD").ok().map(|number| {
        let inherited = unsafe { TcpListener::from_raw_fd(number.parse().unwrap()) };
        spawn(move || serve(inherited))
    });
    spawn(move || serve(ops));
    spawn(|| loop {
        if is_asked("die") { std::process::exit(7); }
        sleep(Duration::from_millis(20));
    });
    if let Some(public) = public { public.join().unwrap(); }
    while !STOP.load(SeqCst) { sleep(Duration::from_millis(5)); }
}

fn variable(name: &str) -> String { std::env::var(name).unwrap() }

fn in_a_dyno() {
    let (process, release) = (env!("CARGO_PKG_NAME"), variable("RELEASE"));
    println!("VERSION of {} as {release}", shared::NAME);
    if process == "web" {
        let public = TcpListener::bind(format!("127.0.0.1:{}", variable("PORT"))).unwrap();
        spawn(move || serve(public));
    }
    // A database that was away for a while knows of nothing that was going on.
    while !STOP.load(SeqCst) { keep_row(process, &release).ok(); }
}

fn keep_row(process: &str, release: &str) -> std::io::Result<()> {
    // In a group of its own: it ends with its standard input, and not with SIGTERM.
    let mut psql = Command::new("psql");
    psql.args(["-qX", "-v", "ON_ERROR_STOP=1", &variable("DATABASE_URL")]);
    let mut psql = psql.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    let mut session = psql.stdin.take().unwrap();
    let kept = (|| {
        writeln!(session, "SELECT pg_advisory_lock_shared(hashtextextended('{process}@{release}', 0));
            INSERT INTO sides.instances (id, process, release, host, pid, ops_address, state)
            VALUES (gen_random_uuid(), '{process}', '{release}', 'a dyno', pg_backend_pid(), '', 'ready');")?;
        while !STOP.load(SeqCst) {
            sleep(Duration::from_millis(200));
            writeln!(session, "UPDATE sides.instances SET heartbeat_at = now() WHERE pid = pg_backend_pid();")?;
        }
        writeln!(session, "UPDATE sides.instances SET state = 'stopped' WHERE pid = pg_backend_pid();")
    })();
    drop(session);
    psql.wait()?;
    kept
}

fn is_asked(what: &str) -> bool { std::path::Path::new(&format!("{what}-VERSION")).exists() }

fn serve(listener: TcpListener) {
    let public = std::env::var("OPS_PORT").ok() != Some(listener.local_addr().unwrap().port().to_string());
    listener.set_nonblocking(true).unwrap();
    while !STOP.load(SeqCst) {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => { sleep(Duration::from_millis(1)); continue; }
            Err(error) => panic!("{error}"),
        };
        stream.set_nonblocking(false).unwrap();
        stream.read(&mut [0; 1024]).ok();
        if public && is_asked("slow") { sleep(Duration::from_millis(150)); }
        if public && std::fs::remove_file("drop-VERSION").is_ok() { continue; }
        if public && is_asked("fail") {
            stream.write_all(b"HTTP/1.1 500 Broken\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").ok();
            continue;
        }
        let (status, text) = ("200 OK", format!("VERSION of {}", shared::NAME));
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", text.len());
        stream.write_all((head + &text).as_bytes()).ok();
    }
}
"##;

/// What is linked and not used moves no byte, as under the fat LTO of the real workspace, which links for seven times as long.
pub(crate) const PROFILE: &str = "[profile.release]\ncodegen-units = 1\nstrip = \"symbols\"\nopt-level = 1\n";

/// The source of a program that says this version, and nothing of what it needs.
pub(crate) fn program(version: &str) -> String {
    program_that_says(version, "")
}

/// The same with a manifest.
pub(crate) fn program_that_says(version: &str, manifest: &str) -> String {
    PROGRAM.replace("VERSION", version).replace("MANIFEST", manifest)
}

/// The same, but it goes on after SIGTERM.
pub(crate) fn deaf_program(version: &str) -> String {
    program(version)
        .replace("signal(15, stop) };", "signal(15, deaf) };\n    extern \"C\" fn deaf(_: i32) {}")
}

/// Makes a program of this version go wrong.
pub(crate) fn ask(sandbox: &Sandbox, what: &str, version: &str) {
    fs::write(sandbox.file(&format!("{what}-{version}")), "").unwrap();
}

/// And right again.
pub(crate) fn ask_no_more(sandbox: &Sandbox, what: &str, version: &str) {
    fs::remove_file(sandbox.file(&format!("{what}-{version}"))).unwrap();
}

/// A `migrate` whose one pending step drops `services.url`.
pub(crate) const DROPS: &str = r##"fn main() {
    let has = |word: &str| std::env::args().any(|one| one == word);
    if has("plan") && !std::path::Path::new("dropped").exists() {
        println!("{}", r#"{"name": "2_drop_url", "phase": "contract", "changes": [{"change": "drop_column", "table": "services", "column": "url"}], "problems": [], "note": null}"#);
    }
    if has("up") { std::fs::write("dropped", "").unwrap(); }
}"##;

/// A program `migrate` of the workspace's own.
pub(crate) fn write_migrate(sandbox: &Sandbox, source: &str) {
    let manifest = "[package]\nname = \"migrate\"\nedition = \"2024\"\n";
    fs::create_dir_all(sandbox.file("crates/migrate")).unwrap();
    fs::write(sandbox.file("crates/migrate/Cargo.toml"), manifest).unwrap();
    write_program(sandbox, "migrate", source);
}

/// web and worker, and a library that both use.
pub(crate) fn write_workspace(sandbox: &Sandbox) {
    let write = |name: &str, text: &str| {
        let file = sandbox.file(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n");
    write("crates/shared/Cargo.toml", "[package]\nname = \"shared\"\nedition = \"2024\"\n");
    write_shared(sandbox, "first");
    for name in ["web", "worker"] {
        write_package(sandbox, name);
    }
}

/// One more process, as `sides new process` adds it.
pub(crate) fn write_process(sandbox: &Sandbox, name: &str) {
    fs::write(sandbox.file(&format!("Procfile.{name}")), format!("{name}: {name}\n")).unwrap();
    write_package(sandbox, name);
}

fn write_package(sandbox: &Sandbox, name: &str) {
    write_program(sandbox, name, &program("one"));
    let manifest = "edition = \"2024\"\n[dependencies]\nshared = { path = \"../shared\" }\n";
    let manifest = format!("[package]\nname = \"{name}\"\n{manifest}");
    fs::write(sandbox.file(&format!("crates/{name}/Cargo.toml")), manifest).unwrap();
}

pub(crate) fn write_program(sandbox: &Sandbox, name: &str, source: &str) {
    let folder = sandbox.file(&format!("crates/{name}/src"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("main.rs"), source).unwrap();
}

/// Changes what both programs are made of.
pub(crate) fn write_shared(sandbox: &Sandbox, name: &str) {
    let folder = sandbox.file("crates/shared/src");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("lib.rs"), format!("pub const NAME: &str = {name:?};\n")).unwrap();
}
