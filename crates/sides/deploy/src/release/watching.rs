//! How a release is watched.

/// How many times as long as before the release is slow, unless it is said otherwise: the machine changes, too.
const SINCE: f64 = 3.0;
/// The same of two builds that are asked in turn.
const BESIDE: f64 = 1.5;

/// How a release is watched.
#[derive(Debug, Clone)]
pub struct Watching {
    /// How long to watch the new builds after the last process was replaced, in seconds: requests, latencies, jobs,
    /// crashes.
    pub bake: u64,
    /// How many times slower than before web's answers may become; 0 for no limit, none for the default: 1.5 times side by
    /// side with the old build, 3 times while the new one is watched.
    pub slower: Option<f64>,
    /// The path that the prober asks of web; it must be answered with 200.
    pub probe: String,
}

impl Watching {
    /// As arguments of `sides release`.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let Self { bake, slower, probe } = self;
        let slower = slower.map(|times| ["--slower".to_owned(), times.to_string()]);
        let always = ["--bake".to_owned(), bake.to_string(), "--probe".to_owned(), probe.clone()];
        always.into_iter().chain(slower.into_iter().flatten()).collect()
    }

    /// How many times as long as before the release answers may take; none when that does not matter.
    pub(super) fn since(&self) -> Option<f64> {
        Some(self.slower.unwrap_or(SINCE)).filter(|times| *times > 0.0)
    }

    /// How many times as long as those of the old build beside it the answers of a new one may take.
    pub(super) fn beside(&self) -> Option<f64> {
        Some(self.slower.unwrap_or(BESIDE)).filter(|times| *times > 0.0)
    }
}
