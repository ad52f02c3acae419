//! The runner on a real database.
#![allow(missing_docs)]

mod round_trip;
