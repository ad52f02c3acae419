//! When to look for jobs of the dead.
//!
//! That walks all jobs that run, and whatever ran since the last vacuum. So it is done when a lease has run out, and now and
//! then for jobs of runners that nobody knows.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use uuid::Uuid;

/// A claim or an outcome of a runner that has just died may still be on its way.
const LOOKS: u8 = 3;
/// A look that takes long is worth waiting for this many times as long.
const SHARE: u32 = 20;

/// Leases that have run out.
#[derive(Debug, Default)]
pub(crate) struct Rescues {
    /// How often their jobs were looked for. A lease that was renewed and ran out again is another one.
    looked: HashMap<(Uuid, String), u8>,
    next: Option<Instant>,
}

impl Rescues {
    /// Whether to look now, where these leases have run out.
    pub(crate) fn is_due(&self, now: Instant, over: &[(Uuid, String)]) -> bool {
        self.next.is_none_or(|next| now >= next)
            || over.iter().any(|lease| self.looked.get(lease).is_none_or(|looks| *looks < LOOKS))
    }

    /// Jobs were looked for.
    pub(crate) fn looked(
        &mut self,
        ended: Instant,
        took: Duration,
        lease: Duration,
        over: Vec<(Uuid, String)>,
    ) {
        self.next = Some(ended + lease.max(took * SHARE));
        let looked = over.into_iter().map(|lease| {
            let looks = self.looked.get(&lease).map_or(1, |looks| looks.saturating_add(1));
            (lease, looks)
        });
        self.looked = looked.collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_ran_out_is_looked_after_a_few_times_and_all_now_and_then() {
        let (start, lease, short) = (Instant::now(), Duration::from_secs(30), Duration::from_millis(1));
        let over = |time: &str| vec![(Uuid::from_u128(1), time.to_owned())];
        let mut rescues = Rescues::default();
        assert!(rescues.is_due(start, &[]));
        rescues.looked(start, short, lease, Vec::new());
        assert!(!rescues.is_due(start, &[]));
        for _ in 0..LOOKS {
            assert!(rescues.is_due(start, &over("12:00")));
            rescues.looked(start, short, lease, over("12:00"));
        }
        assert!(!rescues.is_due(start, &over("12:00")));
        assert!(rescues.is_due(start, &over("13:00")));
        assert!(rescues.is_due(start + lease, &over("12:00")));
        rescues.looked(start, Duration::from_secs(3), lease, over("12:00"));
        assert!(!rescues.is_due(start + lease, &over("12:00")));
        assert!(rescues.is_due(start + Duration::from_secs(60), &over("12:00")));
    }
}
