//! What tests share: databases, real processes, a cable to cut, a way to wait. A dev-dependency only.

mod bouncer;
mod cable;
mod database;
mod encrypted;
mod odd;
mod pair;
mod program;
pub mod schema;
mod server;
mod sweep;
mod tables;
mod template;
mod wait;

pub use bouncer::Bouncer;
pub use cable::Cable;
pub use database::TestDatabase;
pub use encrypted::{Authority, Certificate, TlsServer, openssl};
pub use odd::{fill_schema_with_odd_rows, fill_with_odd_rows};
pub use pair::Member;
pub use program::{Program, browser, example, folder_of, need};
pub use tables::{assert_tables, reduction};
pub use wait::wait_until;
