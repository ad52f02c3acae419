//! The state available to every request.

use std::{ops::Deref, time::Duration};

use egress::Egress;
use sides_web::SharedPage;

use crate::config::Config;

/// How old the status page may be. Services are pinged every five seconds at most.
const FRESH_FOR: Duration = Duration::from_secs(2);

/// The chassis' site, and what the monitor adds.
pub(crate) struct Site {
    site: sides_web::Site,
    /// The status page as everybody sees it.
    pub(crate) status: SharedPage,
    /// Which private addresses services and webhooks may have.
    pub(crate) egress: Egress,
}

impl Site {
    pub(crate) fn new(site: sides_web::Site, config: &Config) -> Self {
        Self { site, status: SharedPage::new(FRESH_FOR), egress: config.egress.clone() }
    }
}

impl Deref for Site {
    type Target = sides_web::Site;

    fn deref(&self) -> &sides_web::Site {
        &self.site
    }
}
