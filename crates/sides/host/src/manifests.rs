//! What the builds of this host say of themselves: who gets the public socket, and who is told of Heroku.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use manifest::{Manifest, Role};
use platform::procfile;
use tokio::time;
use workspace::releases::{Digest, Set, Store, has_role};

/// A release has asked its builds before, and what they said is kept. A host does not wait longer for others.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// What builds have said, and which process visitors reach.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    said: BTreeMap<(String, Digest), Manifest>,
    public: Option<String>,
}

impl Manifests {
    /// Asks the builds that run. Where several answer visitors, the public socket is for the one that Procfiles take for it,
    /// or for the first by name.
    pub(super) async fn ask_all(&mut self, store: &Store, running: &Set) {
        for (process, digest) in running {
            self.ask(store, process, digest).await;
        }
        let those = running.iter().filter(|(process, digest)| self.has_role(process, digest, Role::Listens));
        let first = those.map(|(process, _)| process).min_by_key(|process| *process != procfile::WEB);
        self.public = first.cloned();
    }

    /// Asks a build that may be started, unless it has said it before. The first that answers visitors gets the public socket.
    pub(super) async fn ask(&mut self, store: &Store, process: &str, digest: &Digest) {
        let build = (process.to_owned(), digest.clone());
        if let Entry::Vacant(unasked) = self.said.entry(build) {
            let asked = time::timeout(ANSWER_LIMIT, store.ask(process, digest)).await;
            // One that is late is asked again the next time.
            if let Ok(Ok(Some(manifest))) = asked {
                unasked.insert(manifest);
            }
        }
        if self.public.is_none() && self.has_role(process, digest, Role::Listens) {
            self.public = Some(process.to_owned());
        }
    }

    /// Whether visitors reach this build of a process.
    pub(super) fn is_public(&self, process: &str, digest: &Digest) -> bool {
        self.public.as_deref() == Some(process) && self.has_role(process, digest, Role::Listens)
    }

    pub(super) fn has_role(&self, process: &str, digest: &Digest, role: Role) -> bool {
        has_role(self.said.get(&(process.to_owned(), digest.clone())), process, role)
    }

    /// The first of its roles.
    pub(super) fn role(&self, process: &str, digest: &Digest) -> Option<Role> {
        Role::ALL.into_iter().find(|role| self.has_role(process, digest, *role))
    }
}
