//! Whether the database answers, for the status only. The processes find out for themselves.

use std::{error::Error as _, time::Duration};

use database::{Connection, DatabaseUrl};
use diesel_async::SimpleAsyncConnection as _;
use tokio::{sync::watch, time};
use tokio_util::task::AbortOnDropHandle;

use workspace::control::{DevStatus, PostgresState};

const BETWEEN: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks until the handle is dropped.
pub(super) fn watch(url: DatabaseUrl, status: watch::Sender<DevStatus>) -> AbortOnDropHandle<()> {
    status.send_modify(|status| status.postgres.description = Some(url.to_string()));
    AbortOnDropHandle::new(tokio::spawn(async move {
        let mut connection = None;
        loop {
            let asked = time::timeout(PATIENCE, ask(&url, &mut connection)).await;
            let reason = asked.unwrap_or_else(|_| Err("no answer in time".to_owned())).err();
            if reason.is_some() {
                connection = None;
            }
            let state = if reason.is_none() { PostgresState::Ready } else { PostgresState::Away };
            status.send_if_modified(|status| {
                let changed = status.postgres.state != state || status.postgres.reason != reason;
                (status.postgres.state, status.postgres.reason) = (state, reason);
                changed
            });
            time::sleep(BETWEEN).await;
        }
    }))
}

async fn ask(url: &DatabaseUrl, connection: &mut Option<Connection>) -> Result<(), String> {
    let mut open = match connection.take() {
        Some(open) => open,
        None => database::connect(url).await.map_err(|error| match error.source() {
            Some(source) => source.to_string(),
            None => error.to_string(),
        })?,
    };
    open.batch_execute("SELECT 1").await.map_err(|error| error.to_string())?;
    *connection = Some(open);
    Ok(())
}
