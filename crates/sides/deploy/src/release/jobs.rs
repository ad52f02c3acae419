//! The waiting jobs and their contents, from the queue and the stored schedules.

use std::collections::BTreeSet;

use anyhow::Context as _;
use planner::{Scheduled, Shape, WaitingJob};

pub(super) struct Seen {
    pub(super) waiting: BTreeSet<WaitingJob>,
    pub(super) shapes: Vec<Shape>,
    pub(super) schedules: Vec<Scheduled>,
}

const IS_MIGRATED: &str = "SELECT to_regclass('sides.stored_schedules') IS NOT NULL";

/// Queued, scheduled, running or waiting for a retry.
const KINDS: &str = "\
SELECT DISTINCT kind, version::int4 FROM sides.fang_tasks WHERE state IN ('new', 'retried', 'in_progress') AND kind <> ''";

/// The JSON types of what is in them; of a long queue the first hundred thousand. Arguments that are no object have no
/// fields.
const SHAPES: &str = "\
WITH waiting AS (
    SELECT kind, version::int4 AS version, metadata - 'type' AS arguments FROM sides.fang_tasks
    WHERE state IN ('new', 'retried', 'in_progress') AND kind <> '' LIMIT 100000
)
SELECT DISTINCT kind, version, SHAPE FROM waiting WHERE NOT arguments ? '$arguments'";

/// In version 1 where no column says another: a release brings that itself. One that is paused may go on at any time.
const SCHEDULES: &str = "\
SELECT kind, coalesce((to_jsonb(stored) ->> 'version')::int, 1), SHAPE, name
FROM sides.stored_schedules AS stored ORDER BY name";

/// The type of each of the `arguments`.
const SHAPE: &str = "(
    SELECT coalesce(json_object_agg(key, CASE WHEN jsonb_typeof(value) <> 'number' THEN jsonb_typeof(value)
        WHEN value::text ~ '^-?[0-9]+$' THEN 'integer' ELSE 'number' END ORDER BY key), '{}')
    FROM jsonb_each(CASE jsonb_typeof(arguments) WHEN 'object' THEN arguments ELSE '{}' END)
)::text";

/// Nothing, before the first release has brought the queue.
pub(super) async fn waiting(client: &tokio_postgres::Client) -> anyhow::Result<Seen> {
    let mut seen = Seen { waiting: BTreeSet::new(), shapes: Vec::new(), schedules: Vec::new() };
    if !client.query_one(IS_MIGRATED, &[]).await?.get::<_, bool>(0) {
        return Ok(seen);
    }
    for row in client.query(KINDS, &[]).await.context("cannot read the queue")? {
        seen.waiting.insert(job(&row)?);
    }
    let rows = client.query(&SHAPES.replace("SHAPE", SHAPE), &[]).await;
    for row in rows.context("cannot read the waiting jobs")? {
        seen.waiting.insert(job(&row)?);
        seen.shapes.push(shape(&row)?);
    }
    let rows = client.query(&SCHEDULES.replace("SHAPE", SHAPE), &[]).await;
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
