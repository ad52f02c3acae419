//! Watches an instance until it has ended, and stops it on request.

use std::time::{Duration, Instant};

use tokio::time;

use super::{Body, Keeper, RunningInstance};
use crate::local::{
    exit::Exit,
    lifetime::Note,
    spawn::Group,
    status::{Happening, State, instance_id},
};

/// How long the last words of a dead process may take to come out of its pipes.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl Keeper {
    /// Watches an instance until it has ended, by itself or because it was asked to.
    pub(super) async fn attend(&self, mut instance: RunningInstance) -> Exit {
        let exit = tokio::select! {
            exit = instance.body.wait() => exit,
            never = self.watch_answers(&instance.probe) => match never {},
            never = self.watch_memory(instance.pid, instance.group) => match never {},
            () = self.stop.cancelled() => self.drain(&mut instance).await,
        };
        // What it started must not stay behind: it would hold ports, jobs and our pipes.
        instance.group.kill();
        instance.ended.cancel();
        drop(time::timeout(LAST_WORDS, async { while instance.output.join_next().await.is_some() {} }).await);
        self.shared.ports.give_back(instance.ops_address.port());
        self.change(|status| (status.pid, status.memory) = (None, None));
        exit
    }

    async fn drain(&self, instance: &mut RunningInstance) -> Exit {
        self.enter(State::Draining, None);
        self.say(Happening::Draining);
        self.ask_to_leave(instance.group);
        let begun = Instant::now();
        tokio::select! {
            exit = instance.body.wait() => return exit,
            () = time::sleep(self.shared.drain_limit) => {}
            () = self.shared.kill.cancelled() => {}
        }
        let id = instance_id(&self.launch.procfile.name, self.instance);
        self.say(Happening::Killed { instance: id, after: begun.elapsed() });
        instance.group.kill();
        instance.body.wait().await
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
