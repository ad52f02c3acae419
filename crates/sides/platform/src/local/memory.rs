//! How much memory an instance uses, and when that is too much.

use std::{fs, time::Duration};

use nix::unistd::{SysconfVar, sysconf};

/// How often an instance is measured.
pub(super) const BETWEEN: Duration = Duration::from_secs(2);
/// How long an instance that is too large has for being followed by a new one, before that is asked for again.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// So many times its limit, an instance is not waited for any more.
const HARD: u64 = 2;

/// What to do about an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    /// A new instance is to follow, and this one to drain.
    Replace,
    /// The machine is in danger.
    Kill,
}

/// Judges an instance that takes `bytes`; without a limit it may take what there is.
pub(super) fn judge(bytes: u64, limit: Option<u64>) -> Verdict {
    match limit {
        Some(limit) if bytes > limit.saturating_mul(HARD) => Verdict::Kill,
        Some(limit) if bytes > limit => Verdict::Replace,
        _ => Verdict::Fine,
    }
}

/// The resident memory of a process in bytes.
pub(super) fn resident(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten()?;
    pages.checked_mul(u64::try_from(page).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_the_limit_it_is_replaced_and_well_above_killed() {
        let verdicts = [100, 101, 200, 201].map(|bytes| judge(bytes, Some(100)));
        assert_eq!(verdicts, [Verdict::Fine, Verdict::Replace, Verdict::Replace, Verdict::Kill]);
        assert_eq!(judge(u64::MAX, None), Verdict::Fine);
        assert!(resident(std::process::id()).unwrap() > 1 << 20);
        assert_eq!(resident(u32::MAX), None);
    }
}
