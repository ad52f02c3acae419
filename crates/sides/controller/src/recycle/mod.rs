//! Recycling: workers are restarted when `RECYCLE` says so, or earlier when it wears out.
//!
//! [`rotation`] decides which instance is next, [`headroom`] whether there is room for it, [`recycler`] carries it out.

mod headroom;
mod recycler;
mod rotation;
mod settings;

pub(crate) use rotation::Rotation;
pub use settings::RecycleSettings;
