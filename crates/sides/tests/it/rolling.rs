//! A save in the running `dev`: what changed is replaced, what did not is left alone, faults take nothing down.

use std::fs;

use testing::{TestDatabase, wait_until};

use crate::{
    http::http,
    sandbox::{PATIENCE, Sandbox},
};

/// A process that says its version on the ops address and, when it has one, on the listener.
const PROGRAM: &str = r#"
use std::{io::{Read, Write}, net::TcpListener, os::fd::FromRawFd};

fn main() {
    let variable = |name: &str| std::env::var(name).unwrap();
    if let Ok(number) = std::env::var("LISTEN_FD") {
        let inherited = unsafe { TcpListener::from_raw_fd(number.parse().unwrap()) };
        std::thread::spawn(move || serve(inherited));
    }
    serve(TcpListener::bind(format!("{}:{}", variable("OPS_HOST"), variable("OPS_PORT"))).unwrap());
}

fn serve(listener: TcpListener) {
    for mut stream in listener.incoming().flatten() {
        stream.read(&mut [0; 1024]).ok();
        let text = format!("VERSION of {}", shared::NAME);
        let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", text.len());
        stream.write_all((head + &text).as_bytes()).ok();
    }
}
"#;

fn write_workspace(sandbox: &Sandbox) {
    let write = |name: &str, text: &str| {
        let file = sandbox.file(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n");
    write("crates/shared/Cargo.toml", "[package]\nname = \"shared\"\nedition = \"2024\"\n");
    write("crates/shared/src/lib.rs", "pub const NAME: &str = \"first\";\n");
    for name in ["web", "worker"] {
        let manifest = "edition = \"2024\"\n[dependencies]\nshared = { path = \"../shared\" }\n";
        write(&format!("crates/{name}/Cargo.toml"), &format!("[package]\nname = \"{name}\"\n{manifest}"));
        write(&format!("crates/{name}/src/main.rs"), &PROGRAM.replace("VERSION", "one"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_is_replaced_and_a_fault_takes_nothing_down() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    write_workspace(&sandbox);
    let mut dev = sandbox.dev();
    let page = dev.ready().await;
    let shown = async || http().get(&page).send().await.unwrap().text().await.unwrap();
    let pids = || ["web", "worker"].map(|name| sandbox.pid_of(name).unwrap());
    assert_eq!(shown().await, "one of first");
    let [web, worker] = pids();

    let main = sandbox.file("crates/web/src/main.rs");
    fs::write(&main, PROGRAM.replace("VERSION", "two")).unwrap();
    wait_until("the new page is shown", PATIENCE, async || shown().await == "two of first").await;
    dev.says("web runs the new build").await;
    wait_until("the old copy has left", PATIENCE, async || pids()[0] != web).await;
    let [web, _] = pids();
    assert_eq!(pids()[1], worker, "the worker had not changed");

    fs::write(&main, PROGRAM.replace("fn main", "fn mian")).unwrap();
    dev.says("the build failed").await;
    assert_eq!((shown().await.as_str(), pids()), ("two of first", [web, worker]));

    fs::write(&main, PROGRAM.replace("fn main() {", "fn main() { panic!(\"not today\");")).unwrap();
    dev.says("the new web was not ready").await;
    assert_eq!((shown().await.as_str(), pids()[1]), ("two of first", worker));

    fs::write(sandbox.file("crates/shared/src/lib.rs"), "pub const NAME: &str = \"second\";\n").unwrap();
    fs::write(&main, PROGRAM.replace("VERSION", "three")).unwrap();
    wait_until("both are new", PATIENCE, async || shown().await == "three of second").await;
    dev.says("worker runs the new build").await;
    wait_until("the old worker has left", PATIENCE, async || pids()[1] != worker).await;

    fs::write(sandbox.file("crates/web/NOTES.md"), "Not a part of any program.\n").unwrap();
    dev.says("no process has changed").await;
    dev.interrupt();
    assert_eq!(dev.ended().await.code(), Some(0));
    assert_eq!(sandbox.residents(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_watched_when_nobody_wants_it() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    write_workspace(&sandbox);
    let mut dev = sandbox.dev_with(&["--port", "0", "--no-watch"]);
    dev.ready().await;
    fs::write(sandbox.file("crates/web/src/main.rs"), PROGRAM.replace("VERSION", "two")).unwrap();
    // A second command goes through the same dev after the save, and would come after a notice of it.
    sandbox.wait_until_green().await;
    dev.interrupt();
    assert_eq!(dev.ended().await.code(), Some(0));
    assert!(!dev.said().contains("changed"), "{}", dev.said());
}
