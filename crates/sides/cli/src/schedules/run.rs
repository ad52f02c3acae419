//! `sides schedule run`

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use database::Connection;
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use uuid::Uuid;

use deploy::schedules;
use workspace::{Outcome, actor};

const PATIENCE: Duration = Duration::from_secs(10);
const ASK_EVERY: Duration = Duration::from_millis(50);

#[derive(QueryableByName)]
struct Asked {
    #[diesel(sql_type = Timestamptz)]
    asked_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Tick {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    job_id: Option<Uuid>,
}

const ASK: &str = "\
INSERT INTO sides.schedule_runs (schedule, asked_at, asked_by) VALUES ($1, clock_timestamp(), $2)
RETURNING asked_at";
const TICK: &str = "SELECT job_id FROM sides.ticks WHERE schedule = $1 AND due_at = $2";

pub(super) async fn run(connection: &mut Connection, name: &str) -> anyhow::Result<Outcome> {
    super::named(connection, name).await?;
    if schedules::clocks(connection).await? == 0 {
        bail!("no clock runs that could fire {name}; start one: cargo run -p clock");
    }
    let ask = diesel::sql_query(ASK).bind::<Text, _>(name).bind::<Text, _>(actor::am_i());
    let asked: Asked = ask.get_result(connection).await.context("the wish cannot be written")?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let tick = diesel::sql_query(TICK).bind::<Text, _>(name).bind::<Timestamptz, _>(asked.asked_at);
        let tick: Option<Tick> = tick.get_result(connection).await.optional()?;
        match tick.map(|tick| tick.job_id) {
            Some(Some(job)) => println!("{name} fired: job {job}"),
            Some(None) => println!("{name} fired: merged with a job that is over by now"),
            None => {
                tokio::time::sleep(ASK_EVERY).await;
                continue;
            }
        }
        return Ok(Outcome::Done);
    }
    bail!("no clock has fired {name} within {} s; the wish stays for a day", PATIENCE.as_secs());
}
