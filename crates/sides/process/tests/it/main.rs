//! The chassis: real processes, real signals, a real Postgres.

mod configuration;
mod fit;
mod fixture;
mod life;
mod outage;
mod poolers;
