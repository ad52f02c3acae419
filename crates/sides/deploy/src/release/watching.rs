//! How a release is watched.

/// How a release is watched.
#[derive(Debug, Clone)]
pub struct Watching {
    /// How long to watch the new builds after the last process was replaced, in seconds: requests, latencies, jobs,
    /// crashes.
    pub bake: u64,
    /// How many times slower than before web's answers may become while it is watched; 0 for no limit.
    pub slower: f64,
    /// The path that the prober asks of web; it must be answered with 200.
    pub probe: String,
}
