//! `sides schedule add`, `remove`, `pause`, `resume`

use ::schema::stored_schedules::{self, NewSchedule};
use anyhow::{Context as _, bail};
use database::Connection;
use schedule::Written;

use super::{command::AddOptions, compatibility};
use crate::names;
use deploy::schedules;
use workspace::{Outcome, actor};

pub(super) async fn add(connection: &mut Connection, options: AddOptions) -> anyhow::Result<Outcome> {
    let arguments = serde_json::from_str(&options.arguments).context("--arguments is not valid JSON")?;
    let AddOptions { name, expression, zone, kind, arguments_version, missed, overlap, replace, .. } =
        options;
    let version = arguments_version.unwrap_or(1);
    let mut written = Written { name, expression, zone, kind, arguments, version, missed, overlap };
    written.read()?;
    let name = &written.name.clone();
    match schedules::find(connection, name).await? {
        Some(row) if !row.added => {
            bail!("{name} is defined in the clock's code: change it there, or choose another name");
        }
        Some(_) if !replace => bail!("there is already a schedule {name}; --replace changes it"),
        _ => {}
    }
    let is_worked = compatibility::check(connection, &mut written, arguments_version).await?;
    if !is_worked {
        // Before the schedule itself makes the kind known.
        names::warn_of_unknown(connection, Some(&written.kind), None).await;
    }
    let stored = NewSchedule {
        name,
        expression: &written.expression,
        zone: &written.zone,
        kind: &written.kind,
        arguments: &written.arguments,
        version: written.version,
        missed: &written.missed,
        overlap: &written.overlap,
        changed_by: &actor::am_i(),
    };
    stored_schedules::put(connection, &stored)
        .await
        .context("cannot save the schedule; is the schema up to date? run `sides migration up`")?;
    if !is_worked {
        println!("no running worker handles {}: its jobs will wait for one", written.kind);
    }
    if written.version > 1 {
        println!("its arguments are version {} of {}", written.version, written.kind);
    }
    println!("{name} fires {} from now on; preview: sides schedule preview {name}", written.expression);
    Ok(Outcome::Done)
}

pub(super) async fn remove(connection: &mut Connection, name: &str) -> anyhow::Result<Outcome> {
    if !super::named(connection, name).await?.added {
        bail!("{name} is defined in the clock's code: pause it, or remove it there");
    }
    let removed = stored_schedules::remove(connection, name).await;
    removed.context("cannot remove the schedule")?;
    println!("{name} is removed");
    Ok(Outcome::Done)
}

pub(super) async fn pause(connection: &mut Connection, name: &str) -> anyhow::Result<Outcome> {
    if super::named(connection, name).await?.paused_at.is_some() {
        println!("{name} is already paused");
        return Ok(Outcome::Done);
    }
    let paused = stored_schedules::pause(connection, name, &actor::am_i()).await;
    paused.context("cannot pause the schedule")?;
    println!("paused {name}; resume it with: sides schedule resume {name}");
    Ok(Outcome::Done)
}

pub(super) async fn resume(connection: &mut Connection, name: &str) -> anyhow::Result<Outcome> {
    super::named(connection, name).await?;
    let resumed = stored_schedules::resume(connection, name, &actor::am_i()).await;
    match resumed.context("cannot resume the schedule")? {
        false => println!("{name} was not paused"),
        true => println!("resumed {name}"),
    }
    Ok(Outcome::Done)
}
