//! Replaces one process at its place, and waits until the old instances are gone.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use platform::{
    local::{ProcessStatus, State},
    place::{PlaceError, Why},
};
use tokio::time;

use super::{
    beside::{self, Worse},
    bundle,
    journal::Journal,
    judge::Blame,
    plan::{Roll, Step},
    steps::Run,
};
use workspace::{control::Client, releases::Digest};

/// How long an old instance may take to leave: its own drain, which the host ends at the end, and some more.
const GONE_LIMIT: Duration = Duration::from_secs(180);
/// How long one that has been asked to leave is waited for where nothing that follows needs it gone: longer than the usual drain.
const LINGER_LIMIT: Duration = Duration::from_secs(35);
/// How long an instance that was killed still seems to live: its last heartbeat counts for a while.
const LAST_HEARTBEAT: Duration = Duration::from_secs(20);
const BETWEEN: Duration = Duration::from_millis(50);

/// How far a replacement came.
pub(super) struct Rolled {
    /// Whether there may be something to put back: a place that did not answer leaves it open.
    pub(super) is_touched: bool,
    pub(super) done: anyhow::Result<()>,
}

fn blame(Roll { process, .. }: &Roll, worse: &Worse) -> anyhow::Error {
    Blame { process: process.clone(), reason: format!("the new {process} {worse}") }.into()
}

