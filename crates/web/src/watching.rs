//! Adding and pinging services, with the jobs that belong to it in one transaction.

use database::Connection;
use diesel_async::AsyncConnection as _;
use jobs::PingService;
use models::{NewService, Service, services};
use queue::Options;
use sides_web::{Actor, Fault};

use crate::site::Site;

/// Adds a service, and enqueues its first ping: both or neither.
pub(crate) async fn add(
    site: &Site,
    connection: &mut Connection,
    actor: &Actor,
    new: &NewService,
) -> Result<Service, Fault> {
    connection
        .transaction(async |c| {
            let service = services::create(c, new).await?;
            enqueue_ping(site, c, service.id).await?;
            actor.note(c, &subject(service.id), "add a service").await?;
            Ok(service)
        })
        .await
}

/// Enqueues a ping that is due now. Whether there was anything to ping: a paused service is left alone.
pub(crate) async fn ping_now(site: &Site, connection: &mut Connection, id: i64) -> Result<bool, Fault> {
    connection.transaction(async |c| enqueue_ping(site, c, id).await).await
}

/// Pauses a service or starts it again; then it is pinged at once.
pub(crate) async fn set_paused(
    site: &Site,
    connection: &mut Connection,
    actor: &Actor,
    id: i64,
    paused: bool,
) -> Result<Service, Fault> {
    connection
        .transaction(async |c| {
            let service = services::set_paused(c, id, paused).await?.ok_or(Fault::Missing("service"))?;
            if !paused {
                enqueue_ping(site, c, id).await?;
            }
            let action = if paused { "pause a service" } else { "resume a service" };
            actor.note(c, &subject(id), action).await?;
            Ok(service)
        })
        .await
}

/// What is written down of who did what is about this.
pub(crate) fn subject(service_id: i64) -> String {
    format!("service {service_id}")
}

async fn enqueue_ping(site: &Site, c: &mut Connection, id: i64) -> Result<bool, Fault> {
    let Some(due_at) = services::claim_ping(c, id).await? else { return Ok(false) };
    // The key of the pings that the worker fans out: a service has one ping at a time.
    let options = Options {
        unique_key: Some(id.to_string()),
        enqueued_by: Some(site.enqueuer()),
        ..Options::default()
    };
    queue::enqueue_with(c, &PingService { service_id: id, due_at }, &options).await?;
    Ok(true)
}

/// Somebody else changed the service between reading and writing.
pub(crate) fn edited_meanwhile() -> Fault {
    Fault::Conflict {
        code: "conflict",
        message: "Somebody else changed this service in the meantime. Load it again and repeat the change."
            .to_owned(),
    }
}

/// A service of the monitor itself is not deleted.
pub(crate) fn own_process(name: &str) -> Fault {
    Fault::Conflict {
        code: "own_process",
        message: format!("{name} watches this application itself and cannot be deleted. Pause it instead."),
    }
}
