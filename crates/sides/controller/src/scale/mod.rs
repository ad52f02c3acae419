//! Scaling: as many instances as the load needs.
//!
//! The crate `autoscale` decides. [`history`] remembers the changes before, and [`scaler`] carries a decision out.

mod history;
mod scaler;
mod settings;
mod state;

pub use settings::ScaleSettings;
pub(crate) use state::ScaleState;
