//! Whether an instance of a new build leaks: it grows while it is watched, far beyond what it had at first and what the old
//! one takes.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How many times as much is grown, not warmed up.
const TIMES: u64 = 2;
/// How long an instance warms up: the most that it takes meanwhile is what it had at first.
const WARM_UP: Duration = Duration::from_secs(4);

/// When each new instance was looked at first, and how much memory it took then, in bytes.
#[derive(Default)]
pub(super) struct Growth(BTreeMap<String, (Instant, u64)>);

impl Growth {
    /// Why an instance that takes `now` bytes is to blame, if it is: since it was looked at first it has grown by more than
    /// `allowed` bytes (0 for any number), to twice what it had and twice what the old build took, as far as that is known.
    pub(super) fn see(&mut self, id: &str, now: u64, old: Option<u64>, allowed: u64) -> Option<String> {
        self.see_at(Instant::now(), id, now, old, allowed)
    }

    fn see_at(&mut self, at: Instant, id: &str, now: u64, old: Option<u64>, allowed: u64) -> Option<String> {
        let (since, most) = self.0.entry(id.to_owned()).or_insert((at, now));
        if at - *since < WARM_UP {
            *most = now.max(*most);
        }
        let first = *most;
        let base = first.max(old.unwrap_or(0));
        let has_grown = allowed > 0 && now > first + allowed && now > base * TIMES;
        let mb = |bytes: u64| bytes >> 20;
        let before = || old.map(|old| format!(", the old build took {} MB", mb(old))).unwrap_or_default();
        has_grown.then(|| {
            let (from, to) = (mb(first), mb(now));
            format!("{id} leaks: it grew from {from} MB to {to} MB while it was watched{}", before())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of these megabytes, two seconds from one to the next.
    fn seen(samples: &[u64], old: Option<u64>, allowed: u64) -> Option<String> {
        let (mut growth, mut at) = (Growth::default(), Instant::now());
        samples.iter().find_map(|mb| {
            at += Duration::from_secs(2);
            growth.see_at(at, "web.2", mb << 20, old.map(|mb| mb << 20), allowed << 20)
        })
    }

    #[test]
    fn one_that_grows_without_end_is_told_from_one_that_warms_up() {
        let said = seen(&[0, 40, 80, 120, 200], Some(50), 128).unwrap();
        assert_eq!(
            said,
            "web.2 leaks: it grew from 40 MB to 200 MB while it was watched, the old build took 50 MB"
        );
        assert_eq!(seen(&[0, 200, 210, 220, 230], Some(50), 128), None, "it had not begun yet");
        assert_eq!(seen(&[40, 40, 120, 160], Some(50), 128), None, "not by much");
        assert_eq!(seen(&[40, 40, 120, 200], Some(150), 128), None, "the old one had filled its caches, too");
        assert_eq!(seen(&[400, 400, 500, 600], Some(50), 128), None, "not by so many times");
        assert_eq!(seen(&[40, 40, 800], None, 0), None, "nobody wants to know");
        assert!(seen(&[40, 40, 800], None, 128).is_some());
    }
}
