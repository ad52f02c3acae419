//! How commands reach the running `dev`: a lock that says there is one, a socket that asks it.
//!
//! Both lie in `.sides/run/`, which only its user may enter. The lock is the kernel's, so a killed `dev` leaves
//! none behind; its stale socket is replaced by the next one that holds the lock.

mod client;
mod lock;
mod protocol;
mod server;
mod socket;

pub(crate) use client::Client;
pub(crate) use lock::Lock;
pub(crate) use protocol::{DevStatus, Phase, PostgresState, PostgresStatus, Roll};
pub(crate) use server::{Order, Server};
