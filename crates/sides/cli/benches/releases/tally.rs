//! What was counted, in this run and in those before it.

use std::{collections::BTreeMap, fmt, fs, io, path::Path, time::Duration};

use anyhow::Context as _;
use database::DatabaseUrl;
use diesel::{QueryableByName, sql_types::BigInt};
use diesel_async::RunQueryDsl as _;
use platform::prober::Seen;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) releases: u32,
    /// Until a new instance served and the old one was asked to leave, by process.
    pub(crate) seconds: BTreeMap<String, Vec<f64>>,
    requests: u64,
    failed: u64,
    slowest_ms: f64,
    ticks: i64,
    missed: i64,
    doubled: i64,
    lost: i64,
}

#[derive(QueryableByName)]
struct Counts {
    #[diesel(sql_type = BigInt)]
    fired: i64,
    #[diesel(sql_type = BigInt)]
    missed: i64,
    #[diesel(sql_type = BigInt)]
    lost: i64,
    #[diesel(sql_type = BigInt)]
    doubled: i64,
}

/// The clock's own schedules are due at other times; those of the benchmark fire every second, each with a job that may
/// be that of the tick before.
const COUNTS: &str = "\
WITH own AS (SELECT * FROM sides.ticks WHERE schedule LIKE 'bench\\_%'),
spans AS (SELECT count(*) AS fired, 1 + extract(epoch FROM max(due_at) - min(due_at))::bigint AS due FROM own GROUP BY schedule),
jobs AS (SELECT id, enqueued_by FROM sides.fang_tasks UNION ALL SELECT id, enqueued_by FROM sides.job_history)
SELECT coalesce((SELECT sum(fired) FROM spans), 0)::bigint AS fired,
    coalesce((SELECT sum(due - fired) FROM spans), 0)::bigint AS missed,
    (SELECT count(*) FROM own WHERE job_id IS NOT NULL AND NOT EXISTS (SELECT FROM jobs WHERE jobs.id = own.job_id)) AS lost,
    (SELECT count(*) FROM jobs WHERE enqueued_by LIKE 'clock %'
        AND NOT EXISTS (SELECT FROM sides.ticks WHERE job_id = jobs.id)) AS doubled";

impl Tally {
    pub(crate) fn see(&mut self, seen: &Seen) {
        self.requests += seen.all();
        self.failed += seen.failed();
        self.slowest_ms = self.slowest_ms.max(seen.slowest.as_secs_f64() * 1000.0);
    }

    /// Asks the ledger of ticks and the queue.
    pub(crate) async fn count(&mut self, url: &DatabaseUrl) -> anyhow::Result<()> {
        // For the ticks that are due now.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut connection = database::connect(url).await?;
        let counts: Counts = diesel::sql_query(COUNTS).get_result(&mut connection).await?;
        self.ticks += counts.fired;
        self.missed += counts.missed;
        self.doubled += counts.doubled;
        self.lost += counts.lost;
        Ok(())
    }

    /// The sum of this and what lies in a file, which then holds the sum.
    pub(crate) fn added_to(mut self, file: &Path) -> anyhow::Result<Self> {
        let before: Self = match fs::read_to_string(file) {
            Ok(text) => {
                serde_json::from_str(&text).with_context(|| format!("{} is no tally", file.display()))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        self.releases += before.releases;
        for (process, seconds) in before.seconds {
            self.seconds.entry(process).or_default().extend(seconds);
        }
        self.requests += before.requests;
        self.failed += before.failed;
        self.slowest_ms = self.slowest_ms.max(before.slowest_ms);
        self.ticks += before.ticks;
        self.missed += before.missed;
        self.doubled += before.doubled;
        self.lost += before.lost;
        fs::write(file, serde_json::to_string(&self)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(self)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { releases, requests, failed, slowest_ms, .. } = self;
        write!(
            f,
            "in all {releases} releases of all three: {requests} requests, {failed} failed, slowest {slowest_ms:.0} ms"
        )?;
        for (process, seconds) in &self.seconds {
            let mut seconds = seconds.clone();
            seconds.sort_by(f64::total_cmp);
            if let (Some(median), Some(worst)) = (seconds.get(seconds.len() / 2), seconds.last()) {
                write!(
                    f,
                    "\n  {process:<8} until the new instance serves: median {median:.2} s, worst {worst:.2} s"
                )?;
            }
        }
        let Self { ticks, missed, doubled, lost, .. } = self;
        write!(f, "\n  {ticks} ticks fired, {missed} missed, {doubled} doubled; of their jobs {lost} lost")
    }
}
