//! A private Postgres from the machine's own binaries.
//!
//! It listens on a Unix socket only, in a folder that its own user alone can enter, and runs as an ordinary
//! user even when root starts it. [`Cluster`] lives and dies with the process that opened it;
//! [`shared_for_tests`] is one server for all test binaries of a checkout, which stops by itself; a
//! [`ScratchServer`] belongs to one user at a time, who may do anything to it.
//!
//! ```no_run
//! use sides_postgres::{Cluster, Opened, Settings};
//!
//! # async fn example() -> Result<(), sides_postgres::ClusterError> {
//! match Cluster::open(".state/postgres", Settings::default()).await? {
//!     Opened::Started(cluster) => println!("started, at {}", cluster.url()),
//!     Opened::Running { url, .. } => println!("somebody else has started it, at {url}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Never knows another crate of this workspace, nor a Postgres client.

mod cluster;
mod command;
mod error;
mod guardian;
mod home;
mod identity;
mod init;
mod installation;
mod keeper;
mod missing;
mod pid_file;
mod scratch;
mod settings;
mod shared;

pub use cluster::{Cluster, Opened};
pub use error::ClusterError;
pub use installation::program;
pub use missing::NoPostgres;
pub use scratch::ScratchServer;
pub use settings::Settings;
pub use shared::{SharedCluster, shared_for_tests, shared_with_grace};
