//! What each process may: a role per process, with the rights on tables and columns that its releases declare.
//!
//! Old and new releases run side by side, so a role has what any of them needs. Rights are only added ahead of a
//! release; what nothing that runs declares any more is taken away when asked.

mod apply;
mod needs;
mod present;
mod rights;

pub use apply::{Granted, grant};
