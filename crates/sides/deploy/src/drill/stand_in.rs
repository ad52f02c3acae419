//! A bad build made from a good one without the application's help: this program takes its place, and runs it as far
//! as the fault allows.

use std::{
    env,
    ffi::OsString,
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsRawFd as _, FromRawFd as _},
        unix::process::CommandExt as _,
    },
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::signal::Signal,
};
use platform::local::{Group, bind_to_supervisor};
use schema::jobs::release;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    signal::unix::{SignalKind, signal},
    time,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    fault::Fault,
    relay::{Moment, Relay},
};
use workspace::manifest_of;
use workspace::named_database;

/// The exit code of a build that ends by itself.
const DEATH: i32 = 70;
/// What a host passes a listening socket by.
const LISTEN_FD: &str = "LISTEN_FD";
/// What Heroku names an instance by, and what it tells a web where to listen by.
const DYNO: &str = "DYNO";
const PORT: &str = "PORT";
const BETWEEN: Duration = Duration::from_millis(20);

/// How much a leak takes at once, how often, and how often in all.
const LEAK: usize = 2 << 20;
const BETWEEN_LEAKS: Duration = Duration::from_millis(100);
const LEAKS: usize = 200;
/// How long one that is late stands still, and goes on.
const STANDS_STILL: Duration = Duration::from_secs(8);
const GOES_ON: Duration = Duration::from_secs(1);

const FAIL_JOBS: &str = "\
SELECT sides.fail($1::text::uuid, job, lease, 'a drill', '1 second')
FROM sides.claim($1::text::uuid, $2, 5, '30 seconds', $3)";

/// Whom it stands in for, and how it goes wrong.
#[derive(Debug, Clone)]
pub struct StandIn {
    /// What it does wrong.
    pub fault: Fault,
    /// The file that is there once it is to go wrong.
    pub when: PathBuf,
    /// The good program.
    pub program: PathBuf,
    /// What that is started with.
    pub arguments: Vec<OsString>,
}

/// Runs in place of the good program until it ends or is asked to; its exit code.
///
/// # Errors
/// When the good program cannot be started, or an address is taken.
pub async fn stand_in(bad: StandIn) -> anyhow::Result<i32> {
    if bad.arguments.iter().any(|argument| argument == "--manifest") {
        let error = std::process::Command::new(&bad.program).args(&bad.arguments).exec();
        return Err(error).with_context(|| format!("cannot start {}", bad.program.display()));
    }
    let mut stop = signal(SignalKind::terminate())?;
    match bad.fault {
        Fault::DiesAtStart => Ok(DEATH),
        // It listens nowhere, and keeps no row in the database.
        Fault::NeverReady if is_in_dyno() => {
            stop.recv().await;
            Ok(0)
        }
        Fault::NeverReady => {
            let _ops = ops("503 Drill").await?;
            stop.recv().await;
            Ok(0)
        }
        // In a dyno, the good program says that it is ready.
        Fault::FailsJobs if !is_in_dyno() => {
            let _ops = ops("200 OK").await?;
            tokio::select! {
                failed = fail_jobs(&bad, Fails::AtAll) => failed.map(|()| DEATH),
                _ = stop.recv() => Ok(0),
            }
        }
        _ => with_good_program(&bad, stop).await,
    }
}

async fn with_good_program(bad: &StandIn, mut stop: tokio::signal::unix::Signal) -> anyhow::Result<i32> {
    let mut command = Command::new(&bad.program);
    command.args(&bad.arguments);
    let moment = Moment(bad.when.clone());
    let closed = CancellationToken::new();
    let mut relay = None;
    let inherited = inherited()?;
    let listener = match (inherited, dyno_port(bad.fault)?) {
        (None, None) => None,
        (inherited, port) => {
            let behind = Arc::new(TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?);
            let good = behind.local_addr()?;
            let release = env::var("RELEASE").unwrap_or_default();
            let (fault, moment, unanswered) = (bad.fault, moment.clone(), Arc::default());
            let passes_on = Relay { good, fault, moment, release, unanswered, asked: Arc::default() };
            relay = Some(passes_on.clone());
            match (inherited, port) {
                (Some(public), _) => {
                    command.env(LISTEN_FD, behind.as_raw_fd().to_string());
                    public.set_nonblocking(true)?;
                    let public = tokio::net::TcpListener::from_std(public)?;
                    tokio::spawn(passes_on.serve(public, closed.clone()));
                    Some(behind)
                }
                (None, port) => {
                    command.env(PORT, good.port().to_string());
                    tokio::spawn(serve_when_ready(passes_on, port.unwrap_or_default(), closed.clone()));
                    None
                }
            }
        }
    };
    bind_to_supervisor(&mut command, listener.clone());
    let mut good = command.spawn().with_context(|| format!("cannot start {}", bad.program.display()))?;
    // Only the good program accepts there.
    drop((command, listener));
    let group = Group::led_by(&good).context("it has ended already")?;
    let dies = async {
        match bad.fault {
            Fault::Dies => moment.come().await,
            Fault::Leaks => {
                moment.come().await;
                leak().await;
            }
            Fault::Late => {
                moment.come().await;
                stand_still(group).await;
            }
            Fault::FailsJobs => {
                // As below.
                drop(fail_jobs(bad, Fails::AtAll).await);
                std::future::pending::<()>().await;
            }
            Fault::FailsOneKind => {
                moment.come().await;
                // Without a database there are no jobs either.
                drop(fail_jobs(bad, Fails::AtOneKind).await);
                std::future::pending::<()>().await;
            }
            _ => std::future::pending().await,
        }
    };
    tokio::select! {
        status = good.wait() => return Ok(status?.code().unwrap_or(DEATH)),
        () = dies => {
            group.kill();
            return Ok(DEATH);
        }
        _ = stop.recv() => {}
    }
    // One that stands still would not hear it.
    group.signal(Signal::SIGCONT);
    closed.cancel();
    if let Some(relay) = &relay {
        relay.settle().await;
    }
    group.terminate();
    let status = good.wait().await?;
    if let Some(relay) = &relay {
        relay.settle().await;
    }
    Ok(status.code().unwrap_or(DEATH))
}

