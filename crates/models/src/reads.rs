//! Queries for the pages and the API: one query each, however many services there are.

pub mod incidents;
pub mod latency;
pub mod pings;
pub mod services;
pub mod uptime;
