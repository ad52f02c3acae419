//! Where processes run: this machine.
//!
//! A [`procfile`] says what a process is, [`local`] keeps it running here, a [`prober`] sees whether anybody
//! was failed. Never knows models, jobs or the
//! queue, and never draws: what happens comes out as [`local::Event`]s, lines and statuses.

pub mod local;
pub mod prober;
pub mod procfile;
