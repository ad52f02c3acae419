//! Tending: starting workers afresh before they wear out, and having as many copies as there is work for.
//!
//! [`signals`] and [`metrics`] say how it stands, [`memory`] and [`recycling`] decide on recycling, the crate
//! `scaling` on the number of copies, [`history`] remembers from the ledger, and [`tender`] does it through the
//! [`Door`](crate::door::Door). Of several clocks one at a time holds a round.

mod history;
mod memory;
mod metrics;
mod recycling;
mod requests;
mod settings;
mod signals;
mod spare;
mod tender;
mod trends;

pub use settings::TendSettings;
pub(crate) use tender::Tender;
