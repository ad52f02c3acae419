//! The scratch database on which migrations are tried.

mod apply;
mod catalogue;
mod costs;
mod defaults;
mod earlier_sessions;
mod error;
mod facts;
mod functions;
mod live_only;
mod observe;
mod place;
mod probes;
mod reach;
mod replicate;
mod roles;
mod rows;
mod scratch;
mod trial;

pub use catalogue::{Catalogue, catalogue};
pub use error::ShadowError;
pub use facts::facts;
pub use place::Place;
pub use scratch::Scratch;

pub(crate) use costs::Costs;
pub(crate) use defaults::Defaults;
pub(crate) use earlier_sessions::{Broken, EarlierSessions};
pub(crate) use error::apply_error;
pub(crate) use functions::Functions;
pub(crate) use live_only::LiveOnly;
pub(crate) use probes::{Probe, mentioned};
pub(crate) use reach::{Reach, reach};
pub(crate) use rows::with_rows;
pub(crate) use scratch::texts;
pub(crate) use trial::Trial;
