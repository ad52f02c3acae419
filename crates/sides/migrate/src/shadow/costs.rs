//! What a statement of running code costs before a migration and after it, on tables that have rows: functions that a
//! trigger, a rule, a policy or a default calls work inside of it.

use tokio_postgres::{Client, Error};

use super::{
    Broken, Probe, Scratch,
    earlier_sessions::LIMIT,
    probes::{self, ROWS, TRY},
    rows::without_triggers,
};
use crate::class::Reason;

/// More than a busy machine makes of a statement that takes no time, and as many times as before.
const LONGER_US: i64 = 50_000;
const TIMES: i64 = 4;

/// Runs statements one by one in one round trip, and says of each how long it took in microseconds, how many rows it read and
/// wrote, in whatever tables, and what it locked so that writers wait. Behind one that takes too long nothing is run.
const MEASURE: &str = "
    CREATE OR REPLACE FUNCTION pg_temp.sides_measure(statements text[]) RETURNS text[] LANGUAGE plpgsql AS $measure$
    DECLARE
        statement text;
        began timestamptz;
        took bigint;
        before bigint[];
        after bigint[];
        said text[] := '{}';
        counts constant text := 'SELECT ARRAY[coalesce(sum(pg_catalog.pg_stat_get_xact_tuples_returned(oid)), 0)::bigint,
            coalesce(sum(pg_catalog.pg_stat_get_xact_tuples_inserted(oid) + pg_catalog.pg_stat_get_xact_tuples_updated(oid)
                + pg_catalog.pg_stat_get_xact_tuples_deleted(oid)), 0)::bigint]
            FROM pg_catalog.pg_class WHERE oid >= 16384 AND relkind IN (''r'', ''m'', ''i'')';
    BEGIN
        FOREACH statement IN ARRAY statements LOOP
            EXECUTE counts INTO before;
            BEGIN
                began := clock_timestamp();
                EXECUTE statement;
                took := extract(epoch FROM clock_timestamp() - began) * 1000000;
                EXECUTE counts INTO after;
                said := said || concat_ws(' ', took, after[1] - before[1], after[2] - before[2], (
                    SELECT pg_catalog.string_agg(DISTINCT relation::regclass::text || ':' || mode, ' ') FROM pg_catalog.pg_locks
                    WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'relation' AND granted AND relation >= 16384
                      AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')));
            EXCEPTION
                WHEN query_canceled THEN
                    said := said || 'cancelled'::text;
                    RETURN said;
                WHEN OTHERS OR assert_failure THEN
                    said := said || 'failed'::text;
            END;
        END LOOP;
        RETURN said;
    END
    $measure$";

/// What statements cost before a migration.
pub(crate) struct Costs {
    probes: Vec<Probe>,
    asked: Vec<(usize, String)>,
    before: Vec<Cost>,
}

/// What one statement cost.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cost {
    Measured {
        us: i64,
        read: i64,
        written: i64,
        locks: Vec<String>,
    },
    /// It took longer than any may.
    Cancelled,
    /// It fails, or was not reached: nothing can be said.
    Unknown,
}

impl Costs {
    /// Measures them. None where there is nothing to ask, or the server does not let it.
    pub(crate) async fn measure(scratch: &Scratch, probes: &[Probe]) -> Result<Option<Self>, Error> {
        let asked = probes::single(probes);
        if asked.is_empty() || scratch.eye.batch_execute(&format!("{TRY}; {MEASURE}")).await.is_err() {
            return Ok(None);
        }
        let before = measured(&scratch.eye, probes, &asked).await?;
        Ok(Some(Self { probes: probes.to_vec(), asked, before }))
    }

    /// The same again: what costs so much more that people notice.
    pub(crate) async fn go_on(self, scratch: &Scratch) -> Result<Vec<Broken>, Error> {
        let mut after = measured(&scratch.eye, &self.probes, &self.asked).await?;
        let is_more = |now: &[Cost]| self.before.iter().zip(now).any(|(was, is)| more(was, is).is_some());
        if is_more(&after) {
            // A moment of the machine does not come twice.
            let again = measured(&scratch.eye, &self.probes, &self.asked).await?;
            after = after.into_iter().zip(again).map(|(one, other)| one.or_less(other)).collect();
        }
        let found = self.asked.iter().zip(self.before.iter().zip(&after));
        let broken = found.filter_map(|((place, text), (was, is))| {
            let why = more(was, is)?;
            let said = text.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
            Some(Broken {
                relation: self.probes[*place].name.clone(),
                witness: format!("`{said} …` of one row {why} from then on"),
                refused: Some(Reason::Costly),
                reads: text.starts_with("SELECT"),
            })
        });
        Ok(broken.collect())
    }
}

/// In a transaction in which each table has rows.
async fn measured(eye: &Client, probes: &[Probe], asked: &[(usize, String)]) -> Result<Vec<Cost>, Error> {
    // Tables have few rows here and many elsewhere: what has an index to use is to use it. And what is done at the end of
    // a transaction is a cost as well.
    eye.batch_execute(&format!(
        "DISCARD PLANS; BEGIN; {LIMIT}; SET LOCAL enable_seqscan = off; SET LOCAL jit = off; SET CONSTRAINTS ALL IMMEDIATE"
    ))
    .await?;
    let said = inside(eye, probes, asked).await;
    eye.batch_execute("ROLLBACK; SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD PLANS").await?;
    said
}

async fn inside(eye: &Client, probes: &[Probe], asked: &[(usize, String)]) -> Result<Vec<Cost>, Error> {
    let fills = probes.iter().filter_map(|probe| probe.fill(ROWS));
    without_triggers(eye, &fills.chain(probes::fillers(probes)).collect::<Vec<_>>()).await?;
    let texts: Vec<&str> = asked.iter().map(|(_, text)| text.as_str()).collect();
    let said: Vec<String> = eye.query_one("SELECT pg_temp.sides_measure($1)", &[&texts]).await?.get(0);
    let unknown = std::iter::repeat(Cost::Unknown);
    Ok(said.iter().map(|text| Cost::read(text)).chain(unknown).take(asked.len()).collect())
}

impl Cost {
    fn read(text: &str) -> Self {
        if text == "cancelled" {
            return Self::Cancelled;
        }
        let mut parts = text.split(' ');
        let mut number = || parts.next().and_then(|part| part.parse().ok());
        match (number(), number(), number()) {
            (Some(us), Some(read), Some(written)) => {
                Self::Measured { us, read, written, locks: parts.map(str::to_owned).collect() }
            }
            _ => Self::Unknown,
        }
    }

    /// The better of two measurements.
    fn or_less(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Measured { us, .. }, Self::Measured { us: again, .. }) if us <= again => self,
            (Self::Measured { .. }, Self::Cancelled | Self::Unknown) => self,
            _ => other,
        }
    }
}

