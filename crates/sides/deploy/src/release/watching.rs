//! How a release is watched.

/// How a release is watched.
#[derive(Debug, Clone)]
pub struct Watching {
    /// Seconds to watch the new builds after the last process was replaced: requests, their times, jobs, deaths.
    pub bake: u64,
    /// How many times as long as before web's answers may take while it is watched; 0 for no limit.
    pub slower: f64,
    /// The path that the prober asks of web; it must be answered with 200.
    pub probe: String,
}
