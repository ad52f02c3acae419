//! Hearing of new jobs at once.

use std::{sync::Arc, time::Duration};

use database::DatabaseUrl;
use diesel_async::RunQueryDsl as _;
use futures_util::StreamExt as _;
use tokio::sync::Notify;

use crate::error::chain;

/// What a runner hears of at once.
#[derive(Debug, Default)]
pub(crate) struct Ears {
    /// Jobs were committed.
    pub(crate) jobs: Arc<Notify>,
    /// Somebody paused, limited or cancelled something.
    pub(crate) control: Arc<Notify>,
}

/// Wakes the runner whenever jobs were committed. Runs until it is aborted; while it has no connection the
/// runner's polling goes on.
pub(crate) async fn listen(url: DatabaseUrl, ears: Arc<Ears>) {
    let mut wait = Duration::from_millis(100);
    loop {
        match listen_once(&url, &ears, &mut wait).await {
            Ok(()) => tracing::debug!("the listening connection ended"),
            Err(error) => {
                tracing::debug!(error = chain(error.as_ref()), "no listening connection; polling goes on");
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(10));
    }
}

async fn listen_once(
    url: &DatabaseUrl,
    ears: &Ears,
    wait: &mut Duration,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut connection = database::connect(url).await?;
    diesel::sql_query("LISTEN sides_jobs").execute(&mut connection).await?;
    diesel::sql_query("LISTEN sides_control").execute(&mut connection).await?;
    *wait = Duration::from_millis(100);
    // What was committed before LISTEN took effect.
    ears.jobs.notify_one();
    ears.control.notify_one();
    let mut notifications = std::pin::pin!(connection.notifications_stream());
    while let Some(notification) = notifications.next().await {
        if notification?.channel == "sides_control" {
            ears.control.notify_one();
        } else {
            ears.jobs.notify_one();
        }
    }
    Ok(())
}
