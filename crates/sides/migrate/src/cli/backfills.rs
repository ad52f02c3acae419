//! `backfill`: runs the command and shows the result.

use std::time::Duration;

use database::DatabaseUrl;

use super::{Backfill, RunBackfill, outcome::Outcome, report::Report};
use crate::{
    Event, MigrateError, Migration, Options, PaceOptions, Standing,
    backfill::{backfill, pause, progress, resume},
};

pub(crate) async fn run(
    url: &DatabaseUrl,
    all: &[Migration],
    order: Backfill,
    report: &mut Report,
) -> Result<Outcome, MigrateError> {
    let ended = |names: &[String]| if names.is_empty() { Outcome::Nothing } else { Outcome::Done };
    match order {
        Backfill::Run(run) => {
            let options = Options { wait: !run.no_wait, pace: pace(&run), ..Options::default() };
            let names =
                backfill(url, all, &run.names, &options, &mut |event: Event| report.event(&event)).await?;
            report.end("applied", &names);
            Ok(ended(&names))
        }
        Backfill::Pause { names } => {
            let paused = pause(url, &names, &whoever()).await?;
            report.end("paused", &paused);
            Ok(ended(&paused))
        }
        Backfill::Resume { names } => {
            let resumed = resume(url, &names).await?;
            report.end("resumed", &resumed);
            let found = progress(url).await?;
            if found.iter().any(|one| one.standing == Standing::Interrupted) {
                report.hint("no runner is running; start one: migrate backfill run");
            }
            Ok(ended(&resumed))
        }
        Backfill::Status => {
            let found = progress(url).await?;
            report.backfills(&found);
            Ok(if found.is_empty() { Outcome::Nothing } else { Outcome::Done })
        }
    }
}

fn pace(run: &RunBackfill) -> PaceOptions {
    let usual = PaceOptions::default();
    PaceOptions {
        batch: run.batch_time.map_or(usual.batch, Duration::from_millis),
        share: run.share.map_or(usual.share, |percent| f64::from(percent) / 100.0),
        replica_lag: run.replica_lag.map_or(usual.replica_lag, Duration::from_millis),
        active: run.active.unwrap_or(usual.active),
        ..usual
    }
}

/// Who asks, as far as the machine knows.
fn whoever() -> String {
    let user = std::env::var("USER").unwrap_or_else(|_| "somebody".to_owned());
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    match host.trim() {
        "" => user,
        host => format!("{user}@{host}"),
    }
}