/// What is so much more that people notice, in words.
fn more(before: &Cost, after: &Cost) -> Option<String> {
    let Cost::Measured { us: took, read: had_read, written: wrote, locks: locked } = before else {
        return None;
    };
    let (us, read, written, locks) = match after {
        Cost::Measured { us, read, written, locks } => (us, read - had_read, written - wrote, locks),
        Cost::Cancelled => return Some("takes more than 5 s".to_owned()),
        Cost::Unknown => return None,
    };
    let all = i64::from(ROWS) / 2;
    if let Some(lock) = locks.iter().find(|lock| !locked.contains(lock)) {
        let (table, mode) = lock.split_once(':').unwrap_or((lock, ""));
        return Some(format!("locks {table} ({mode})"));
    }
    if read >= all {
        return Some(format!("reads {read} more rows where tables have {ROWS}"));
    }
    if written >= all {
        return Some(format!("writes {written} more rows where tables have {ROWS}"));
    }
    (us - took > LONGER_US && us / TIMES > *took).then(|| format!("takes {} ms longer", (us - took) / 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(text: &str) -> Cost {
        Cost::read(text)
    }

    #[test]
    fn what_grows_with_a_table_pauses_or_locks_is_noticed() {
        let before = cost("900 1 1");
        for costly in ["1000900 1 1", "900 61 1", "900 1 61", "900 1 1 audit:ExclusiveLock", "cancelled"] {
            assert!(more(&before, &cost(costly)).is_some(), "{costly}");
        }
        for cheap in ["3000 3 2", "40000 1 1", "failed", "900 0 0"] {
            assert!(more(&before, &cost(cheap)).is_none(), "{cheap}");
        }
        assert!(more(&cost("cancelled"), &cost("cancelled")).is_none(), "it was slow before");
        assert!(more(&cost("300000 0 0"), &cost("400000 0 0")).is_none(), "so it was, nearly");
    }

    #[test]
    fn the_better_of_two_counts() {
        assert_eq!(cost("90000 0 0").or_less(cost("900 0 0")), cost("900 0 0"));
        assert_eq!(cost("cancelled").or_less(cost("900 0 0")), cost("900 0 0"));
        assert_eq!(cost("cancelled").or_less(cost("cancelled")), Cost::Cancelled);
    }
}
