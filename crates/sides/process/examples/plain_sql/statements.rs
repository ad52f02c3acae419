//! The SQL of this process, and what of the database it names.

/// For the manifest.
pub(crate) const SCHEMA: manifest::Tables = manifest::tables! {
    visitors { id: bigint, name: text, tags: text[] }
};

pub(crate) const ADD: &str = "INSERT INTO visitors (name, tags) VALUES ($1, '{new}')";

pub(crate) const COUNT: &str = "SELECT count(id) FROM visitors";
