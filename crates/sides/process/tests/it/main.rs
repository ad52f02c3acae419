//! The chassis: real processes, real signals, a real Postgres.

mod compatibility;
mod configuration;
mod fixture;
mod life;
mod outage;
mod plain_sql;
mod poolers;
