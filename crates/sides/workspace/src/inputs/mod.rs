//! What one process' program is built from: its crates' files, the packages it links, and the settings of the build.
//!
//! Read alike from the work tree and from a commit (`tree`), so that two of them can be compared: the manifests give
//! the crates (`packages`, `crates`), the crates their files (`sources`), `Cargo.lock` the packages from elsewhere
//! (`lock`). It is an upper bound: whatever could change the bytes is in here, and some that does not.

mod crates;
mod difference;
mod environment;
mod lock;
mod manifests;
mod packages;
mod read;
mod sources;
mod tree;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use crates::Graph;
pub use difference::{Difference, How, Input};
pub use read::{Sources, toolchain};
pub use tree::{Folder, Tree, is_left_out};

/// Everything that one program is built from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// Crate → file → digest of its content, or of as much of it as matters.
    pub files: BTreeMap<String, BTreeMap<String, String>>,
    /// Packages from elsewhere: name → versions, each with its checksum or source.
    pub packages: BTreeMap<String, Vec<String>>,
    /// Everything else: toolchain, profile, Procfile, workspace-wide manifest entries.
    pub settings: BTreeMap<String, String>,
}

fn digest(content: &[u8]) -> String {
    hex::encode(&Sha256::digest(content)[..16])
}
