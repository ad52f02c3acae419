//! Whether an instance's memory grows linearly towards its limit, by least squares. Pure, with the time given.

use std::{collections::VecDeque, time::Duration};

/// Two hours of samples.
const MOST: usize = 240;
/// A line through fewer says nothing.
const FEWEST: usize = 20;
pub(crate) const EVERY: Duration = Duration::from_secs(30);
/// How much of the variation the line must explain: what goes up and down is not a leak.
const FIT: f64 = 0.8;
/// An instance whose line reaches the limit within this is recycled.
const SOON: f64 = 3_600.0;

/// What was measured of one instance.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series {
    /// Seconds, and bytes then.
    samples: VecDeque<(f64, f64)>,
}

/// A line through a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Line {
    pub(crate) samples: usize,
    /// Bytes in a second.
    pub(crate) slope: f64,
    /// From 0 to 1, how much of the variation it explains.
    pub(crate) fit: f64,
    /// Bytes, as measured last.
    pub(crate) last: f64,
}

impl Series {
    /// Takes one in, unless the last one is younger than [`EVERY`].
    pub(crate) fn take(&mut self, second: f64, bytes: f64) {
        if self.samples.back().is_some_and(|(last, _)| second - last < EVERY.as_secs_f64()) {
            return;
        }
        if self.samples.len() == MOST {
            self.samples.pop_front();
        }
        self.samples.push_back((second, bytes));
    }

    pub(crate) fn line(&self) -> Option<Line> {
        let (_, last) = *self.samples.back()?;
        let count = number(self.samples.len());
        let mean = |of: fn(&(f64, f64)) -> f64| self.samples.iter().map(of).sum::<f64>() / count;
        let (x, y) = (mean(|sample| sample.0), mean(|sample| sample.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
            self.samples.iter().map(|(second, bytes)| of(second - x, bytes - y)).sum()
        };
        let (xx, xy, yy) = (sum(&|a, _| a * a), sum(&|a, b| a * b), sum(&|_, b| b * b));
        let (slope, fit) = if xx > 0.0 && yy > 0.0 { (xy / xx, xy * xy / (xx * yy)) } else { (0.0, 0.0) };
        Some(Line { samples: self.samples.len(), slope, fit, last })
    }
}

impl Line {
    /// How many seconds until the line reaches the limit; `None` when it does not rise, or is none.
    pub(crate) fn seconds_to(&self, limit: u64) -> Option<f64> {
        let rises = self.samples >= FEWEST && self.fit >= FIT && self.slope > 0.0;
        (rises && limit > 0).then(|| ((bytes(limit) - self.last) / self.slope).max(0.0))
    }

    /// Why the instance should go, when it should.
    pub(crate) fn is_worn_out(&self, limit: u64) -> Option<String> {
        if limit > 0 && self.last >= bytes(limit) {
            return Some(format!("{} MB of memory are beyond {} MB", megabytes(self.last), limit >> 20));
        }
        let left = self.seconds_to(limit).filter(|left| *left <= SOON)?;
        Some(format!(
            "its memory of {} MB grows by {} MB an hour and reaches {} MB in {:.0} min",
            megabytes(self.last),
            megabytes(self.slope * 3_600.0),
            limit >> 20,
            left / 60.0
        ))
    }
}

fn megabytes(bytes: f64) -> String {
    format!("{:.0}", bytes / f64::from(1 << 20))
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory fit 52 bits")]
pub(crate) fn bytes(bytes: u64) -> f64 {
    bytes as f64
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: f64 = 1_048_576.0;

    fn series(megabytes: impl Fn(f64) -> f64) -> Line {
        let mut series = Series::default();
        (0..60).for_each(|minute| series.take(f64::from(minute) * 60.0, megabytes(f64::from(minute)) * MB));
        series.line().unwrap()
    }

    #[test]
    fn a_leak_is_a_line_and_a_saw_is_none() {
        let leak = series(|minute| 100.0 + 5.0 * minute);
        assert!((leak.slope * 60.0 / MB - 5.0).abs() < 1e-6 && leak.fit > 0.999, "{leak:?}");
        assert!((leak.seconds_to(500 << 20).unwrap() - 21.0 * 60.0).abs() < 1.0);
        let said = leak.is_worn_out(500 << 20).unwrap();
        assert_eq!(said, "its memory of 395 MB grows by 300 MB an hour and reaches 500 MB in 21 min");
        assert_eq!(leak.is_worn_out(1 << 30), None, "that is hours away");
        assert_eq!(leak.is_worn_out(0), None);
        let saw = series(|minute| 100.0 + 5.0 * (minute % 7.0));
        assert_eq!(saw.seconds_to(150 << 20), None, "{saw:?}");
        assert_eq!(series(|_| 100.0).seconds_to(150 << 20), None);
        assert!(series(|_| 200.0).is_worn_out(150 << 20).unwrap().contains("beyond 150 MB"));
    }

    #[test]
    fn few_samples_say_nothing_and_many_are_thinned() {
        let mut series = Series::default();
        (0..19).for_each(|number| series.take(f64::from(number) * 30.0, f64::from(number) * MB));
        assert_eq!(series.line().unwrap().seconds_to(20 << 20), None);
        series.take(18.0 * 30.0 + 1.0, 0.0);
        assert_eq!(series.line().unwrap().samples, 19, "the last one is too young");
        series.take(19.0 * 30.0, 19.0 * MB);
        assert!(series.line().unwrap().seconds_to(20 << 20).is_some());
        (20..1_000).for_each(|number| series.take(f64::from(number) * 30.0, MB));
        assert_eq!(series.samples.len(), MOST);
    }
}
