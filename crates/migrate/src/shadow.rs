//! A scratch database that the migrations are tried on, and what it answers.

mod facts;

pub use facts::facts;
