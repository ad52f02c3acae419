//! `backfill`: runs the command and shows the result.

use std::time::Duration;

use database::DatabaseUrl;

use super::{Backfill, RunBackfill, report::Report, run::Outcome};
use crate::{
    Event, MigrateError, Migration, Options, PaceOptions, Progress, Standing,
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

/// What a person reads about one.
pub(crate) fn line(one: &Progress) -> String {
    let standing = match &one.standing {
        Standing::Running => "running".to_owned(),
        Standing::Paused { by } => format!("paused by {by}"),
        Standing::Interrupted => "interrupted; continue with: migrate backfill run".to_owned(),
        Standing::Done => "done".to_owned(),
    };
    let share = match one.standing {
        Standing::Done => format!("{} rows changed", one.changed),
        _ => rows(one.visited, one.estimated, one.per_second, one.seconds_left),
    };
    let slow = one.slow.as_ref().map(|why| format!(", slowly: {why}")).unwrap_or_default();
    format!("{} step {}: {share}, {standing}{slow}", one.migration, one.step)
}

/// How far, how fast, how long yet.
pub(crate) fn rows(done: i64, estimated: Option<i64>, per_second: i64, seconds_left: Option<i64>) -> String {
    let mut text = match estimated {
        Some(all) if all > 0 => {
            let percent = (done.saturating_mul(100) / all).min(99);
            format!("{done} of about {all} rows ({percent} %)")
        }
        _ => format!("{done} rows"),
    };
    text.push_str(&format!(", {per_second} a second"));
    if let Some(left) = seconds_left {
        text.push_str(&format!(", about {} left", span(left)));
    }
    text
}

fn span(seconds: i64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_never_certain_and_spans_are_readable() {
        assert_eq!(
            rows(50, Some(200), 10, Some(15)),
            "50 of about 200 rows (25 %), 10 a second, about 15 s left"
        );
        assert_eq!(
            rows(300, Some(200), 10, Some(0)),
            "300 of about 200 rows (99 %), 10 a second, about 0 s left"
        );
        assert_eq!(rows(7, None, 3, None), "7 rows, 3 a second");
        assert_eq!([200, 8000, 400_000].map(span), ["3 min", "2 h", "4 days"]);
    }
}
