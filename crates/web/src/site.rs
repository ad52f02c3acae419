//! What every request has at hand.

use std::ops::Deref;

use crate::config::Config;

/// The chassis' site, and what the monitor adds.
pub(crate) struct Site {
    site: sides_web::Site,
    /// Whether services and webhooks may lie in a private network.
    pub(crate) allow_private_addresses: bool,
}

impl Site {
    pub(crate) fn new(site: sides_web::Site, config: &Config) -> Self {
        Self { site, allow_private_addresses: config.allow_private_addresses }
    }
}

impl Deref for Site {
    type Target = sides_web::Site;

    fn deref(&self) -> &sides_web::Site {
        &self.site
    }
}
