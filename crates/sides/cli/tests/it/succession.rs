//! Hosts that are killed or replaced, and the processes that never notice.

use std::{
    net::TcpListener,
    os::fd::OwnedFd,
    process::{Command, Stdio},
    time::Duration,
};

use nix::sys::signal::Signal;
use platform::{
    local::socket_keeper,
    prober::{Plan, Prober},
};
use testing::{TestDatabase, wait_until};

use crate::{
    host::Dev,
    releasing::{ended, released, run, start_host},
    sandbox::{PATIENCE, Sandbox, signal},
    toy,
};

/// The pids of web and worker.
fn pids(sandbox: &Sandbox) -> [Option<i32>; 2] {
    ["web", "worker"].map(|name| sandbox.pid_of(name))
}

/// Who keeps the listening socket.
fn keeper(sandbox: &Sandbox) -> Option<i32> {
    sandbox.residents().into_iter().find(|(_, line)| line.contains("keep-socket")).map(|(pid, _)| pid)
}

fn prober(sandbox: &Sandbox) -> Prober {
    let address = sandbox.status()["address"].as_str().unwrap().replace("http://", "");
    let pause = Duration::from_millis(2);
    Prober::start(&Plan { address: address.parse().unwrap(), path: "/".to_owned(), fresh: 2, kept: 2, pause })
}

