//! Carries out the orders that the host receives.

use std::{
    collections::BTreeMap,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use platform::{
    local::{Heavy, Launch, MOST_INSTANCES, Supervisor, bind_to_supervisor},
    place::{Ended, Which, Why},
    prober::Pairs,
};
use tokio::{
    process::Command,
    sync::{mpsc, oneshot, watch},
};
use uuid::Uuid;

use super::{action, launches::Launches, ledger::Ledger, succession::Handover};
use workspace::{
    control::{DevStatus, Done, Failure, Order, Task, What},
    releases::{Digest, Set, Store},
};

/// A new instance that is not ready by then is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of what a command prints is handed back, from its end.
const OUTPUT: usize = 64 << 10;

pub(super) struct Host {
    pub(super) supervisor: Supervisor,
    pub(super) store: Store,
    pub(super) launches: Launches,
    pub(super) status: watch::Sender<DevStatus>,
    pub(super) handover: Handover,
    pub(super) ledger: Ledger,
}

impl Host {
    /// Carries out one order after the other, for ever: those of others, and its own when an instance grows too large.
    pub(super) async fn obey(
        &mut self,
        mut tasks: mpsc::Receiver<Task>,
        mut heavy: mpsc::UnboundedReceiver<Heavy>,
    ) {
        loop {
            let task = tokio::select! {
                task = tasks.recv() => task,
                Some(heavy) = heavy.recv() => Some(Task { order: replace_heavy(&heavy), answer: oneshot::channel().0 }),
            };
            // The server has gone, and with it the process soon.
            let Some(Task { order, answer }) = task else { return std::future::pending().await };
            let done = self.take(&order).await;
            // Anyone who asked may have gone; what was done stays done.
            drop(answer.send(done));
        }
    }

    async fn take(&mut self, order: &Order) -> Result<Done, Failure> {
        self.status.send_modify(|status| status.busy_with = Some(action::in_words(order)));
        let begun = Instant::now();
        let mut action = action::of(order);
        if let What::Replace { .. } = order.what {
            // When it goes well, nobody comes back to say so.
            self.ledger.note(&action);
            action.id = Uuid::now_v7();
        }
        let done = self.carry_out(&order.what).await;
        action.measured["seconds"] = begun.elapsed().as_secs_f64().into();
        action.outcome = action::outcome(&done);
        self.ledger.note(&action);
        self.status.send_modify(|status| status.busy_with = None);
        done
    }

    async fn carry_out(&mut self, what: &What) -> Result<Done, Failure> {
        if let Some(process) = what.process()
            && !self.launches.learn(process).map_err(refused)?
        {
            return Err(Failure::UnknownProcess(process.to_owned()));
        }
        if let What::Put { process, release, .. } | What::Compare { process, release, .. } = what
            && let Some(digest) = Digest::parse(release)
        {
            self.launches.manifests.ask(&self.store, process, &digest).await;
        }
        let done = match what {
            What::Put { process, release, take_out_first: false } => self.put(process, release).await,
            What::Put { process, release, take_out_first: true } => {
                self.take_out_and_put(process, release).await
            }
            What::Compare { process, release, path } => {
                let compared = self.compare(process, release, path).await.map_err(refused)?;
                return Ok(compared.map_or(Done::Done, Done::Compared));
            }
            What::Canary { process, release } => self.start_canary(process, release).await,
            What::EndCanary { process } => self.end_canary(process),
            What::Scale { process, count } => self.scale(process, *count).await,
            What::Restart { process, which } => self.restart(process, which).await,
            What::RunOnce { process, command } => {
                return self.run_once(process, command).await.map(Done::Ended).map_err(refused);
            }
            What::Replace { program } => Err(self.handover.to(program)),
        };
        done.map(|()| Done::Done).map_err(refused)
    }

    async fn put(&mut self, process: &str, release: &str) -> anyhow::Result<()> {
        let digest = Digest::parse(release).context("this is not a digest")?;
        let (mut running, counts) = (self.store.running()?, self.store.counts()?);
        let launch = self.launch_of(self.named(process)?, &digest)?;
        let count = count_of(&counts, process) as usize;
        // Asked for again, because its answer was lost: it is done already.
        let is_done = running.get(process) == Some(&digest) && self.supervisor.all_run(&launch, count);
        if self.supervisor.canaries().get(process).is_some_and(|canary| canary != release) {
            self.end_canary(process)?;
        }
        if !is_done && count > 0 {
            let rolled = self.supervisor.roll(launch.clone(), PATIENCE).await;
            // A canary may have become the first of the new instances, and have gone with them.
            self.note_canaries()?;
            rolled?;
        }
        self.end_canary(process)?;
        running.insert(process.to_owned(), digest);
        self.store.set_running(&running)?;
        self.tell(&running, &counts);
        if self.supervisor.count(process) < count {
            self.supervisor.scale(launch, count, PATIENCE).await?;
        }
        Ok(())
    }

    /// A release asked beside what runs, which is not touched.
    async fn compare(&mut self, process: &str, release: &str, path: &str) -> anyhow::Result<Option<Pairs>> {
        let digest = Digest::parse(release).context("this is not a digest")?;
        let launch = self.launch_of(self.named(process)?, &digest)?;
        Ok(self.supervisor.ask_beside(launch, path, PATIENCE).await?)
    }

    /// What runs is wrong: it leaves first. That the other release is wanted is written down before, as whatever becomes of
    /// it nothing else is left.
    async fn take_out_and_put(&mut self, process: &str, release: &str) -> anyhow::Result<()> {
        let digest = Digest::parse(release).context("this is not a digest")?;
        let (mut running, counts) = (self.store.running()?, self.store.counts()?);
        let launch = self.launch_of(self.named(process)?, &digest)?;
        let count = count_of(&counts, process) as usize;
        // Asked for again, because its answer was lost.
        let is_done = running.get(process) == Some(&digest) && self.supervisor.all_run(&launch, count);
        running.insert(process.to_owned(), digest);
        self.store.set_running(&running)?;
        self.end_canary(process)?;
        self.tell(&running, &counts);
        if !is_done {
            self.supervisor.take_out_and_start(launch, count, PATIENCE).await?;
        }
        Ok(())
    }

    /// That there is one is written down for a successor; until then it is gone with this host.
    async fn start_canary(&mut self, process: &str, release: &str) -> anyhow::Result<()> {
        let digest = Digest::parse(release).context("this is not a digest")?;
        let (running, counts) = (self.store.running()?, self.store.counts()?);
        anyhow::ensure!(
            running.get(process).is_some_and(|running| *running != digest) && count_of(&counts, process) > 0,
            "no other release of {process} runs that a canary could stand beside"
        );
        let launch = self.launch_of(self.named(process)?, &digest)?;
        self.supervisor.start_canary(launch, PATIENCE).await?;
        self.note_canaries()
    }

    fn end_canary(&mut self, process: &str) -> anyhow::Result<()> {
        self.supervisor.end_canary(process);
        self.note_canaries()
    }

    /// Writes down what canaries there are, and tells who asks.
    pub(super) fn note_canaries(&self) -> anyhow::Result<()> {
        let canaries = self.supervisor.canaries();
        self.store.set_canaries(&canaries)?;
        self.status.send_modify(|status| status.canaries = canaries);
        Ok(())
    }

    async fn scale(&mut self, process: &str, count: u32) -> anyhow::Result<()> {
        anyhow::ensure!(
            count <= MOST_INSTANCES,
            "{process}: {count} instances were requested, but one machine runs at most {MOST_INSTANCES}"
        );
        let (running, mut counts) = (self.store.running()?, self.store.counts()?);
        if let Some(digest) = running.get(process) {
            let launch = self.launch_of(self.named(process)?, digest)?;
            self.supervisor.scale(launch, count as usize, PATIENCE).await?;
        }
        if count == 0 {
            self.end_canary(process)?;
        }
        counts.insert(process.to_owned(), count);
        self.store.set_counts(&counts)?;
        self.tell(&running, &counts);
        Ok(())
    }

    async fn restart(&mut self, process: &str, which: &Which) -> anyhow::Result<()> {
        anyhow::ensure!(self.store.running()?.contains_key(process), "{process} has not been released yet");
        let only =
            match which {
                Which::All => None,
                Which::One(id) => Some(self.supervisor.find(process, id).with_context(|| {
                    format!("{process} has no running instance {id}; `sides ps` lists them")
                })?),
            };
        Ok(self.supervisor.restart(process, only, PATIENCE).await?)
    }

    async fn run_once(&self, process: &str, command: &[String]) -> anyhow::Result<Ended> {
        let running = self.store.running()?;
        let digest = running.get(process).with_context(|| format!("{process} has not been released yet"))?;
        let launch = self.launch_of(self.named(process)?, digest)?;
        let (program, arguments) = command.split_first().context("there is no command to run")?;
        let file = platform::local::find_program(program, &launch.folder, &launch.path)
            .with_context(|| format!("there is no program {program:?} in this release or in PATH"))?;
        let mut command = Command::new(file);
        command.args(arguments).current_dir(&launch.folder).env("PATH", &launch.path);
        command.envs(launch.environment.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        bind_to_supervisor(&mut command, None);
        let ended = command.output().await.with_context(|| format!("cannot run {program}"))?;
        let said = [ended.stdout, ended.stderr].concat();
        let output = String::from_utf8_lossy(&said[said.len().saturating_sub(OUTPUT)..]).into_owned();
        Ok(Ended { code: ended.status.code(), output })
    }

    pub(super) fn named(&self, process: &str) -> anyhow::Result<Launch> {
        self.launches.of(process).cloned().with_context(|| format!("there is no Procfile.{process}"))
    }

    pub(super) fn launch_of(&self, mut launch: Launch, digest: &Digest) -> anyhow::Result<Launch> {
        self.launches.equip(&mut launch, digest);
        let name = &launch.procfile.name;
        let folder = self.store.find(name, digest).with_context(|| {
            format!("{name} {digest} is no longer kept here: release it again with `sides release`")
        })?;
        // As it was when it was built: the file may have changed since the host began.
        if let Some(record) = self.store.record(name, digest) {
            launch
                .environment
                .extend(record.origin().map(|commit| ("RELEASE_COMMIT".to_owned(), commit.into())));
            launch.procfile.program = record.program;
            launch.procfile.arguments = record.arguments;
        }
        // A release's program and no other: one that is missing must not be found elsewhere.
        if !launch.procfile.program.contains('/') {
            launch.procfile.program = folder.join(&launch.procfile.program).to_string_lossy().into_owned();
        }
        let inherited = std::env::split_paths(&launch.path).collect::<Vec<_>>();
        launch.path = std::env::join_paths([folder].into_iter().chain(inherited))?;
        launch.environment.push(("RELEASE".to_owned(), digest.to_string().into()));
        launch.release = Some(digest.as_str().to_owned());
        Ok(launch)
    }

    pub(super) fn tell(&self, running: &Set, counts: &BTreeMap<String, u32>) {
        let releases = running.iter().map(|(name, digest)| (name.clone(), digest.as_str().to_owned()));
        let names = self.launches.all().iter().map(|launch| &launch.procfile.name);
        let counts = names.map(|name| (name.clone(), count_of(counts, name)));
        self.status.send_modify(|status| {
            status.releases = releases.collect();
            status.counts = counts.collect();
        });
    }
}

pub(super) fn count_of(counts: &BTreeMap<String, u32>, process: &str) -> u32 {
    counts.get(process).copied().unwrap_or(1)
}

/// An instance that takes too much memory is followed by a fresh one.
fn replace_heavy(heavy: &Heavy) -> Order {
    let megabytes = |bytes: u64| bytes >> 20;
    let which = Which::One(format!("{}.{}", heavy.process, heavy.instance));
    let reason = format!("{} MB of memory, limit {} MB", megabytes(heavy.bytes), megabytes(heavy.limit));
    let why = Why { asked_by: "host".to_owned(), reason };
    Order { what: What::Restart { process: heavy.process.clone(), which }, why }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn refused(error: anyhow::Error) -> Failure {
    Failure::Refused(format!("{error:#}"))
}
