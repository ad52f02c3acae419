//! What instances say about themselves over `/metrics`: how their memory grows, and how slow their answers are.

pub(crate) mod memory;
mod sample;
mod scraper;
pub(crate) mod trends;

pub(crate) use scraper::Scraper;
