//! The waiting jobs and their contents, from the queue and the stored schedules.

use std::collections::BTreeSet;

use anyhow::Context as _;
use planner::{Scheduled, Shape, WaitingJob};
use schema::{jobs::release, stored_schedules};

pub(super) struct Seen {
    pub(super) waiting: BTreeSet<WaitingJob>,
    pub(super) shapes: Vec<Shape>,
    pub(super) schedules: Vec<Scheduled>,
}

/// Nothing, before the first release has brought the queue.
pub(super) async fn waiting(client: &tokio_postgres::Client) -> anyhow::Result<Seen> {
    let mut seen = Seen { waiting: BTreeSet::new(), shapes: Vec::new(), schedules: Vec::new() };
    if !client.query_one(stored_schedules::EXIST, &[]).await?.get::<_, bool>(0) {
        return Ok(seen);
    }
    for row in client.query(release::WAITING_KINDS, &[]).await.context("cannot read the queue")? {
        seen.waiting.insert(job(&row)?);
    }
    let rows = client.query(&release::shapes(), &[]).await;
    for row in rows.context("cannot read the waiting jobs")? {
        seen.waiting.insert(job(&row)?);
        seen.shapes.push(shape(&row)?);
    }
    let rows = client.query(&release::schedule_shapes(), &[]).await;
    for row in rows.context("cannot read the stored schedules")? {
        seen.schedules.push(Scheduled { name: row.get(3), shape: shape(&row)? });
    }
    Ok(seen)
}

fn job(row: &tokio_postgres::Row) -> anyhow::Result<WaitingJob> {
    let version = u16::try_from(row.get::<_, i32>(1)).context("a job's version is not valid")?;
    Ok(WaitingJob { kind: row.get(0), version })
}

fn shape(row: &tokio_postgres::Row) -> anyhow::Result<Shape> {
    let arguments = serde_json::from_str(row.get(2)).context("cannot parse the arguments of a job")?;
    Ok(Shape { job: job(row)?, arguments })
}
