//! Uptime by (UTC) day.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Timelike as _, Utc};
use diesel::{prelude::*, sql_types};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// How many pings there were and how many of them failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub pings: i64,
    /// Those that failed.
    pub failures: i64,
}

impl Tally {
    /// The share of good pings in percent, from 0 to 100. `None` without pings: no data is not 100 %.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "13 months of pings are far fewer than 2^52")]
    pub fn uptime_percent(self) -> Option<f64> {
        (self.pings > 0).then(|| 100.0 * (self.pings - self.failures) as f64 / self.pings as f64)
    }
}

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { pings: self.pings + other.pings, failures: self.failures + other.failures }
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |sum, tally| sum + tally)
    }
}

/// One service's pings of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The service.
    pub service_id: i64,
    /// The UTC day.
    pub day: NaiveDate,
    /// Its pings.
    pub tally: Tally,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = sql_types::BigInt)]
    service_id: i64,
    #[diesel(sql_type = sql_types::Date)]
    day: NaiveDate,
    #[diesel(sql_type = sql_types::BigInt)]
    pings: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    failures: i64,
}

/// The days from `from` up to and without `until`. A day without pings has no row. Sums that are kept are read;
/// days behind the newest of those are summed from the hours.
///
/// # Errors
/// When the database is unavailable.
pub async fn days(
    c: &mut AsyncPgConnection,
    service_ids: &[i64],
    from: NaiveDate,
    until: NaiveDate,
) -> QueryResult<Vec<Day>> {
    let query = "SELECT service_id, day, pings::bigint AS pings, failures::bigint AS failures \
         FROM ping_days WHERE service_id = ANY ($1) \
             AND day >= ($2 AT TIME ZONE 'UTC')::date AND day < ($3 AT TIME ZONE 'UTC')::date \
         UNION ALL \
         SELECT service_id, (hour AT TIME ZONE 'UTC')::date, sum(pings)::bigint, sum(failures)::bigint \
         FROM ping_hours WHERE service_id = ANY ($1) AND hour < $3 AND hour >= greatest($2, \
             (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM ping_days \
                 WHERE day < ($3 AT TIME ZONE 'UTC')::date)) \
         GROUP BY 1, 2";
    let rows: Vec<Row> = diesel::sql_query(query)
        .bind::<sql_types::Array<sql_types::BigInt>, _>(service_ids)
        .bind::<sql_types::Timestamptz, _>(start_of(from))
        .bind::<sql_types::Timestamptz, _>(start_of(until))
        .load(c)
        .await?;
    Ok(rows.into_iter().map(Day::from).collect())
}

/// The day that has started: roll-ups, and raw pings for the last one to two hours, which roll-ups may still
/// miss.
///
/// # Errors
/// When the database is unavailable.
pub async fn today(
    c: &mut AsyncPgConnection,
    service_ids: &[i64],
    now: DateTime<Utc>,
) -> QueryResult<Vec<Day>> {
    let midnight = start_of(now.date_naive());
    let query = "SELECT service_id, ($2 AT TIME ZONE 'UTC')::date AS day, \
             sum(pings)::bigint AS pings, sum(failures)::bigint AS failures \
         FROM ( \
             SELECT service_id, pings, failures FROM ping_hours \
             WHERE service_id = ANY ($1) AND hour >= $2 AND hour < $3 \
             UNION ALL \
             SELECT service_id, count(*), count(*) FILTER (WHERE NOT ok) FROM pings \
             WHERE service_id = ANY ($1) AND due_at >= $3 GROUP BY service_id \
         ) AS tallies GROUP BY 1";
    let rows: Vec<Row> = diesel::sql_query(query)
        .bind::<sql_types::Array<sql_types::BigInt>, _>(service_ids)
        .bind::<sql_types::Timestamptz, _>(midnight)
        .bind::<sql_types::Timestamptz, _>(raw_from(now))
        .load(c)
        .await?;
    Ok(rows.into_iter().map(Day::from).collect())
}

impl From<Row> for Day {
    fn from(row: Row) -> Self {
        let tally = Tally { pings: row.pings, failures: row.failures };
        Self { service_id: row.service_id, day: row.day, tally }
    }
}

fn start_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// From when on raw pings are counted: the hour before the running one, but not before midnight.
fn raw_from(now: DateTime<Utc>) -> DateTime<Utc> {
    let into_hour = TimeDelta::seconds(now.num_seconds_from_midnight().into()).num_seconds() % 3600;
    let hour = now - TimeDelta::seconds(into_hour) - TimeDelta::nanoseconds(now.nanosecond().into());
    (hour - TimeDelta::hours(1)).max(start_of(now.date_naive()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pings_are_not_full_uptime() {
        assert_eq!(Tally::default().uptime_percent(), None);
        assert_eq!(Tally { pings: 4, failures: 1 }.uptime_percent(), Some(75.0));
        let sum: Tally = [Tally { pings: 4, failures: 1 }, Tally { pings: 6, failures: 0 }].into_iter().sum();
        assert_eq!(sum, Tally { pings: 10, failures: 1 });
    }

    #[test]
    fn raw_pings_are_counted_from_the_hour_before_but_not_before_midnight() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(raw_from(at("2026-03-04T15:42:10.5Z")), at("2026-03-04T14:00:00Z"));
        assert_eq!(raw_from(at("2026-03-04T00:42:10Z")), at("2026-03-04T00:00:00Z"));
        assert_eq!(raw_from(at("2026-03-04T01:00:00Z")), at("2026-03-04T00:00:00Z"));
    }
}
