//! What web reads from its environment.

use egress::Egress;
use process::Environment;

use crate::brand::BRAND;

/// Web's own settings, each named by its variable.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) server: sides_web::Config,
    /// `ALLOW_PRIVATE_ADDRESSES`: which private addresses services and webhooks may have.
    pub(crate) egress: Egress,
}

impl Config {
    /// Reads the settings and notes what is wrong with them.
    pub(crate) fn read(environment: &mut Environment) -> Self {
        let server = sides_web::Config::read(environment, &BRAND);
        let egress = environment.parsed(egress::VARIABLE, Egress::default());
        environment.about(
            egress::VARIABLE,
            "the private addresses that services and webhooks may have: true for all, or ranges such as 10.0.0.0/8; \
             set it for the worker, too",
        );
        Self { server, egress }
    }
}
