//! The life of one process: start, ready, death, pause, start again … drain.

use std::{
    convert::Infallible,
    net::SocketAddr,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::Utc;
use tokio::{
    process::{Child, Command},
    task::JoinSet,
    time,
};
use tokio_util::sync::CancellationToken;

use super::{
    bond::{Bond, COPY_VARIABLE, CopyFiles, Note, RELEASE_VARIABLE},
    control::{HANDOVER_VARIABLE, HOST_VARIABLE},
    exit::Exit,
    follow::{Readers, follow},
    launch::Launch,
    memory, output,
    probe::Probe,
    spawn::{Group, bind_to_supervisor, set_free},
    status::{Event, Happening, ProcessStatus, State, copy_id},
    supervisor::{Heavy, Shared},
    survivor::{Running, Survivor},
};

/// A process that becomes ready within this needs no explanation.
const QUIET_START: Duration = Duration::from_secs(3);
/// What is for a host alone: its lock, and the socket that systemd gave it.
const NOT_INHERITED: [&str; 4] = [HANDOVER_VARIABLE, "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];
/// How long the last words of a dead process may take to come out of its pipes.
const LAST_WORDS: Duration = Duration::from_secs(1);

pub(super) struct Keeper {
    launch: Launch,
    /// Which of the statuses is its own.
    copy: u64,
    shared: Arc<Shared>,
    /// Ends this keeper's process, as the drain ends all of them.
    stop: CancellationToken,
    /// The port of its last copy, so that a restart keeps the address.
    ops_port: u16,
    /// Those of a copy that outlives us.
    files: Option<CopyFiles>,
}

/// A running copy.
struct Copy {
    body: Body,
    pid: u32,
    group: Group,
    output: JoinSet<()>,
    /// Cancelled when it has ended, for those who read its file.
    ended: CancellationToken,
    probe: Probe,
    ops_address: SocketAddr,
}

/// Whose child it is.
enum Body {
    Ours(Child),
    Adopted(Running),
}

impl Keeper {
    pub(super) fn new(launch: Launch, copy: u64, shared: Arc<Shared>, stop: CancellationToken) -> Self {
        let files = match &shared.bond {
            Bond::Together => None,
            Bond::Outliving { run_folder, .. } => {
                Some(CopyFiles::of(run_folder, &launch.procfile.name, copy))
            }
        };
        Self { ops_port: launch.ops_port, launch, copy, shared, stop, files }
    }

    /// Begins with a start, or with what runs already.
    pub(super) async fn run(mut self, mut survivor: Option<Survivor>) {
        let mut deaths = 0;
        while survivor.is_some() || !self.stop.is_cancelled() {
            let began = Instant::now();
            let running = match survivor.take() {
                Some(survivor) => Ok(self.take_over(&survivor)),
                None => self.start().await,
            };
            let ended = match running {
                Ok(copy) => Ok(self.attend(copy).await),
                Err(reason) => Err(reason),
            };
            if self.stop.is_cancelled() {
                break;
            }
            let restart = self.shared.policy.after_death(deaths, began.elapsed());
            deaths = restart.deaths;
            let (reason, happening) = match ended {
                Ok(exit) => (exit.to_string(), Happening::Died(exit, restart)),
                Err(reason) => (reason.clone(), Happening::NotStarted(reason, restart)),
            };
            self.enter(State::Restarting, Some(reason));
            self.change(|status| (status.restarts, status.deaths) = (status.restarts + 1, restart.deaths));
            self.say(happening);
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = time::sleep(restart.pause) => {}
            }
        }
        if let Some(files) = &self.files {
            files.remove();
        }
        self.enter(State::Stopped, None);
        self.say(Happening::Stopped);
        if !self.shared.drain.is_cancelled() {
            // Another copy has taken its place.
            self.shared.statuses.send_modify(|statuses| statuses.retain(|status| status.copy != self.copy));
        }
    }

    async fn start(&mut self) -> Result<Copy, String> {
        let program = self.launch.procfile.program.clone();
        let executable = self.launch.executable().ok_or_else(|| {
            format!("{}: there is no program {program:?} to execute", self.launch.procfile.origin)
        })?;
        let ops_address =
            self.shared.ports.free(self.launch.ops_host, self.ops_port).map_err(|error| error.to_string())?;
        self.ops_port = ops_address.port();

        let mut command = Command::new(executable);
        command
            .args(&self.launch.procfile.arguments)
            .current_dir(&self.launch.folder)
            .envs(self.launch.environment.iter().map(|(name, value)| (name, value)))
            .env("PATH", &self.launch.path)
            .env("OPS_HOST", ops_address.ip().to_string())
            .env("OPS_PORT", ops_address.port().to_string())
            .env_remove("LISTEN_FD")
            .stdin(Stdio::null());
        for ours in NOT_INHERITED {
            command.env_remove(ours);
        }
        if let Some(listener) = &self.launch.listener {
            use std::os::fd::AsRawFd as _;
            command.env("LISTEN_FD", listener.as_raw_fd().to_string());
        }
        let bound = self.bind(&mut command);
        let spawned = match bound {
            Ok(()) => self.shared.spawner.spawn(command).await,
            Err(error) => Err(error),
        };
        let mut child = spawned.map_err(|error| {
            self.shared.ports.give_back(ops_address.port());
            format!("{}: {program:?} cannot be executed: {error}", self.launch.procfile.origin)
        })?;
        let group = Group::led_by(&child).expect("a child that was not awaited has a process id");
        let pid = child.id().expect("a child that was not awaited has a process id");

        let mut output = JoinSet::new();
        let (name, id) = (&self.launch.procfile.name, copy_id(&self.launch.procfile.name, self.copy));
        if let Some(pipe) = child.stdout.take() {
            output.spawn(output::forward(name.clone(), id.clone(), pipe, self.shared.lines.clone()));
        }
        if let Some(pipe) = child.stderr.take() {
            output.spawn(output::forward(name.clone(), id, pipe, self.shared.lines.clone()));
        }
        self.enter(State::Starting, None);
        Ok(self.see(Body::Ours(child), group, output, pid, ops_address))
    }

    /// Says how long the child lives, and where it prints.
    fn bind(&self, command: &mut Command) -> std::io::Result<()> {
        let listener = self.launch.listener.clone();
        match (&self.shared.bond, &self.files) {
            (Bond::Outliving { run_folder, .. }, Some(files)) => {
                let output = files.output()?;
                command.stdout(output.try_clone()?).stderr(output);
                command.env(HOST_VARIABLE, run_folder).env(COPY_VARIABLE, files.name());
                match &self.launch.release {
                    Some(release) => command.env(RELEASE_VARIABLE, release),
                    None => command.env_remove(RELEASE_VARIABLE),
                };
                // Until it is known who the process is, whoever finds it takes it for what it says.
                files.write_note(&Note { restarts: self.restarts(), ..Note::default() });
                set_free(command, listener);
            }
            _ => {
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
                bind_to_supervisor(command, listener);
            }
        }
        Ok(())
    }

    fn take_over(&mut self, survivor: &Survivor) -> Copy {
        self.ops_port = survivor.ops_address.port();
        let pid = survivor.running.pid;
        let (body, group) = (Body::Adopted(survivor.running), Group::of(pid));
        self.see(body, group, JoinSet::new(), pid, survivor.ops_address)
    }

    /// From now on it can be seen.
    fn see(
        &self,
        body: Body,
        group: Group,
        mut output: JoinSet<()>,
        pid: u32,
        ops_address: SocketAddr,
    ) -> Copy {
        let (ended, name) = (CancellationToken::new(), &self.launch.procfile.name);
        if let Some(files) = &self.files {
            if !files.note().leaves {
                files.write_note(&Note { pid: Some(pid), restarts: self.restarts(), leaves: false });
            }
            let readers = Readers { log: self.shared.log_of(name), lines: self.shared.lines.clone() };
            output.spawn(follow(name.clone(), files.clone(), readers, ended.clone()));
        }
        self.change(|status| {
            (status.pid, status.ops_address) = (Some(pid), Some(ops_address));
            status.started_at = Some(Utc::now());
        });
        self.say(Happening::Started { pid, ops_address });
        let probe = Probe::new(self.shared.client.clone(), ops_address, self.launch.page);
        Copy { body, pid, group, output, ended, probe, ops_address }
    }

    /// Watches a copy until it has ended, by itself or because it was asked to.
    async fn attend(&self, mut copy: Copy) -> Exit {
        let exit = tokio::select! {
            exit = copy.body.wait() => exit,
            never = self.watch_answers(&copy.probe) => match never {},
            never = self.watch_memory(copy.pid, copy.group) => match never {},
            () = self.stop.cancelled() => self.drain(&mut copy).await,
        };
        // What it started must not stay behind: it would hold ports, jobs and our pipes.
        copy.group.kill();
        copy.ended.cancel();
        drop(time::timeout(LAST_WORDS, async { while copy.output.join_next().await.is_some() {} }).await);
        self.shared.ports.give_back(copy.ops_address.port());
        self.change(|status| (status.pid, status.memory) = (None, None));
        exit
    }

    async fn drain(&self, copy: &mut Copy) -> Exit {
        self.enter(State::Draining, None);
        self.say(Happening::Draining);
        self.ask_to_leave(copy.group);
        let begun = Instant::now();
        tokio::select! {
            exit = copy.body.wait() => return exit,
            () = time::sleep(self.shared.drain_limit) => {}
            () = self.shared.kill.cancelled() => {}
        }
        let id = copy_id(&self.launch.procfile.name, self.copy);
        self.say(Happening::Killed { copy: id, after: begun.elapsed() });
        copy.group.kill();
        copy.body.wait().await
    }

    /// Once: a second time would mean at once.
    fn ask_to_leave(&self, group: Group) {
        if let Some(files) = &self.files {
            let note = files.note();
            if note.leaves {
                return;
            }
            files.write_note(&Note { leaves: true, ..note });
        }
        group.terminate();
    }

    fn restarts(&self) -> u32 {
        let statuses = self.shared.statuses.borrow();
        statuses.iter().find(|status| status.copy == self.copy).map_or(0, |status| status.restarts)
    }

    /// Measures for ever; has what is too large replaced, and kills what is much too large.
    async fn watch_memory(&self, pid: u32, group: Group) -> Infallible {
        let mut told: Option<Instant> = None;
        loop {
            let bytes = memory::resident(pid);
            self.shared.statuses.send_if_modified(|statuses| {
                let own = statuses.iter_mut().find(|status| status.copy == self.copy);
                own.is_some_and(|own| std::mem::replace(&mut own.memory, bytes) != bytes)
            });
            let limit = self.launch.memory_limit;
            if let (Some(bytes), Some(limit)) = (bytes, limit) {
                let heavy = |killed| Happening::Heavy { bytes, limit, killed };
                match memory::judge(bytes, Some(limit)) {
                    memory::Verdict::Kill => {
                        self.say(heavy(true));
                        group.kill();
                    }
                    memory::Verdict::Replace if told.is_none_or(|at| at.elapsed() > memory::PATIENCE) => {
                        told = Some(Instant::now());
                        self.say(heavy(false));
                        let process = self.launch.procfile.name.clone();
                        // Nobody takes orders from us in a dev: then only the hard limit counts.
                        drop(self.shared.heavy.send(Heavy { process, copy: self.copy, bytes, limit }));
                    }
                    _ => {}
                }
            }
            time::sleep(memory::BETWEEN).await;
        }
    }

    /// Pings for ever and tells of every change.
    async fn watch_answers(&self, probe: &Probe) -> Infallible {
        let mut ready = false;
        let mut since = Instant::now();
        let mut said = None;
        loop {
            match probe.ask().await {
                Ok(()) if !ready => {
                    (ready, said) = (true, None);
                    self.enter(State::Ready, None);
                    self.say(Happening::Ready { after: since.elapsed() });
                }
                Ok(()) => {}
                Err(reason) if ready => {
                    (ready, since, said) = (false, Instant::now(), Some(reason.clone()));
                    self.enter(State::Unready, Some(reason.clone()));
                    self.say(Happening::Unready(reason));
                }
                Err(reason) => {
                    if since.elapsed() > QUIET_START && said.as_ref() != Some(&reason) {
                        said = Some(reason.clone());
                        self.say(Happening::Waits(reason.clone()));
                    }
                    self.change(|status| status.reason = Some(reason));
                }
            }
            time::sleep(pause_between_pings(ready, since.elapsed())).await;
        }
    }

    fn enter(&self, state: State, reason: Option<String>) {
        self.change(|status| {
            (status.state, status.since, status.reason) = (state, Utc::now(), reason);
        });
    }

    fn change(&self, change: impl FnOnce(&mut ProcessStatus)) {
        self.shared.statuses.send_modify(|statuses| {
            if let Some(own) = statuses.iter_mut().find(|status| status.copy == self.copy) {
                change(own);
            }
        });
    }

    fn say(&self, happening: Happening) {
        let event = Event { process: self.launch.procfile.name.clone(), happening };
        // Nobody listens: the processes run all the same.
        drop(self.shared.events.send(event));
    }
}

impl Body {
    async fn wait(&mut self) -> Exit {
        match self {
            // Waiting for a child of ours fails only if someone else reaped it: then its end is all we know.
            Self::Ours(child) => child.wait().await.map_or(Exit::Unseen, Exit::from),
            Self::Adopted(running) => running.wait().await,
        }
    }
}

/// Often while someone waits for it, seldom once it answers.
fn pause_between_pings(ready: bool, waited: Duration) -> Duration {
    match (ready, waited < QUIET_START) {
        (true, _) => Duration::from_secs(2),
        (false, true) => Duration::from_millis(40),
        (false, false) => Duration::from_millis(500),
    }
}
