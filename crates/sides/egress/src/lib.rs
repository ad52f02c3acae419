//! Which addresses an application may reach because somebody typed them.
//!
//! Public addresses are open. Private ones are open where [`Egress`] says so, all of them or range by range.
//! Addresses where a cloud hands out credentials are shut even then, unless they are named themselves.
//!
//! Pure: a name is resolved by anyone who connects, and each address it stands for goes through [`Egress::allows`].
//!
//! ```
//! use sides_egress::Egress;
//!
//! let egress: Egress = "10.0.0.0/8, fd12::/16".parse().unwrap();
//! assert!(egress.allows("10.1.2.3".parse().unwrap()) && !egress.allows("192.168.0.1".parse().unwrap()));
//!
//! let egress: Egress = "true".parse().unwrap();
//! assert!(egress.allows("192.168.0.1".parse().unwrap()) && !egress.allows("169.254.169.254".parse().unwrap()));
//! ```

mod address;
mod metadata;
mod policy;
mod url;

pub use address::is_public;
pub use metadata::is_metadata;
pub use policy::{Egress, EgressFault};
pub use url::{URL_LIMIT, UrlFault, parse_url};

/// The variable that opens private addresses.
pub const VARIABLE: &str = "ALLOW_PRIVATE_ADDRESSES";
