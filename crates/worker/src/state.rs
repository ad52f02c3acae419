//! The state that handlers share.

use database::Pool;
use egress::Egress;

use crate::{
    fetch::{ClientError, Clients, Fetcher, USER_AGENT},
    metrics::Metrics,
    webhook::Sender,
    witness::{Addresses, Witnesses},
};

/// Handed to every handler. Cheap to clone.
#[derive(Clone)]
pub struct State {
    pub(crate) pool: Pool,
    pub(crate) fetcher: Fetcher,
    pub(crate) webhooks: Sender,
    pub(crate) witnesses: Witnesses,
    pub(crate) metrics: Metrics,
}

/// Why the worker cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No HTTP client.
    #[error("cannot create an HTTP client")]
    Client(#[from] ClientError),
    /// A metric is registered already.
    #[error("cannot register the metrics")]
    Metrics(#[from] prometheus::Error),
}

impl State {
    /// Handlers that work through `pool`, show their figures in `metrics`, and ask `witnesses` whether there is a network.
    ///
    /// # Errors
    /// When no HTTP client can be made or a figure is registered twice.
    pub fn new(
        pool: Pool,
        metrics: &prometheus::Registry,
        egress: Egress,
        witnesses: Addresses,
    ) -> Result<Self, SetupError> {
        let clients = Clients::new(egress, USER_AGENT)?;
        Ok(Self {
            pool,
            fetcher: Fetcher::new(&clients)?,
            webhooks: Sender::new(&clients)?,
            witnesses: Witnesses::new(&clients, witnesses)?,
            metrics: Metrics::register(metrics)?,
        })
    }
}
