//! Fires jobs by name when they are due.

fn main() {}
