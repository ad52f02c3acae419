//! A private Postgres from the machine's own binaries.
