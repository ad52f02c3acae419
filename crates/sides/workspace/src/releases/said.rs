//! What kept programs have said of themselves, written down beside them: the same bytes say the same, and a busy machine
//! may take longer to ask them again than there is time.

use std::fs;

use manifest::Manifest;
use platform::local::write_private;

use super::{Digest, Store};

const MANIFEST: &str = "manifest.json";

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

    /// Whether some kept build of a process has said what it is.
    pub fn has_manifests(&self, process: &str) -> bool {
        self.starting_with(process, "").iter().any(|digest| self.manifest(process, digest).is_some())
    }
}
