//! What kept programs have said of themselves, written down beside them: the same bytes say the same, and a busy machine
//! may take longer to ask them again than there is time.

use std::fs;

use anyhow::bail;
use manifest::{Manifest, Role};
use platform::{local::write_private, procfile};

use super::{Digest, Set, Store};
use crate::program::{Answer, ask_manifest};

const MANIFEST: &str = "manifest.json";

/// Whether a build of a process has a role. One that says none of itself, as none did once, is what Procfiles take its process
/// for.
pub fn has_role(said: Option<&Manifest>, process: &str, role: Role) -> bool {
    let is_told = said.is_some_and(|manifest| manifest.listens || manifest.works || manifest.fires);
    match said {
        Some(manifest) if is_told || role != Role::Listens => manifest.has_role(role),
        _ => role == Role::Listens && process == procfile::WEB,
    }
}

impl Store {
    /// What a kept program has said of itself; nothing when it has not been asked yet, or said nothing.
    pub fn manifest(&self, process: &str, digest: &Digest) -> Option<Manifest> {
        let text = fs::read_to_string(self.find(process, digest)?.join(MANIFEST)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Writes it down. Where that fails, the program is asked again.
    pub fn note_manifest(&self, process: &str, digest: &Digest, manifest: &Manifest) {
        // Without a record beside it, the program is the only file there.
        if self.record(process, digest).is_some()
            && let (Some(folder), Ok(text)) = (self.find(process, digest), serde_json::to_string(manifest))
        {
            write_private(&folder.join(MANIFEST), &text).ok();
        }
    }

    /// What a kept program says of itself, asked if need be; nothing when it says nothing. A build of which an earlier one
    /// said what it needs is not taken to need nothing because a busy machine did not let it answer.
    ///
    /// # Errors
    /// When it is not kept any more, or does not answer in time although an earlier build did.
    pub async fn ask(&self, process: &str, digest: &Digest) -> anyhow::Result<Option<Manifest>> {
        if let Some(manifest) = self.manifest(process, digest) {
            return Ok(Some(manifest));
        }
        match ask_manifest(&self.program(process, digest)?).await {
            Answer::Said(manifest) => {
                self.note_manifest(process, digest, &manifest);
                Ok(Some(*manifest))
            }
            Answer::Late if self.has_manifests(process) => bail!(
                "{process} {digest} did not answer --manifest in time, although an earlier build did, so what it needs is \
                 unknown; if the machine is busy, release again later"
            ),
            Answer::Nothing | Answer::Late => Ok(None),
        }
    }

    /// Whether a kept build has a role, as far as that is written down.
    pub fn has_role(&self, process: &str, digest: &Digest, role: Role) -> bool {
        has_role(self.manifest(process, digest).as_ref(), process, role)
    }

    /// The process of a set that has a role. Of several it is the one that Procfiles take for it, or the first by name.
    pub fn in_role<'a>(&self, set: &'a Set, role: Role) -> Option<&'a str> {
        let those = set.iter().filter(|(process, digest)| self.has_role(process, digest, role));
        those.map(|(process, _)| process.as_str()).min_by_key(|process| *process != procfile::WEB)
    }

    /// Whether some kept build of a process has said what it is.
    pub fn has_manifests(&self, process: &str) -> bool {
        self.starting_with(process, "").iter().any(|digest| self.manifest(process, digest).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_says_no_role_is_what_procfiles_take_its_process_for() {
        let listens = |said: Option<&Manifest>, process: &str| has_role(said, process, Role::Listens);
        let silent = Manifest::new("any", "d");
        assert!(listens(None, "web") && listens(Some(&silent), "web"));
        assert!(!listens(None, "page") && !listens(Some(&silent), "page"));
        let (page, worker) =
            (Manifest { listens: true, ..silent.clone() }, Manifest { works: true, ..silent.clone() });
        assert!(listens(Some(&page), "page") && !listens(Some(&worker), "web"));
        assert!(has_role(Some(&worker), "web", Role::Works) && !has_role(None, "worker", Role::Works));
    }
}
