//! How a host runs.

use std::net::IpAddr;

/// How a host runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address that web listens on.
    pub host: IpAddr,
    /// Web's port; 0 for any free one.
    pub port: u16,
    /// Show what happens to the processes, but not what they print.
    pub detached: bool,
    /// End everything with this process, however it ends.
    pub bound: bool,
}
