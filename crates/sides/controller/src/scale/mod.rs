//! Scaling: as many instances as there is work for.
//!
//! The crate `autoscale` decides. [`history`] remembers the changes before, [`requests`] are what processes ask for, and
//! [`scaler`] carries a decision out.

mod history;
pub(crate) mod requests;
mod scaler;
mod settings;

pub(crate) use scaler::ScaleState;
pub use settings::ScaleSettings;
