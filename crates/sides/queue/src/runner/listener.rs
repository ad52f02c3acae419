//! The listener: hears of new jobs at once.

use std::{sync::Arc, time::Duration};

use database::DatabaseUrl;
use diesel_async::RunQueryDsl as _;
use futures_util::StreamExt as _;
use tokio::sync::Notify;

use super::report::{Part, Report};
use crate::error::chain;

/// What the listening connection wakes.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    /// Jobs were committed.
    pub(crate) jobs: Arc<Notify>,
    /// Somebody paused, limited or cancelled something.
    pub(crate) control: Arc<Notify>,
}

/// A connection that says nothing for so long is asked whether it is still there.
const ASK_AFTER: Duration = Duration::from_secs(10);
/// How long it has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Wakes the runner whenever jobs were committed. Runs until it is aborted; while it has no connection the
/// runner's polling goes on.
pub(crate) async fn listen(url: DatabaseUrl, listener: Arc<Listener>, report: Report) {
    let mut wait = Duration::from_millis(100);
    loop {
        let ended = match listen_once(&url, &listener, &report, &mut wait).await {
            Ok(()) => "the listening connection ended".to_owned(),
            Err(error) => chain(error.as_ref()),
        };
        tracing::debug!(error = ended, "no listening connection; polling goes on");
        report.tell(Part::Notifications, Some(&ended));
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(2));
    }
}

async fn listen_once(
    url: &DatabaseUrl,
    listener: &Listener,
    report: &Report,
    wait: &mut Duration,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let connecting = tokio::time::timeout(PATIENCE * 2, async {
        let mut connection = database::connect(url).await?;
        diesel::sql_query("LISTEN sides_jobs").execute(&mut connection).await?;
        diesel::sql_query("LISTEN sides_control").execute(&mut connection).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(connection)
    });
    let mut connection = connecting.await??;
    *wait = Duration::from_millis(100);
    report.tell(Part::Notifications, None);
    // What was committed before LISTEN took effect.
    listener.jobs.notify_one();
    listener.control.notify_one();
    loop {
        let heard = {
            let mut notifications = std::pin::pin!(connection.notifications_stream());
            tokio::time::timeout(ASK_AFTER, notifications.next()).await
        };
        match heard {
            Ok(Some(notification)) => match notification?.channel.as_str() {
                "sides_control" => listener.control.notify_one(),
                _ => listener.jobs.notify_one(),
            },
            Ok(None) => return Ok(()),
            // A server that is gone without a word looks like one with nothing to say.
            Err(_) => {
                let asked = diesel::sql_query("SELECT 1").execute(&mut connection);
                tokio::time::timeout(PATIENCE, asked).await??;
            }
        }
    }
}
