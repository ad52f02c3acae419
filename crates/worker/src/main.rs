//! Runs jobs: one handler per job kind.

fn main() {}
