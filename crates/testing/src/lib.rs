//! What tests share: a database of their own. A dev-dependency only.

mod database;

pub use database::TestDatabase;
