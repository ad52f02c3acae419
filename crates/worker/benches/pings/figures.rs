//! What the stored pings say.

use std::fmt;

use diesel::{QueryableByName, sql_types};

use crate::arguments::Arguments;

/// Pings of some time, and how late those that were answered began.
#[derive(Debug, QueryableByName)]
pub(crate) struct Figures {
    #[diesel(sql_type = sql_types::BigInt)]
    pub(crate) pings: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    pub(crate) failed: i64,
    #[diesel(sql_type = sql_types::Double)]
    median_ms: f64,
    #[diesel(sql_type = sql_types::Double)]
    p99_ms: f64,
    #[diesel(sql_type = sql_types::Double)]
    worst_ms: f64,
    /// Services that answer and had fewer pings than their interval asks for.
    #[diesel(sql_type = sql_types::BigInt)]
    pub(crate) starved: i64,
}

/// Pings that were due within `$2` seconds from `$1` on; services that answer should have had `$3` of them.
pub(crate) const QUERY: &str = "\
WITH seen AS (
    SELECT service_id, ok, extract(epoch FROM pinged_at - due_at)::float8 * 1000 AS late_ms
    FROM pings JOIN services ON id = service_id
    WHERE url IS NOT NULL AND due_at >= $1::timestamptz AND due_at < $1::timestamptz + make_interval(secs => $2)
)
SELECT count(*) AS pings, count(*) FILTER (WHERE NOT ok) AS failed,
    coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY late_ms) FILTER (WHERE ok), 0) AS median_ms,
    coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY late_ms) FILTER (WHERE ok), 0) AS p99_ms,
    coalesce(max(late_ms) FILTER (WHERE ok), 0) AS worst_ms,
    (SELECT count(*) FROM service_states JOIN services ON id = service_id
        WHERE url IS NOT NULL AND state = 'up'
            AND (SELECT count(*) FROM seen WHERE service_id = services.id) < $3) AS starved
FROM seen";

impl Figures {
    pub(crate) fn per_second(&self, arguments: &Arguments) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a table shows one digit")]
        let pings = self.pings as f64;
        pings / arguments.measured().as_secs_f64()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median_ms, p99_ms, worst_ms, .. } = self;
        write!(f, "median {median_ms:.0} ms, 99 % within {p99_ms:.0} ms, worst {worst_ms:.0} ms")
    }
}
