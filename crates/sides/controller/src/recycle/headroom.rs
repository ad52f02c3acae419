//! Whether there is room to replace an instance. Pure.

use std::time::Duration;

use platform::place::{Abilities, Instance as Replica, InstanceState};

/// What a place has left.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Headroom<'a> {
    pub(crate) replicas: &'a [Replica],
    pub(crate) abilities: &'a Abilities,
    /// A replica whose process does not say that it is ready.
    pub(crate) unready: Option<&'a str>,
    /// How long the oldest job has waited that could run.
    pub(crate) oldest: Duration,
    /// What the machine has left, and what the largest replica takes, in bytes.
    pub(crate) memory: Option<(u64, u64)>,
}

/// Jobs that wait for longer need every worker there is.
const LATE: Duration = Duration::from_secs(30);

impl Headroom<'_> {
    /// Why restarting one of them would not be sound now.
    pub(crate) fn lacks(&self) -> Option<String> {
        let is = |state| self.replicas.iter().any(|replica| replica.state == state);
        if is(InstanceState::Draining) {
            return Some("an instance is still draining".to_owned());
        }
        if self.replicas.iter().any(|replica| replica.state != InstanceState::Healthy) {
            return Some("not every instance answers".to_owned());
        }
        if let Some(replica) = self.unready {
            return Some(format!("{replica} has not reported ready"));
        }
        if self.oldest > LATE {
            return Some(format!("jobs have waited for {} s", self.oldest.as_secs()));
        }
        // In its own stead: jobs wait until it is up, and nothing more is needed for it.
        if !self.abilities.surges {
            return None;
        }
        if self.replicas.len() >= self.abilities.most_instances as usize {
            return Some(format!("at most {} instances are allowed", self.replicas.len()));
        }
        let (left, takes) = self.memory?;
        (left < takes + takes / 2).then(|| {
            format!("{} MB of memory are left, but an instance takes {} MB", left >> 20, takes >> 20)
        })
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

    fn replica(state: InstanceState) -> Replica {
        Replica {
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
            most_instances: 2,
        };
        let lacks = |states: &[InstanceState], oldest, memory, abilities: &Abilities| {
            let replicas: Vec<_> = states.iter().copied().map(replica).collect();
            let oldest = Duration::from_secs(oldest);
            Headroom { replicas: &replicas, abilities, unready: None, oldest, memory }
                .lacks()
                .unwrap_or_default()
        };
        let (well, much) = ([InstanceState::Healthy], Some((200 << 20, 100 << 20)));
        assert_eq!(lacks(&well, 0, much, &abilities), "");
        assert_eq!(lacks(&well, 0, None, &abilities), "");
        let leaves = [InstanceState::Healthy, InstanceState::Draining];
        assert_eq!(lacks(&leaves, 0, much, &abilities), "an instance is still draining");
        assert_eq!(lacks(&[InstanceState::Crashed], 0, much, &abilities), "not every instance answers");
        assert!(lacks(&[InstanceState::Healthy; 2], 0, much, &abilities).contains("are allowed"));
        assert!(lacks(&well, 31, much, &abilities).contains("waited for 31 s"));
        assert!(lacks(&well, 0, Some((140 << 20, 100 << 20)), &abilities).contains("140 MB"));
        let in_place = Abilities { surges: false, ..abilities };
        assert_eq!(
            lacks(&[InstanceState::Healthy; 2], 0, Some((0, 100 << 20)), &in_place),
            "",
            "in its stead"
        );
        assert_eq!(lacks(&leaves, 0, None, &in_place), "an instance is still draining");
        assert!(lacks(&well, 31, None, &in_place).contains("waited for 31 s"));
        let replicas = [replica(InstanceState::Healthy)];
        let (unready, oldest) = (Some("worker.1"), Duration::ZERO);
        let lacks =
            Headroom { replicas: &replicas, abilities: &in_place, unready, oldest, memory: None }.lacks();
        assert_eq!(lacks.unwrap(), "worker.1 has not reported ready");
    }
}
