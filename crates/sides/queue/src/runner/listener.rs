//! The listener: hears of new jobs at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use database::DatabaseUrl;
use diesel_async::RunQueryDsl as _;
use futures_util::StreamExt as _;
use tokio::sync::Notify;

use super::{
    late::Late,
    presence::Presence,
    report::{Part, Report},
};
use crate::error::chain;

/// What the listening connection wakes.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    /// Jobs were committed.
    pub(crate) jobs: Arc<Notify>,
    /// Somebody paused, limited or cancelled something.
    pub(crate) control: Arc<Notify>,
    /// Where those jobs are in the order.
    pub(crate) late: Arc<Late>,
}

/// A connection that says nothing for so long is asked whether it is still there.
const ASK_AFTER: Duration = Duration::from_secs(10);
/// How long it has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A runner that lost its connection is back before others take it for dead, if it can be.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT_AT_FIRST: Duration = Duration::from_millis(250);
const AT_FIRST: Duration = Duration::from_secs(3);
/// After a longer outage, too: less than others wait once most are back.
const LONGEST_WAIT: Duration = Duration::from_millis(750);

/// Wakes the runner whenever jobs were committed, and shows the others that it lives. Runs until it is aborted; while it has
/// no connection the runner's polling goes on.
pub(crate) async fn listen(
    url: DatabaseUrl,
    listener: Arc<Listener>,
    presence: Arc<Presence>,
    report: Report,
) {
    let (mut wait, mut lost) = (FIRST_WAIT, None);
    loop {
        let begun = Instant::now();
        let mut heard = false;
        let ended = match listen_once(&url, &listener, &presence, &report, &mut heard).await {
            Ok(()) => "the listening connection ended".to_owned(),
            Err(error) => chain(error.as_ref()),
        };
        presence.lose();
        tracing::debug!(error = ended, "no listening connection; polling goes on");
        report.tell(Part::Notifications, Some(&ended));
        if heard {
            (wait, lost) = (FIRST_WAIT, None);
        }
        let lost = *lost.get_or_insert(if heard { Instant::now() } else { begun });
        tokio::time::sleep(wait).await;
        let longest = if lost.elapsed() < AT_FIRST { LONGEST_WAIT_AT_FIRST } else { LONGEST_WAIT };
        wait = (wait * 2).min(longest);
    }
}

async fn listen_once(
    url: &DatabaseUrl,
    listener: &Listener,
    presence: &Presence,
    report: &Report,
    heard: &mut bool,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let connecting = tokio::time::timeout(PATIENCE * 2, async {
        let mut connection = database::connect(url).await?;
        diesel::sql_query("LISTEN sides_jobs").execute(&mut connection).await?;
        diesel::sql_query("LISTEN sides_control").execute(&mut connection).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(connection)
    });
    let mut connection = connecting.await??;
    *heard = true;
    report.tell(Part::Notifications, None);
    // What was committed before LISTEN took effect.
    listener.late.sweep.notify_one();
    listener.jobs.notify_one();
    listener.control.notify_one();
    let mut is_present = false;
    loop {
        if !is_present {
            match presence.take(&mut connection).await {
                Ok(()) => is_present = true,
                // Notifications come all the same, and the lease is there for this.
                Err(error) => {
                    tracing::warn!(
                        error = chain(error.as_ref()),
                        "others cannot see whether this runner lives"
                    );
                }
            }
        }
        let heard = {
            let mut notifications = std::pin::pin!(connection.notifications_stream());
            tokio::time::timeout(ASK_AFTER, notifications.next()).await
        };
        match heard {
            Ok(Some(notification)) => {
                let notification = notification?;
                if notification.channel == "sides_control" {
                    listener.control.notify_one();
                } else {
                    listener.late.notified(&notification.payload);
                    listener.jobs.notify_one();
                }
            }
            Ok(None) => return Ok(()),
            // A server that is gone without a word looks like one with nothing to say.
            Err(_) => {
                let asked = diesel::sql_query("SELECT 1").execute(&mut connection);
                tokio::time::timeout(PATIENCE, asked).await??;
            }
        }
    }
}
