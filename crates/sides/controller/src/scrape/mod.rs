//! What instances report over `/metrics`: the growth of their memory, and their latencies.

pub(crate) mod memory;
mod sample;
mod scraper;
pub(crate) mod trends;

pub(crate) use scraper::Scraper;
