//! Tending: starting workers afresh before they wear out, and having as many copies as there is work for.
//!
//! [`looks`] and [`signals`] say how it stands, [`memory`] and [`recycling`] decide on recycling, the crate `scaling`
//! on the number of copies, [`history`] remembers from the ledger, and [`recycle`] and [`scale`] do it through the
//! [`Door`](crate::door::Door), in rounds of the [`tender`]. Of several clocks one at a time holds a round.

mod history;
mod looks;
mod memory;
mod metrics;
mod recycle;
mod recycling;
mod requests;
mod scale;
mod settings;
mod signals;
mod spare;
mod tender;
mod trends;

pub use settings::TendSettings;
pub(crate) use tender::Tender;
