//! Heroku as a place, against a simulator that holds every call against Heroku's published schema.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod conforming;
mod fixture;
mod preboot;
mod secrets;
mod setting_up;