impl Run<'_> {
    /// Asks the new build and the old one in turn before any visitor reaches the new one. One that is worse is refused; one
    /// that is slower when another instance of it was slower, too.
    pub(super) async fn compare(&self, roll: &Roll, journal: &mut Journal<'_>) -> anyhow::Result<()> {
        match self.compare_once(roll, journal).await? {
            None => return Ok(()),
            Some(worse @ Worse::Fails(_)) => return Err(blame(roll, &worse)),
            Some(Worse::Slow(_)) => {}
        }
        match self.compare_once(roll, journal).await? {
            Some(worse) => Err(blame(roll, &worse)),
            None => {
                let process = &roll.process;
                journal.notes.push(format!(
                    "one instance of the new {process} was slower before, and this one is not"
                ));
                Ok(())
            }
        }
    }

    /// What speaks against the new build, if anything does.
    async fn compare_once(&self, roll: &Roll, journal: &mut Journal<'_>) -> anyhow::Result<Option<Worse>> {
        let Some(watching) = self.compared else { return Ok(None) };
        let Roll { process, to, .. } = roll;
        self.prepare(process, to).await?;
        let why = Why { asked_by: "release".to_owned(), reason: format!("release {to}") };
        let place = self.places.place_of(process);
        let pairs = match place.compare(process, to.as_str(), &watching.probe, &why).await {
            Ok(Some(pairs)) => pairs,
            Ok(None) => return Ok(None),
            Err(error @ PlaceError::Refused { .. }) => {
                return Err(error).with_context(|| format!("{process} was not replaced"));
            }
            // An older host has never heard of it.
            Err(error) => {
                journal.notes.push(format!("the new {process} was not compared with the old one: {error}"));
                return Ok(None);
            }
        };
        let judged = beside::judge(&pairs, watching.beside());
        journal.notes.extend(judged.as_ref().ok().map(|figures| format!("the new {process}, {figures}")));
        Ok(judged.err())
    }

    /// Replaces a process.
    pub(super) async fn roll(&self, process: &str, digest: &Digest) -> Rolled {
        if let Err(error) = self.prepare(process, digest).await {
            return Rolled { is_touched: false, done: Err(error) };
        }
        let why = Why { asked_by: "release".to_owned(), reason: format!("release {digest}") };
        let put = self.places.place_of(process).put(process, digest.as_str(), &why).await;
        let is_open = !self.places.is_local(process) && matches!(put, Err(PlaceError::Unreachable { .. }));
        let is_touched = put.is_ok() || is_open;
        Rolled { is_touched, done: put.with_context(|| format!("{process} was not replaced")) }
    }

    /// Puts back what ran before. Where the new build is to blame it leaves first. Nothing that can wait stands in the
    /// way: the old build had its rights, and they were not taken yet.
    pub(super) async fn put_back(
        &self,
        process: &str,
        digest: &Digest,
        is_to_blame: bool,
    ) -> anyhow::Result<()> {
        if !is_to_blame || !self.places.is_local(process) {
            return self.roll(process, digest).await.done;
        }
        let why = Why { asked_by: "release".to_owned(), reason: format!("put {digest} back") };
        let put = self.places.place_of(process).take_out_and_put(process, digest.as_str(), &why).await;
        put.with_context(|| format!("{process} was not put back"))
    }

    /// What can be done before anything is touched: the rights of the new instances, and their bytes.
    pub(super) async fn prepare(&self, process: &str, digest: &Digest) -> anyhow::Result<()> {
        self.widen(process, digest).await?;
        if !self.places.is_local(process)
            && let Some(bundle) = bundle::of(self.store, process, digest)?
        {
            let offered = self.places.place_of(process).offer(process, digest.as_str(), &bundle).await;
            offered.with_context(|| format!("{process} was not replaced"))?;
        }
        Ok(())
    }

    /// Waits until no instance of the old release runs: what comes next in the plan counts on it. Where nothing does, one that
    /// drains for long may end what it began.
    pub(super) async fn see_gone(
        &self,
        process: &str,
        old: &Digest,
        journal: &mut Journal<'_>,
        may_linger: bool,
    ) -> anyhow::Result<()> {
        let (begun_at, begun) = (Utc::now(), Instant::now());
        loop {
            let is_gone = match self.places.is_local(process) {
                true => self.is_gone_here(process, old, begun_at, journal).await?,
                false => self.is_gone_there(process, old, begun, journal).await?,
            };
            if is_gone {
                return Ok(());
            }
            if may_linger && begun.elapsed() > LINGER_LIMIT && self.places.is_local(process) {
                let lingering = self.draining().await?;
                if lingering.iter().any(|one| one.name == process) {
                    journal.notes.push(format!(
                        "{process} {old} has not left yet: it ends what it began, for as long as DRAIN_SECONDS says"
                    ));
                    return Ok(());
                }
            }
            anyhow::ensure!(
                begun.elapsed() < GONE_LIMIT,
                "{process} {old} is still running after {} s: see `sides ps`",
                GONE_LIMIT.as_secs()
            );
            time::sleep(BETWEEN).await;
        }
    }

    /// Waits for those that an earlier release let end what they began: `step` would take it from under them.
    pub(super) async fn see_none_linger(&self, step: &Step) -> anyhow::Result<()> {
        let (begun, mut is_told) = (Instant::now(), false);
        loop {
            let Some(one) = self.draining().await?.into_iter().next() else { return Ok(()) };
            let what =
                format!("{}.{} of an earlier release still ends what it began", one.name, one.instance);
            anyhow::ensure!(
                begun.elapsed() < GONE_LIMIT,
                "{what}, which needs what goes with the step \"{step}\": release again when it has left (see `sides ps`)"
            );
            if !std::mem::replace(&mut is_told, true) {
                self.progress.notice(&format!("{what}: waiting for it before the step \"{step}\""));
            }
            time::sleep(BETWEEN).await;
        }
    }

    /// The instances of this machine that have been asked to leave.
    pub(super) async fn draining(&self) -> anyhow::Result<Vec<ProcessStatus>> {
        // Without a host nothing of it runs here.
        let Some(client) = Client::connect(&self.workspace.run_folder()).await? else {
            return Ok(Vec::new());
        };
        let mut all = client.status().await?.processes;
        all.retain(|instance| instance.state == State::Draining);
        Ok(all)
    }

    async fn is_gone_here(
        &self,
        process: &str,
        old: &Digest,
        begun: DateTime<Utc>,
        journal: &mut Journal<'_>,
    ) -> anyhow::Result<bool> {
        let status = match Client::connect(&self.workspace.run_folder()).await? {
            Some(client) => client.status().await?,
            None => anyhow::bail!("the host has gone"),
        };
        // An instance that was just told to leave may not say so yet.
        let is_here = status.processes.iter().filter(|instance| instance.name == process).any(|instance| {
            instance.state == State::Draining || instance.release.as_deref() == Some(old.as_str())
        });
        if is_here || journal.ledger.is_live(process, old).await? {
            return Ok(false);
        }
        let killed = status.killed.iter().filter(|killed| killed.process == process && killed.at >= begun);
        journal.notes.extend(killed.map(|killed| {
            format!(
                "{} did not stop within {} s and was killed: the jobs that it had begun go back to the queue",
                killed.instance, killed.after_seconds
            )
        }));
        Ok(true)
    }

    /// A place may no longer name an instance that it has asked to leave; the database knows until when it lives.
    async fn is_gone_there(
        &self,
        process: &str,
        old: &Digest,
        begun: Instant,
        journal: &mut Journal<'_>,
    ) -> anyhow::Result<bool> {
        let place = self.places.place_of(process);
        let lives = journal.ledger.is_live(process, old).await?;
        let is_drained = begun.elapsed() > place.abilities(process).drain_limit + LAST_HEARTBEAT;
        if lives && !is_drained {
            return Ok(false);
        }
        if place.instances(process).await?.iter().any(|instance| instance.release == old.as_str()) {
            // Asked less often than the database: the place counts its calls.
            time::sleep(Duration::from_secs(1)).await;
            return Ok(false);
        }
        if lives {
            // By now the place has killed its own. The plan has counted on this one, as no release reaches it.
            journal
                .notes
                .push(format!("{process} {old} is still running somewhere other than {}", place.name()));
        }
        Ok(true)
    }
}
