//! One scrape of `/metrics`: memory and latencies. Pure.

use std::{collections::BTreeMap, time::Duration};

const MEMORY: &str = "process_resident_memory_bytes ";
const BUCKET: &str = "http_request_duration_seconds_bucket{";

/// The figures of one instance at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sample {
    /// Resident memory in bytes.
    pub(crate) memory: Option<u64>,
    /// How many requests took at most so many microseconds, since it started.
    requests: BTreeMap<u64, u64>,
}

impl Sample {
    pub(crate) fn read(text: &str) -> Self {
        let mut sample = Self::default();
        for line in text.lines() {
            if let Some(bytes) = line.strip_prefix(MEMORY) {
                sample.memory = bytes.trim().parse::<f64>().ok().map(whole);
            } else if let Some((le, count)) = line.strip_prefix(BUCKET).and_then(bucket) {
                *sample.requests.entry(le).or_default() += count;
            }
        }
        sample
    }

    /// Within how long 19 of 20 requests were answered since the figures before; `None` without requests.
    pub(crate) fn latency_since(&self, before: &Self) -> Option<Duration> {
        let since = |le: &u64, count: &u64| count.saturating_sub(*before.requests.get(le).unwrap_or(&0));
        let all = self.requests.iter().next_back().map(|(le, count)| since(le, count))?;
        let enough = |(le, count): &(&u64, &u64)| all > 0 && since(le, count) * 20 >= all * 19;
        let (le, _) = self.requests.iter().find(enough)?;
        Some(Duration::from_micros(*le))
    }
}

/// The bound in microseconds, and how many are within it.
fn bucket(line: &str) -> Option<(u64, u64)> {
    let (labels, count) = line.rsplit_once(' ')?;
    let (_, le) = labels.split_once("le=\"")?;
    let (le, _) = le.split_once('"')?;
    let le = if le == "+Inf" { 60_000_000 } else { whole(le.parse::<f64>().ok()? * 1e6) };
    Some((le, whole(count.parse::<f64>().ok()?)))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts and bytes are far smaller"
)]
fn whole(number: f64) -> u64 {
    number.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(fast: u64, all: u64) -> String {
        format!(
            "# HELP x\nprocess_resident_memory_bytes 5242880\n\
             http_request_duration_seconds_bucket{{method=\"GET\",route=\"/\",status=\"200\",le=\"0.05\"}} {fast}\n\
             http_request_duration_seconds_bucket{{method=\"GET\",route=\"/\",status=\"200\",le=\"1\"}} {all}\n\
             http_request_duration_seconds_bucket{{method=\"GET\",route=\"/\",status=\"200\",le=\"+Inf\"}} {all}\n"
        )
    }

    #[test]
    fn only_what_happened_since_counts() {
        let (before, slow, quick) =
            (Sample::read(&text(100, 100)), Sample::read(&text(110, 120)), Sample::read(&text(199, 200)));
        assert_eq!(before.memory, Some(5 << 20));
        assert_eq!(slow.latency_since(&before), Some(Duration::from_secs(1)));
        assert_eq!(quick.latency_since(&before), Some(Duration::from_millis(50)));
        assert_eq!(before.latency_since(&before), None, "no requests");
    }
}
