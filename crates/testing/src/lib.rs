//! What tests share: a database of their own, a way to wait, a look at the schema. A dev-dependency only.

mod database;
pub mod schema;
mod server;
mod sweep;
mod template;
mod wait;

pub use database::TestDatabase;
pub use wait::wait_until;
