//! Where processes run, behind one trait.
//!
//! [`place`] is what everybody asks a platform for. A [`procfile`] says what a process is, [`targets`] and [`apps`] say
//! which runs where, [`routes`] lead there, [`local`] keeps it running on this machine, a [`prober`] counts failed
//! requests. Never knows models, jobs or the queue, and never draws: what happens comes out as [`local::Event`]s, lines and
//! statuses.
//!
//! ```
//! use std::path::Path;
//!
//! use sides_platform::procfile;
//!
//! let procfile = procfile::parse("worker", Path::new("Procfile.worker"), "worker: worker\n")?;
//! assert_eq!(procfile.program, "worker");
//! # Ok::<(), procfile::ProcfileError>(())
//! ```

pub mod apps;
pub mod local;
pub mod place;
pub mod prober;
pub mod procfile;
pub mod routes;
pub mod targets;
