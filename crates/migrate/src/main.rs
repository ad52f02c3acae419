//! Schema changes ahead of the processes.

fn main() {}
