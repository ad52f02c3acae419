//! What is printed.

use std::time::Duration;

pub(crate) fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")),
        Err(_) => default,
    }
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// Rows are printed as they come: a run that is stopped has said something.
#[derive(Default)]
pub(crate) struct Table {
    ceiling: Option<f64>,
}

impl Table {
    pub(crate) fn ceiling(&mut self, what: &str, count: u64, took: Duration) {
        let rate = count as f64 / took.as_secs_f64();
        self.ceiling = Some(self.ceiling.map_or(rate, |best| best.max(rate)));
        println!("{what:<46} {rate:>9.0} /s");
    }

    pub(crate) fn rate(&self, what: &str, count: u64, took: Duration) {
        println!("{what:<46} {:>9.0} /s", count as f64 / took.as_secs_f64());
    }

    pub(crate) fn drained(&self, what: &str, count: u64, took: Duration) {
        let rate = count as f64 / took.as_secs_f64();
        let share = self.ceiling.map_or(0.0, |ceiling| 100.0 * rate / ceiling);
        println!("{what:<46} {rate:>9.0} /s  {share:>3.0} % of the SQL ceiling");
    }

    pub(crate) fn latency(&self, what: &str, mut all: Vec<Duration>) {
        all.sort_unstable();
        let at = |share: usize| all[(all.len() * share / 100).min(all.len() - 1)];
        println!("{what:<46} p50 {:>8.2?}  p99 {:>8.2?}", at(50), at(99));
    }
}
