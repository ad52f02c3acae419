//! Tells the queue when a process has ended that this host saw end: its jobs start elsewhere at once.

use std::{collections::BTreeSet, time::Duration};

use ::schema::jobs::ended;
use database::DatabaseUrl;
use platform::local::ProcessStatus;
use tokio::{sync::watch, task::JoinSet, time};
use tokio_util::task::AbortOnDropHandle;

/// How long a database may take that was away. After that others have missed the process.
const PATIENCE: Duration = Duration::from_secs(5);
/// The server sees the end of a session a moment after the process' end.
const AGAIN: Duration = Duration::from_millis(50);
const TRIES: usize = 20;

/// Tells until the handle is dropped.
pub(super) fn tell(
    url: &DatabaseUrl,
    mut statuses: watch::Receiver<Vec<ProcessStatus>>,
) -> AbortOnDropHandle<()> {
    let url = url.with_application_name("sides host");
    AbortOnDropHandle::new(tokio::spawn(async move {
        let mut running = pids(&statuses.borrow_and_update());
        let mut telling = JoinSet::new();
        while statuses.changed().await.is_ok() {
            let now = pids(&statuses.borrow_and_update());
            for pid in running.difference(&now).copied() {
                let url = url.clone();
                // Whoever cannot be told finds out by itself.
                telling.spawn(async move { drop(time::timeout(PATIENCE, tell_of(&url, pid)).await) });
            }
            running = now;
            while telling.try_join_next().is_some() {}
        }
    }))
}

fn pids(statuses: &[ProcessStatus]) -> BTreeSet<u32> {
    statuses.iter().filter_map(|status| status.pid).collect()
}

async fn tell_of(url: &DatabaseUrl, pid: u32) -> anyhow::Result<()> {
    let host = nix::unistd::gethostname()?.to_string_lossy().into_owned();
    let mut connection = database::connect(url).await?;
    for _ in 0..TRIES {
        if ended::note(&mut connection, &host, i32::try_from(pid)?).await?.held == 0 {
            break;
        }
        time::sleep(AGAIN).await;
    }
    Ok(())
}
