//! A supervisor under test and what it said.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::{Arc, Once},
    time::Duration,
};

use sides_platform::{
    local::{Event, Happening, Launch, Lifetime, Line, Policy, Ports, Supervisor, Watch},
    procfile,
};
use tokio::time::timeout;

pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Nothing here takes as long on any machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn supervisor(drain_limit: Duration) -> (Supervisor, Watch) {
    supervisor_with(drain_limit, Lifetime::Together)
}

pub(crate) fn supervisor_with(drain_limit: Duration, lifetime: Lifetime) -> (Supervisor, Watch) {
    static TLS: Once = Once::new();
    TLS.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    Supervisor::new(client, Policy::default(), Arc::new(Ports::default()), drain_limit, lifetime).unwrap()
}

pub(crate) fn launch(name: &str, command: &str) -> Launch {
    let file = format!("Procfile.{name}");
    Launch {
        procfile: procfile::parse(name, Path::new(&file), &format!("{name}: {command}")).unwrap(),
        folder: std::env::temp_dir(),
        path: std::env::var_os("PATH").unwrap(),
        environment: Vec::new(),
        listener: None,
        page: None,
        release: None,
        memory_limit: None,
        ops_host: LOOPBACK,
        ops_port: 0,
    }
}

/// A process that answers its pings.
pub(crate) fn answerer(name: &str, arguments: &str) -> Launch {
    let folder = std::env::current_exe().unwrap().parent().unwrap().join("../examples");
    let program: PathBuf = folder.join("answerer");
    assert!(program.exists(), "{} is missing: `cargo test -p sides-platform` builds it", program.display());
    launch(name, &format!("{} {arguments}", program.display()))
}

/// Waits for the first event that `pick` likes.
pub(crate) async fn wait_for<T>(watch: &mut Watch, pick: impl Fn(&Event) -> Option<T>) -> T {
    let mut seen = Vec::new();
    let found = timeout(DEADLINE, async {
        while let Some(event) = watch.events.recv().await {
            if let Some(found) = pick(&event) {
                return found;
            }
            seen.push(event);
        }
        panic!("the supervisor ended; it said {seen:?}");
    });
    match found.await {
        Ok(found) => found,
        Err(_) => panic!("nothing of the kind happened; it said {seen:?}"),
    }
}

pub(crate) async fn wait_until_ready(watch: &mut Watch, process: &str) {
    wait_for(watch, |event| {
        (event.process == process && matches!(event.happening, Happening::Ready { .. })).then_some(())
    })
    .await;
}

/// The pid of the instance that starts next.
pub(crate) async fn started(watch: &mut Watch, process: &str) -> u32 {
    wait_for(watch, |event| match event.happening {
        Happening::Started { pid, .. } if event.process == process => Some(pid),
        _ => None,
    })
    .await
}

pub(crate) async fn next_line(watch: &mut Watch) -> Line {
    timeout(DEADLINE, watch.lines.recv()).await.expect("a line in time").expect("a line")
}

pub(crate) fn runs(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // Of a zombie only its exit code is left; but while another of its threads still has to die, that one may accept.
    let is_zombie = stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z');
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    !is_zombie || threads > 1
}

pub(crate) async fn wait_until_gone(pid: u32) {
    let gone = timeout(DEADLINE, async {
        while runs(pid) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(gone.await.is_ok(), "process {pid} still runs");
}
