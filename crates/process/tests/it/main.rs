//! The chassis against a real Postgres.
