//! What web reads from its environment.

use process::Environment;

use crate::BRAND;

/// Web's own settings, each named by its variable.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) server: sides_web::Config,
    /// `ALLOW_PRIVATE_ADDRESSES`: whether services and webhooks may lie in a private network.
    pub(crate) allow_private_addresses: bool,
}

impl Config {
    /// Reads the settings and notes what is wrong with them.
    pub(crate) fn read(environment: &mut Environment) -> Self {
        let server = sides_web::Config::read(environment, &BRAND);
        let allow_private_addresses = environment.flag("ALLOW_PRIVATE_ADDRESSES", false);
        environment.about(
            "ALLOW_PRIVATE_ADDRESSES",
            "whether services and webhooks may lie in a private network; the worker has it too",
        );
        Self { server, allow_private_addresses }
    }
}
