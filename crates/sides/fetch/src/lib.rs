//! An HTTP client for addresses that somebody typed.
//!
//! Names are resolved here and every address is checked before it is connected to, each redirect is checked like
//! the first address, cookies live as long as one fetch, and no connection, session or answer is kept.
//!
//! ```no_run
//! use sides_fetch::Clients;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clients = Clients::new(egress::Egress::default(), "acme/1.0")?;
//! // Connects to public addresses only, whatever a name resolves to.
//! let client = clients.guarded()?;
//! # Ok(())
//! # }
//! ```
//!
//! Never knows an application; what may be reached is [`egress::Egress`]'s to say.

mod client;
mod follow;
mod resolver;
mod tls;

pub use client::{ClientError, Clients};
pub use follow::{FollowError, RedirectError, follow};
pub use resolver::{ResolveError, lookup_words};
pub use tls::explain as explain_tls;
