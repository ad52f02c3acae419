//! `sides schedule run`

use std::time::{Duration, Instant};

use ::schema::{stored_schedules, ticks};
use anyhow::{Context as _, bail};
use database::Connection;

use deploy::schedules;
use workspace::{Outcome, actor};

const PATIENCE: Duration = Duration::from_secs(10);
const ASK_EVERY: Duration = Duration::from_millis(50);

pub(super) async fn run(connection: &mut Connection, name: &str) -> anyhow::Result<Outcome> {
    super::named(connection, name).await?;
    if schedules::clocks(connection).await? == 0 {
        bail!(
            "no clock is running that could fire {name}; start one with `sides dev`, or with `sides up` on a server"
        );
    }
    let asked = stored_schedules::ask_run(connection, name, &actor::am_i()).await;
    let asked_at = asked.context("cannot save the request")?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match ticks::job_of(connection, name, asked_at).await? {
            Some(Some(job)) => println!("{name} fired: job {job}"),
            Some(None) => println!("{name} fired: merged into a job that has since ended"),
            None => {
                tokio::time::sleep(ASK_EVERY).await;
                continue;
            }
        }
        return Ok(Outcome::Done);
    }
    bail!("no clock fired {name} within {} s; the request stays valid for a day", PATIENCE.as_secs());
}
