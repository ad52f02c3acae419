//! One ping: fetch, judge, store, and act on the result.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection as _;
use jobs::{DeliverWebhook, PingService};
use models::{Ping, Service, deliveries, pings, pings::Recorded, services};
use queue::{Context, EnqueueError, JobError};

use crate::{
    State,
    fetch::{Failure, Seen, Target},
    own_process,
};

/// A ping that waited longer than this says nothing about the moment it is stored under.
const TOO_LATE: TimeDelta = TimeDelta::days(1);

/// Pings the service as it is now. No database connection is held while its host is waited for.
pub(crate) async fn run(job: PingService, context: Context<State>) -> Result<(), JobError> {
    let state = &context.state;
    let service = services::find(&mut *state.pool.get().await?, job.service_id).await?;
    let Some(service) = service else { return Err(JobError::discard("the service was deleted")) };
    if service.paused_at.is_some() {
        return Err(JobError::discard("the service is paused"));
    }
    let pinged_at = Utc::now();
    if pinged_at - job.due_at > TOO_LATE {
        return Err(JobError::discard("the ping was due more than a day ago"));
    }
    let seen = tokio::select! {
        seen = see(state, &service) => seen?,
        () = context.cancelled() => return Err(JobError::snooze(Duration::ZERO)),
    };
    if service.url.is_some() && seen.was_out_of_reach() {
        let ended = Instant::now();
        if !state.witnesses.saw_a_network(ended - seen.latency, ended).await {
            // Neither good nor bad: the pages and the uptime leave it out.
            state.metrics.not_counted();
            return Ok(());
        }
    }
    let ping = ping(&service, &job, pinged_at, seen);
    store(state, &service, &ping).await?;
    state.metrics.pinged(&ping);
    Ok(())
}

async fn see(state: &State, service: &Service) -> Result<Seen, JobError> {
    let target = Target::of(service);
    match (&service.process, &service.url) {
        (Some(process), _) => {
            let addresses = own_process::addresses(&mut *state.pool.get().await?, process).await?;
            Ok(own_process::ask(&state.fetcher, process, &addresses, &target).await)
        }
        (None, Some(url)) => Ok(state.fetcher.fetch(url, &target).await),
        (None, None) => Ok(Seen::failed(Failure::bad_url("the service has no address"))),
    }
}

fn ping(service: &Service, job: &PingService, pinged_at: DateTime<Utc>, seen: Seen) -> Ping {
    Ping {
        service_id: service.id,
        due_at: job.due_at,
        pinged_at,
        ok: seen.failure.is_none(),
        latency_ms: i32::try_from(seen.latency.as_millis()).unwrap_or(i32::MAX),
        status: seen.status.and_then(|status| i16::try_from(status).ok()),
        error_kind: seen.failure.as_ref().map(|failure| failure.kind.name().to_owned()),
        error: seen.failure.map(|failure| failure.text),
    }
}

/// Stores the ping, what it does to the service's incident, and the notifications that follow: all or
/// nothing, and never twice.
async fn store(state: &State, service: &Service, ping: &Ping) -> Result<(), JobError> {
    let recorded = state
        .pool
        .get()
        .await?
        .transaction(async |c| {
            let recorded = pings::record(c, service, ping).await?;
            if let Recorded::Stored(Some(transition)) = recorded {
                let ids = deliveries::create(c, transition).await?;
                let jobs: Vec<_> =
                    ids.into_iter().map(|delivery_id| DeliverWebhook { delivery_id }).collect();
                queue::enqueue_all(c, &jobs).await?;
            }
            Ok::<_, EnqueueError>(recorded)
        })
        .await?;
    if let Recorded::Stored(Some(told)) = recorded {
        tracing::info!(
            service.id = service.id,
            service.name = service.name,
            incident.id = told.incident_id,
            error = ping.error.as_deref(),
            "incident {}",
            told.transition.name()
        );
    }
    Ok(())
}
