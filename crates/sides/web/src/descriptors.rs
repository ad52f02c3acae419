//! How many connections the process has descriptors for.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors that connections must leave alone: the ops server, the database, logs.
const RESERVE: u64 = 128;
/// More than any instance answers.
const MOST: u64 = 20_000;

/// Raises the process' limit of descriptors as far as it may, and says how many connections fit below it.
pub(crate) fn capacity() -> usize {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 1024));
    let wanted = hard.min(MOST + RESERVE).max(soft);
    let limit = match setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) {
        Ok(()) => wanted,
        Err(_) => soft,
    };
    usize::try_from(room(limit)).unwrap_or(usize::MAX)
}

fn room(limit: u64) -> u64 {
    limit.saturating_sub(RESERVE).max(limit.div_ceil(4)).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::room;

    #[test]
    fn something_is_always_left() {
        for limit in [64, 256, 1024, 65_536, 1 << 30] {
            assert!(room(limit) > 0 && room(limit) < limit, "{limit}");
        }
        assert_eq!(room(1024), 896);
    }
}
