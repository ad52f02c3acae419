//! A scratch database that the migrations are tried on, and what it answers.

mod catalogue;
mod facts;
mod observe;
mod scratch;

pub use catalogue::{Catalogue, catalogue};
pub use facts::facts;
pub use scratch::{Scratch, ShadowError};
