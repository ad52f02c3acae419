//! Where Postgres goes by other zone rules than the clock does.
//!
//! Postgres reads the rules of its own machine, or of its own build. Nothing of sides depends on them, but an
//! application's SQL may: `at AT TIME ZONE 'Europe/Berlin'`.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use database::{Connection, DatabaseUrl};
use diesel::{
    QueryableByName,
    sql_types::{Array, Double, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl as _;
use schedule::Zone;

/// How long is waited for a database that need not be there.
const PATIENCE: Duration = Duration::from_secs(2);

/// Names that Postgres does not know have no offset; asked for one, it would refuse the whole.
const OFFSETS: &str = "\
SELECT asked.zone, asked.at, CASE WHEN known.name IS NOT NULL THEN
    extract(epoch FROM (asked.at AT TIME ZONE known.name) - (asked.at AT TIME ZONE 'UTC'))::float8 END AS seconds
FROM unnest($1::text[], $2::timestamptz[]) WITH ORDINALITY AS asked (zone, at, place)
LEFT JOIN (SELECT DISTINCT name FROM pg_timezone_names) AS known ON known.name = asked.zone
ORDER BY place";

#[derive(QueryableByName)]
struct Offset {
    #[diesel(sql_type = Text)]
    zone: String,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Double>)]
    seconds: Option<f64>,
}

/// The database of `DATABASE_URL`, if it answers.
pub(super) async fn somewhere() -> Option<Connection> {
    let url: DatabaseUrl = std::env::var("DATABASE_URL").ok()?.parse().ok()?;
    tokio::time::timeout(PATIENCE, database::connect(&url)).await.ok()?.ok()
}

/// For each zone in which Postgres shows another reading at one of these moments, the first of them, in words. A
/// database that does not answer has none.
pub(super) async fn differences(
    connection: &mut Connection,
    moments: &[(Zone, DateTime<Utc>)],
) -> Vec<String> {
    let zones: BTreeMap<&str, &Zone> = moments.iter().map(|(zone, _)| (zone.name(), zone)).collect();
    let query = diesel::sql_query(OFFSETS)
        .bind::<Array<Text>, _>(moments.iter().map(|(zone, _)| zone.name()).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(moments.iter().map(|(_, at)| *at).collect::<Vec<_>>());
    let offsets: Vec<Offset> = query.load(connection).await.unwrap_or_default();
    let mut said = BTreeMap::new();
    for Offset { zone, at, seconds } in offsets {
        let Some(ours) = zones.get(zone.as_str()) else { continue };
        if let Some(difference) = difference(ours, at, seconds) {
            said.entry(zone).or_insert(difference);
        }
    }
    said.into_values().collect()
}

fn difference(zone: &Zone, at: DateTime<Utc>, seconds: Option<f64>) -> Option<String> {
    let Some(seconds) = seconds else {
        return Some(format!(
            "Postgres does not know the time zone {zone}: SQL cannot use AT TIME ZONE '{zone}'"
        ));
    };
    // Offsets are whole seconds, and fewer than a day has.
    #[allow(clippy::cast_possible_truncation)]
    let theirs = at.naive_utc() + TimeDelta::seconds(seconds as i64);
    let ours = zone.local(at).naive_local();
    (theirs != ours).then(|| {
        format!(
            "Postgres has different rules for {zone}: at {} its local time is {}, not {}; update tzdata on its \
             machine or on this one",
            at.format("%FT%TZ"),
            theirs.format("%F %T"),
            ours.format("%F %T"),
        )
    })
}