async fn none_failed(prober: Prober) {
    let seen = prober.end().await;
    assert_eq!(seen.failed(), 0, "{seen:?}");
    assert!(seen.good > 20, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_host_has_a_successor_that_goes_on_with_everything() {
    let database = TestDatabase::create().await;
    let (sandbox, mut host) = released(&database).await;
    let prober = prober(&sandbox);
    let before = pids(&sandbox);
    signal(host.pid(), Signal::SIGKILL);
    host.ended().await;
    let mut host = start_host(&sandbox);
    host.ready().await;
    assert_eq!(pids(&sandbox), before, "nothing was started afresh");

    // Killed in the middle of a release: the command itself goes on with the successor.
    toy::write_shared(&sandbox, "second");
    let slow = toy::program("two").replace("fn main() {", "fn main() { sleep(Duration::from_secs(2));");
    toy::write_program(&sandbox, "web", &slow);
    let mut release = Dev::start(sandbox.sides(&["release", "--bake", "0"]));
    release.says("replaced worker").await;
    signal(host.pid(), Signal::SIGKILL);
    host.ended().await;
    let mut host = start_host(&sandbox);
    assert!(release.ended().await.success(), "{}", release.said());
    none_failed(prober).await;
    assert_eq!(crate::releasing::shown(&sandbox).await, "two of second");
    ended(&run(&sandbox, &["stop"]).await, 0);
    host.ended().await;
    sandbox.wait_until_empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_replaces_itself_in_its_own_process() {
    let database = TestDatabase::create().await;
    let (sandbox, host) = released(&database).await;
    let prober = prober(&sandbox);
    let before = pids(&sandbox);
    let said = ended(&run(&sandbox, &["host", "--replace"]).await, 0);
    assert!(said.contains("its processes were not touched"), "{said}");
    let status = sandbox.status();
    assert_eq!((status["pid"].as_i64(), pids(&sandbox)), (Some(i64::from(host.pid())), before));

    // The next build is told by a signal, and knows that its children are its own: it sees how one ends.
    let since = status["started_at"].clone();
    signal(host.pid(), Signal::SIGHUP);
    wait_until("it is another one", PATIENCE, async || {
        let status = sandbox.status();
        status["phase"] == "running" && status["started_at"] != since
    })
    .await;
    sandbox.wait_until_green().await;
    none_failed(prober).await;
    assert_eq!(pids(&sandbox), before);
    signal(before[1].unwrap(), Signal::SIGKILL);
    wait_until("the worker is back", PATIENCE, async || {
        host.said().contains("worker was killed by SIGKILL") && sandbox.run(&["status"]).status.success()
    })
    .await;
    ended(&run(&sandbox, &["stop"]).await, 0);
    sandbox.wait_until_empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_nobody_kept_costs_a_restart_and_not_the_service() {
    let database = TestDatabase::create().await;
    let (sandbox, mut host) = released(&database).await;
    let port = sandbox.status()["address"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    let first = keeper(&sandbox).expect("somebody keeps the socket");
    signal(first, Signal::SIGKILL);
    wait_until("another keeps it", PATIENCE, async || keeper(&sandbox).is_some_and(|pid| pid != first)).await;
    let [web, worker] = pids(&sandbox);
    signal(keeper(&sandbox).unwrap(), Signal::SIGKILL);
    signal(host.pid(), Signal::SIGKILL);
    host.ended().await;
    let mut host = Dev::start(sandbox.sides(&["host", "--port", &port]));
    host.says("their socket was not kept").await;
    host.ready().await;
    assert_eq!(pids(&sandbox)[1], worker, "the worker has no socket");
    assert_ne!(pids(&sandbox)[0], web);
    ended(&run(&sandbox, &["stop"]).await, 0);
    host.ended().await;
    sandbox.wait_until_empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_that_was_still_starting_when_its_host_died_is_waited_for() {
    let database = TestDatabase::create().await;
    let (sandbox, mut host) = released(&database).await;
    let (address, [web, worker]) = (sandbox.status()["address"].clone(), pids(&sandbox));
    let run_folder = sandbox.path().canonicalize().unwrap().join(".sides/run");
    let kept = socket_keeper::fetch(&run_folder).unwrap().expect("somebody keeps the socket");
    signal(host.pid(), Signal::SIGKILL);
    host.ended().await;
    kept.let_go();
    wait_until("nobody keeps it", PATIENCE, async || keeper(&sandbox).is_none()).await;
    let mut host = start_host(&sandbox);
    host.says("waiting for the keeper of their socket").await;
    let mut late = sandbox.sides(&["keep-socket"]);
    late.stdin(OwnedFd::from(kept.listener)).stdout(Stdio::null()).stderr(Stdio::null());
    let mut late = late.spawn().unwrap();
    host.ready().await;
    assert_eq!((sandbox.status()["address"].clone(), pids(&sandbox)), (address, [web, worker]));
    ended(&run(&sandbox, &["stop"]).await, 0);
    host.ended().await;
    late.wait().unwrap();
    sandbox.wait_until_empty().await;
}

/// As systemd starts it: the socket is descriptor 3, and outlives every host.
fn start_under_systemd(sandbox: &Sandbox, listener: &TcpListener) -> Dev {
    let script = "exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$0\" host";
    let plain = sandbox.sides(&[]);
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(plain.get_program()).current_dir(sandbox.path());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(OwnedFd::from(listener.try_clone().unwrap()));
    Dev::start(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_of_systemd_needs_no_other_keeper() {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    toy::write_workspace(&sandbox);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut host = start_under_systemd(&sandbox, &listener);
    host.says("web has not been released yet").await;
    ended(&run(&sandbox, &["release", "--bake", "0"]).await, 0);
    sandbox.wait_until_green().await;
    let address = sandbox.status()["address"].as_str().unwrap().to_owned();
    assert_eq!(address, format!("http://{}", listener.local_addr().unwrap()));
    let (prober, before) = (prober(&sandbox), pids(&sandbox));
    signal(host.pid(), Signal::SIGKILL);
    host.ended().await;
    let mut host = start_under_systemd(&sandbox, &listener);
    host.ready().await;
    for _ in 0..2 {
        ended(&run(&sandbox, &["host", "--replace"]).await, 0);
    }
    sandbox.wait_until_green().await;
    assert_eq!(pids(&sandbox), before);
    none_failed(prober).await;
    assert!(sandbox.residents().iter().all(|(_, line)| !line.contains("keep-socket")));
    ended(&run(&sandbox, &["stop"]).await, 0);
    host.ended().await;
    sandbox.wait_until_empty().await;
}
