//! Whether there is room to start a copy afresh. Pure.

use std::time::Duration;

use platform::place::{Abilities, Instance as Copy, InstanceState};

/// What a place has left.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Room<'a> {
    pub(crate) copies: &'a [Copy],
    pub(crate) abilities: &'a Abilities,
    /// A copy whose process does not say that it is ready.
    pub(crate) unready: Option<&'a str>,
    /// How long the oldest job has waited that could run.
    pub(crate) oldest: Duration,
    /// What the machine has left, and what the largest copy takes, in bytes.
    pub(crate) memory: Option<(u64, u64)>,
}

/// Jobs that wait for longer need every worker there is.
const LATE: Duration = Duration::from_secs(30);

impl Room<'_> {
    /// Why starting one of them afresh would not be sound now.
    pub(crate) fn lacks(&self) -> Option<String> {
        let is = |state| self.copies.iter().any(|copy| copy.state == state);
        if is(InstanceState::Draining) {
            return Some("a copy still leaves".to_owned());
        }
        if self.copies.iter().any(|copy| copy.state != InstanceState::Healthy) {
            return Some("not every copy answers".to_owned());
        }
        if let Some(copy) = self.unready {
            return Some(format!("{copy} has not said that it is ready"));
        }
        if self.oldest > LATE {
            return Some(format!("jobs have waited for {} s", self.oldest.as_secs()));
        }
        // In its own stead: jobs wait until it is up, and nothing more is needed for it.
        if !self.abilities.surges {
            return None;
        }
        if self.copies.len() >= self.abilities.most_copies as usize {
            return Some(format!("{} copies are the most there may be", self.copies.len()));
        }
        let (left, takes) = self.memory?;
        (left < takes + takes / 2)
            .then(|| format!("{} MB of memory are left, and a copy takes {} MB", left >> 20, takes >> 20))
    }
}

/// What this machine has left, in bytes; `None` where it does not say.
pub(crate) fn memory_left() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(state: InstanceState) -> Copy {
        Copy {
            id: "worker.1".to_owned(),
            release: String::new(),
            since: chrono::DateTime::UNIX_EPOCH,
            state,
            reason: None,
            details: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn what_is_lacking_is_named() {
        let abilities = Abilities {
            inherits_sockets: false,
            surges: true,
            gap: Duration::ZERO,
            drain_limit: Duration::ZERO,
            most_copies: 2,
        };
        let lacks = |states: &[InstanceState], oldest, memory, abilities: &Abilities| {
            let copies: Vec<_> = states.iter().copied().map(copy).collect();
            let oldest = Duration::from_secs(oldest);
            Room { copies: &copies, abilities, unready: None, oldest, memory }.lacks().unwrap_or_default()
        };
        let (well, much) = ([InstanceState::Healthy], Some((200 << 20, 100 << 20)));
        assert_eq!(lacks(&well, 0, much, &abilities), "");
        assert_eq!(lacks(&well, 0, None, &abilities), "");
        let leaves = [InstanceState::Healthy, InstanceState::Draining];
        assert_eq!(lacks(&leaves, 0, much, &abilities), "a copy still leaves");
        assert_eq!(lacks(&[InstanceState::Crashed], 0, much, &abilities), "not every copy answers");
        assert!(lacks(&[InstanceState::Healthy; 2], 0, much, &abilities).contains("the most"));
        assert!(lacks(&well, 31, much, &abilities).contains("waited for 31 s"));
        assert!(lacks(&well, 0, Some((140 << 20, 100 << 20)), &abilities).contains("140 MB"));
        let stiff = Abilities { surges: false, ..abilities };
        assert_eq!(lacks(&[InstanceState::Healthy; 2], 0, Some((0, 100 << 20)), &stiff), "", "in its stead");
        assert_eq!(lacks(&leaves, 0, None, &stiff), "a copy still leaves");
        assert!(lacks(&well, 31, None, &stiff).contains("waited for 31 s"));
        let copies = [copy(InstanceState::Healthy)];
        let (unready, oldest) = (Some("worker.1"), Duration::ZERO);
        let lacks = Room { copies: &copies, abilities: &stiff, unready, oldest, memory: None }.lacks();
        assert_eq!(lacks.unwrap(), "worker.1 has not said that it is ready");
    }
}