fn is_in_dyno() -> bool {
    env::var_os(DYNO).is_some()
}

/// Where a dyno's visitors come to, if this fault is theirs to see.
fn dyno_port(fault: Fault) -> anyhow::Result<Option<u16>> {
    match env::var(PORT) {
        Ok(port) if is_in_dyno() && fault.is_in_answers() => {
            Ok(Some(port.parse().with_context(|| format!("{PORT}={port} is not a port"))?))
        }
        _ => Ok(None),
    }
}

/// Heroku takes a port that is bound for an instance that answers.
async fn serve_when_ready(relay: Relay, port: u16, closed: CancellationToken) {
    while tokio::net::TcpStream::connect(relay.good).await.is_err() {
        time::sleep(BETWEEN).await;
    }
    match tokio::net::TcpListener::bind(("0.0.0.0", port)).await {
        Ok(public) => relay.serve(public, closed).await,
        Err(error) => eprintln!("cannot listen on port {port}: {error}"),
    }
}

/// Takes memory and keeps it.
async fn leak() {
    let mut kept = Vec::new();
    while kept.len() < LEAKS {
        // Written to: what nobody touched takes no memory.
        kept.push(vec![1_u8; LEAK]);
        time::sleep(BETWEEN_LEAKS).await;
    }
    std::future::pending::<()>().await;
    drop(kept);
}

/// Has the good program stand still for most of the time.
async fn stand_still(group: Group) {
    loop {
        group.signal(Signal::SIGSTOP);
        time::sleep(STANDS_STILL).await;
        group.signal(Signal::SIGCONT);
        time::sleep(GOES_ON).await;
    }
}

/// The socket that the host passed; only this process accepts there from now on.
#[expect(unsafe_code, reason = "a number is all that a host passes of a socket")]
fn inherited() -> anyhow::Result<Option<TcpListener>> {
    let Ok(number) = env::var(LISTEN_FD) else { return Ok(None) };
    let number = number.parse().with_context(|| format!("{LISTEN_FD}={number} is not a number"))?;
    // SAFETY: the host opened it for this process, and nothing else here uses it.
    let listener = unsafe { TcpListener::from_raw_fd(number) };
    fcntl(&listener, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(Some(listener))
}

/// Answers every question on the operations address with this status.
async fn ops(status: &'static str) -> anyhow::Result<AbortOnDropHandle<()>> {
    let variable = |name: &str| env::var(name).with_context(|| format!("{name} is not set"));
    let address = format!("{}:{}", variable("OPS_HOST")?, variable("OPS_PORT")?);
    let listener = tokio::net::TcpListener::bind(&address).await.with_context(|| address.clone())?;
    Ok(AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { continue };
            tokio::spawn(async move {
                let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
                // Who asks and goes away needs no answer.
                drop(stream.read(&mut [0; 4096]).await);
                drop(stream.write_all(answer.as_bytes()).await);
            });
        }
    })))
}

/// Which jobs it fails at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fails {
    AtAll,
    AtOneKind,
}

/// Takes what the good build handles, all of it or the kind of which there is most, and fails at it.
async fn fail_jobs(bad: &StandIn, fails: Fails) -> anyhow::Result<()> {
    let Some(manifest) = manifest_of(&bad.program).await else { bail!("the good build has no manifest") };
    let mut kinds: Vec<String> = manifest.handles.keys().cloned().collect();
    let url = named_database()?.context("DATABASE_URL is not set")?;
    let build = env::var("RELEASE").unwrap_or_default();
    let worker = uuid::Uuid::new_v4().to_string();
    let client = database::client(&url.with_application_name("sides drill")).await?;
    if fails == Fails::AtOneKind {
        let busiest = loop {
            // At one of which there are none, nobody would see it fail.
            if let Some(row) = client.query_opt(release::BUSIEST_KIND, &[&kinds]).await? {
                break row.get(0);
            }
            time::sleep(BETWEEN).await;
        };
        kinds = vec![busiest];
    }
    loop {
        client.query(FAIL_JOBS, &[&worker, &kinds, &build]).await?;
        time::sleep(Duration::from_millis(100)).await;
    }
}
