//! `sides schedule add`, `remove`, `pause`, `resume`

use anyhow::{Context as _, bail};
use database::Connection;
use diesel::sql_types::{Jsonb, SmallInt, Text};
use diesel_async::RunQueryDsl as _;
use schedule::Written;

use super::{command::AddOptions, compatibility};
use crate::names;
use deploy::schedules::Row;
use workspace::{Outcome, actor};

const ADD: &str = "\
INSERT INTO sides.stored_schedules (name, expression, zone, kind, arguments, version, missed, overlap, changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (name) DO UPDATE SET (expression, zone, kind, arguments, version, missed, overlap, since, changed_by)
    = (excluded.expression, excluded.zone, excluded.kind, excluded.arguments, excluded.version, excluded.missed,
       excluded.overlap, now(), excluded.changed_by)";

/// What was asked for and not done yet goes with it.
const REMOVE: &str = "\
WITH removed AS (DELETE FROM sides.stored_schedules WHERE name = $1 RETURNING name),
    runs AS (DELETE FROM sides.schedule_runs WHERE schedule = $1),
    pauses AS (DELETE FROM sides.schedule_pauses WHERE schedule = $1)
DELETE FROM sides.schedules WHERE name IN (SELECT name FROM removed)";

const PAUSE: &str = "\
INSERT INTO sides.schedule_pauses (schedule, paused_by) VALUES ($1, $2)
ON CONFLICT (schedule) DO UPDATE
    SET (paused_at, paused_by, resumed_at, resumed_by) = (now(), excluded.paused_by, NULL, NULL)";

const RESUME: &str = "\
UPDATE sides.schedule_pauses SET resumed_at = now(), resumed_by = $2
WHERE schedule = $1 AND resumed_at IS NULL";

pub(super) async fn add(connection: &mut Connection, options: AddOptions) -> anyhow::Result<Outcome> {
    let arguments = serde_json::from_str(&options.arguments).context("--arguments is no JSON")?;
    let AddOptions { name, expression, zone, kind, arguments_version, missed, overlap, replace, .. } =
        options;
    let version = arguments_version.unwrap_or(1);
    let mut written = Written { name, expression, zone, kind, arguments, version, missed, overlap };
    written.read()?;
    let name = &written.name.clone();
    match Row::find(connection, name).await? {
        Some(row) if !row.added => {
            bail!("{name} is a schedule of the clock's code: change it there, or take another name");
        }
        Some(_) if !replace => bail!("there is a schedule {name} already; --replace changes it"),
        _ => {}
    }
    let is_worked = compatibility::check(connection, &mut written, arguments_version).await?;
    if !is_worked {
        // Before the schedule itself makes the kind known.
        names::warn_of_unknown(connection, Some(&written.kind), None).await;
    }
    diesel::sql_query(ADD)
        .bind::<Text, _>(name)
        .bind::<Text, _>(&written.expression)
        .bind::<Text, _>(&written.zone)
        .bind::<Text, _>(&written.kind)
        .bind::<Jsonb, _>(&written.arguments)
        .bind::<SmallInt, _>(written.version)
        .bind::<Text, _>(&written.missed)
        .bind::<Text, _>(&written.overlap)
        .bind::<Text, _>(actor::am_i())
        .execute(connection)
        .await
        .context("the schedule cannot be written; is the schema up to date? cargo run -p migrate -- up")?;
    if !is_worked {
        println!("no worker that runs works {}: its jobs wait for one", written.kind);
    }
    if written.version > 1 {
        println!("its arguments are version {} of {}", written.version, written.kind);
    }
    println!("{name} fires {} from now on; see when: sides schedule preview {name}", written.expression);
    Ok(Outcome::Done)
}

pub(super) async fn remove(connection: &mut Connection, name: &str) -> anyhow::Result<Outcome> {
    if !super::named(connection, name).await?.added {
        bail!("{name} is a schedule of the clock's code: it can be paused, or taken out there");
    }
    let removed = diesel::sql_query(REMOVE).bind::<Text, _>(name).execute(connection).await;
    removed.context("the schedule cannot be removed")?;
    println!("{name} is removed");
    Ok(Outcome::Done)
}

pub(super) async fn pause(connection: &mut Connection, name: &str) -> anyhow::Result<Outcome> {
    if super::named(connection, name).await?.paused_at.is_some() {
        println!("{name} is paused already");
        return Ok(Outcome::Done);
    }
    let query = diesel::sql_query(PAUSE).bind::<Text, _>(name).bind::<Text, _>(actor::am_i());
    query.execute(connection).await.context("the pause cannot be written")?;
    println!("{name} is paused; it goes on with: sides schedule resume {name}");
    Ok(Outcome::Done)
}

pub(super) async fn resume(connection: &mut Connection, name: &str) -> anyhow::Result<Outcome> {
    super::named(connection, name).await?;
    let query = diesel::sql_query(RESUME).bind::<Text, _>(name).bind::<Text, _>(actor::am_i());
    match query.execute(connection).await.context("the pause cannot be ended")? {
        0 => println!("{name} was not paused"),
        _ => println!("{name} goes on"),
    }
    Ok(Outcome::Done)
}
