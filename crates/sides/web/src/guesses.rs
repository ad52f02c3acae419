//! Wrong secrets are answered ever more slowly.
//!
//! Each address has a few tries, then waits twice as long after each wrong one; all addresses together are looked at
//! a few times a second. A try counts as wrong until it was right, so that a thousand at once are no thousand tries.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use prometheus::{IntCounterVec, Opts, Registry};

/// Wrong tries of an address before it waits.
const FREE: u32 = 3;
/// The first wait; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// After so long without a try, an address begins anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(900);
/// Tries of everybody in a second.
const TOGETHER: u32 = 20;
/// Addresses that are remembered.
const ADDRESSES: usize = 10_000;

/// What the tries of one instance were.
pub(crate) struct Guesses {
    state: Mutex<State>,
    counted: IntCounterVec,
}

#[derive(Default)]
struct State {
    by_address: HashMap<IpAddr, Tries>,
    second: Option<(Instant, u32)>,
}

#[derive(Clone, Copy)]
struct Tries {
    wrong: u32,
    last: Instant,
}

impl Guesses {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let about = Opts::new(
            "http_sign_in_attempts_total",
            "Secrets that were tried: right, wrong, or not looked at",
        );
        let counted = IntCounterVec::new(about, &["outcome"])?;
        registry.register(Box::new(counted.clone()))?;
        Ok(Self { state: Mutex::default(), counted })
    }

    /// Asks for a try. Otherwise, how long to wait.
    pub(crate) fn begin(&self, address: IpAddr) -> Result<(), Duration> {
        let begun = self.lock().begin(network(address), Instant::now());
        if begun.is_err() {
            self.counted.with_label_values(&["slowed"]).inc();
        }
        begun
    }

    /// The try was right.
    pub(crate) fn right(&self, address: IpAddr) {
        self.counted.with_label_values(&["right"]).inc();
        self.lock().right(network(address));
    }

    /// The try was wrong, which was taken for granted. Said in the log: a try is let through so often only.
    pub(crate) fn wrong(&self, address: IpAddr, to: &str) {
        self.counted.with_label_values(&["wrong"]).inc();
        let wrong = self.lock().by_address.get(&network(address)).map_or(1, |tries| tries.wrong);
        tracing::info!(client.address = %address, client.wrong = wrong, "a wrong secret for {to}");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn begin(&mut self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        if let Some(tries) = self.by_address.get(&address) {
            let open_at = tries.last + wait(tries.wrong);
            if now < open_at {
                return Err(open_at - now);
            }
        }
        let second = self.second.get_or_insert((now, 0));
        if now.duration_since(second.0) >= Duration::from_secs(1) {
            *second = (now, 0);
        }
        if second.1 >= TOGETHER {
            return Err(Duration::from_secs(1));
        }
        second.1 += 1;
        if self.by_address.len() >= ADDRESSES {
            self.by_address.retain(|_, tries| now.duration_since(tries.last) < LONGEST_WAIT);
        }
        let tries = self.by_address.entry(address).or_insert(Tries { wrong: 0, last: now });
        if now.duration_since(tries.last) > FORGOTTEN_AFTER {
            tries.wrong = 0;
        }
        *tries = Tries { wrong: tries.wrong.saturating_add(1), last: now };
        Ok(())
    }

    /// It was none of the tries that all together have: who knows the secret may ask as often as they like.
    fn right(&mut self, address: IpAddr) {
        self.by_address.remove(&address);
        if let Some((_, tries)) = &mut self.second {
            *tries = tries.saturating_sub(1);
        }
    }
}

fn wait(wrong: u32) -> Duration {
    let Some(beyond) = wrong.checked_sub(FREE) else { return Duration::ZERO };
    FIRST_WAIT.saturating_mul(1 << beyond.min(16)).min(LONGEST_WAIT)
}

/// Anyone who has one address of IPv6 has a whole network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));

    #[test]
    fn a_thousand_at_once_are_three_tries() {
        let (mut state, now) = (State::default(), Instant::now());
        let tried = (0..1000).filter(|_| state.begin(ONE, now).is_ok()).count();
        assert_eq!(tried, 3);
    }

    #[test]
    fn who_goes_on_waits_longer_and_who_stops_is_forgotten() {
        let (mut state, mut now) = (State::default(), Instant::now());
        let mut tried = 0;
        for _ in 0..3600 {
            tried += u32::from(state.begin(ONE, now).is_ok());
            now += Duration::from_secs(1);
        }
        assert!((100..150).contains(&tried), "{tried} in an hour");
        now += FORGOTTEN_AFTER * 2;
        assert_eq!((0..10).filter(|_| state.begin(ONE, now).is_ok()).count(), 3);
    }

    #[test]
    fn who_knows_the_secret_asks_as_often_as_they_like() {
        let (mut state, now) = (State::default(), Instant::now());
        for _ in 0..1000 {
            assert!(state.begin(ONE, now).is_ok());
            state.right(ONE);
        }
        let many = (0..1000_u32).map(|n| IpAddr::V4(n.into()));
        assert_eq!(many.filter(|address| state.begin(*address, now).is_ok()).count(), 20);
    }

    #[test]
    fn many_addresses_share_one_limit() {
        let (mut state, now) = (State::default(), Instant::now());
        let many = (0..1000_u32).map(|n| IpAddr::V4(n.into()));
        assert_eq!(many.filter(|address| state.begin(*address, now).is_ok()).count(), 20);
        let neighbours = (0..10_u16).map(|n| IpAddr::V6(Ipv6Addr::new(0x2a00, 1, 2, 3, 4, 5, 6, n)));
        let (mut state, now) = (State::default(), Instant::now());
        assert_eq!(neighbours.filter(|address| state.begin(network(*address), now).is_ok()).count(), 3);
    }
}
