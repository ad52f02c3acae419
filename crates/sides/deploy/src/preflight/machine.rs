//! Free disk space and memory.

use std::fs;

use workspace::{Workspace, releases::ask_for_room};

use super::Obstacle;

/// A build of a program writes more than this, and what is kept of it comes on top.
const BUILD_BYTES: u64 = 256 << 20;
/// With less a compiler is killed in the middle.
const MEMORY_BYTES: u64 = 256 << 20;

pub(super) fn look(workspace: &Workspace) -> Vec<Obstacle> {
    let room = ask_for_room(&nearest(workspace), BUILD_BYTES).err().map(|error| {
        let next =
            "free some space (`cargo clean` removes what builds can make again), or move .sides/ to a larger disk";
        Obstacle::new("disk", error.to_string(), next)
    });
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| available(&text));
    let memory = memory.filter(|bytes| *bytes < MEMORY_BYTES).map(|bytes| {
        let text = format!("{} MB are available, but a build needs {} MB", bytes >> 20, MEMORY_BYTES >> 20);
        Obstacle::new("memory", text, "stop what uses it, add swap, or release from a larger machine")
    });
    room.into_iter().chain(memory).collect()
}

/// Where builds are kept, or will be.
fn nearest(workspace: &Workspace) -> std::path::PathBuf {
    let folder = workspace.releases_folder();
    if folder.is_dir() { folder } else { workspace.root().to_owned() }
}

/// What programs may still take, in bytes: memory that can be freed, and swap.
fn available(text: &str) -> Option<u64> {
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()
    };
    Some((of("MemAvailable:")? + of("SwapFree:").unwrap_or(0)) << 10)
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_is_what_can_be_freed_and_swap() {
        let text = "MemTotal:       24000000 kB\nMemAvailable:     100 kB\nSwapFree:          28 kB\n";
        assert_eq!(super::available(text), Some(128 << 10));
        assert_eq!(super::available("of another system"), None);
    }
}
