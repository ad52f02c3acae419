//! Starts an instance, or adopts one that is running.

use std::{net::SocketAddr, process::Stdio};

use chrono::Utc;
use tokio::{process::Command, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Body, Keeper, RunningInstance};
use crate::local::{
    control::{HANDOVER_VARIABLE, HOST_VARIABLE},
    follow::{Readers, follow},
    lifetime::{FORMER_INSTANCE_VARIABLE, INSTANCE_VARIABLE, Lifetime, Note, RELEASE_VARIABLE},
    orphan::Orphan,
    output,
    probe::Probe,
    spawn::{Group, bind_to_supervisor, set_free},
    status::{Happening, State, instance_id},
};

/// What is for a host alone: its lock, and the socket that systemd gave it.
const NOT_INHERITED: [&str; 4] = [HANDOVER_VARIABLE, "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];

impl Keeper {
    pub(super) async fn start(&mut self) -> Result<RunningInstance, String> {
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
        let (name, id) = (&self.launch.procfile.name, instance_id(&self.launch.procfile.name, self.instance));
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
        match (&self.shared.lifetime, &self.files) {
            (Lifetime::Outliving { run_folder, .. }, Some(files)) => {
                let output = files.output()?;
                command.stdout(output.try_clone()?).stderr(output);
                command
                    .env(HOST_VARIABLE, run_folder)
                    .env(INSTANCE_VARIABLE, files.name())
                    .env(FORMER_INSTANCE_VARIABLE, files.name());
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

    pub(super) fn take_over(&mut self, orphan: &Orphan) -> RunningInstance {
        self.ops_port = orphan.ops_address.port();
        let pid = orphan.running.pid;
        let (body, group) = (Body::Adopted(orphan.running), Group::of(pid));
        self.see(body, group, JoinSet::new(), pid, orphan.ops_address)
    }

    /// From now on it can be seen.
    fn see(
        &self,
        body: Body,
        group: Group,
        mut output: JoinSet<()>,
        pid: u32,
        ops_address: SocketAddr,
    ) -> RunningInstance {
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
        let id = instance_id(name, self.instance);
        let probe = Probe::new(self.shared.client.clone(), ops_address, self.launch.page, id);
        RunningInstance { body, pid, group, output, ended, probe, ops_address }
    }
}
