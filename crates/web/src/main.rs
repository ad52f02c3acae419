//! Pages, JSON API and operations overview.

fn main() {}
