//! One instance after another takes over the socket, and no request fails.

use std::{
    net::TcpListener,
    os::fd::AsRawFd as _,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use platform::{
    local::bind_to_supervisor,
    prober::{Plan, Prober},
};
use testing::{TestDatabase, wait_until};
use tokio::process::{Child, Command};

use crate::{
    fixture::{TOKEN, command},
    rows,
};

const ROLLS: usize = 3;
const SOON: Duration = Duration::from_secs(30);

/// An instance that inherits the socket, ready to answer.
async fn start(database: &TestDatabase, listener: &Arc<TcpListener>) -> Child {
    let mut command = Command::from(command(database.url()));
    command.env("ADMIN_TOKEN", TOKEN).env("LISTEN_FD", listener.as_raw_fd().to_string());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    bind_to_supervisor(&mut command, Some(Arc::clone(listener)));
    let child = command.spawn().unwrap();
    let ready = format!("sides.instances WHERE pid = {} AND state = 'ready'", child.id().unwrap());
    wait_until("the instance is ready", SOON, async || rows::count(database, &ready).await == 1).await;
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_instances_follow_each_other() {
    let database = TestDatabase::create().await;
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
    let mut current = start(&database, &listener).await;
    let prober = Prober::start(&Plan {
        address: listener.local_addr().unwrap(),
        path: "/assets/icon.svg".to_owned(),
        fresh: 4,
        kept: 4,
        pause: Duration::ZERO,
    });
    for _ in 0..ROLLS {
        let next = start(&database, &listener).await;
        let before = prober.seen().good;
        let begun = Instant::now();
        let pid = nix::unistd::Pid::from_raw(i32::try_from(current.id().unwrap()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        let ended = current.wait().await.unwrap();
        assert!(ended.success(), "{ended}");
        assert!(begun.elapsed() < SOON);
        wait_until("the next instance answers", SOON, async || prober.seen().good > before + 100).await;
        current = next;
    }
    let seen = prober.end().await;
    assert_eq!(seen.failed(), 0, "{seen:?}");
}
