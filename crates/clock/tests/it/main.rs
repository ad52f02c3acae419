//! The clock against a real Postgres.
