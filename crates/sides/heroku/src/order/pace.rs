//! How long to wait between two polls.

use std::time::Duration;

use tokio::time;

use crate::Heroku;

/// Small programs are up in a moment, and long waits must not use up the calls that Heroku allows.
const FIRST: u32 = 8;

/// Looks often at first and then at the settings' pace.
pub(crate) struct Pace {
    next: Duration,
    slowest: Duration,
}

impl Pace {
    pub(crate) async fn wait(&mut self) {
        time::sleep(self.next).await;
        self.next = (self.next * 2).min(self.slowest);
    }
}

impl Heroku {
    pub(crate) fn pace(&self) -> Pace {
        let slowest = self.settings.pace;
        Pace { next: slowest / FIRST, slowest }
    }

    /// Until a lost order is looked for.
    pub(crate) async fn pause(&self) {
        time::sleep(self.settings.pace).await;
    }
}
